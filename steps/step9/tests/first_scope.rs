//! What is a client without a token told to ask for?

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{Router, body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use mcp_auth::testing::Issuer;
use step9::{Settings, app};
use tower::ServiceExt as _;

/// A server with these flags.
async fn server(flags: &[&str]) -> anyhow::Result<Router> {
    let issuer = Issuer::start("http://localhost:9000/mcp").await?;
    let settings = Settings::try_parse_from([&["step9"], flags].concat())?;
    app(&settings, &PublicUrl::localhost(9000).on_loopback(9000), issuer.name()).await
}

/// The challenge of a server with these flags.
async fn challenge(flags: &[&str]) -> String {
    let request = Request::post("/mcp").header("host", "localhost:9000").body(Body::empty());
    let answer = server(flags).await.unwrap().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 401);
    answer.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_least_that_is_good_for_anything() {
    let challenge = challenge(&[]).await;
    assert!(challenge.contains(r#"scope="mcp:read""#), "{challenge}");
}

#[tokio::test]
async fn or_what_the_operator_says() {
    let challenge = challenge(&["--first-scope", "mcp:read mcp:tools"]).await;
    assert!(challenge.contains(r#"scope="mcp:read mcp:tools""#), "{challenge}");
}

#[tokio::test]
async fn but_nothing_that_nobody_could_give() {
    for wrong in ["mcp:all", "mcp:read mcp:write", "mcp:read  mcp:tools", "", "mcp:read\""] {
        let refused = server(&["--first-scope", wrong]).await.unwrap_err().to_string();
        assert!(refused.contains("none of the scopes mcp:read mcp:tools mcp:prompts"), "{refused}");
    }
}

#[tokio::test]
async fn a_typing_error_is_told_before_an_issuer_is_waited_for() {
    let settings = Settings::try_parse_from(["step9", "--first-scope", "mcp:raed"]).unwrap();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let refused = app(&settings, &url, "http://127.0.0.1:1").await.unwrap_err().to_string();
    assert!(refused.contains("mcp:raed"), "{refused}");
}
