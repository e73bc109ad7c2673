//! What is a client without a token told to ask for?

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use mcp_auth::testing::Issuer;
use step9::{Settings, app};
use tower::ServiceExt as _;

/// The challenge of a server with these flags.
async fn challenge(flags: &[&str]) -> String {
    let issuer = Issuer::start("http://localhost:9000/mcp").await.unwrap();
    let settings = Settings::try_parse_from([&["step9"], flags].concat()).unwrap();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let app = app(&settings, &url, issuer.name()).await.unwrap();
    let request = Request::post("/mcp").header("host", "localhost:9000").body(Body::empty());
    let answer = app.oneshot(request.unwrap()).await.unwrap();
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

#[test]
fn but_nothing_that_nobody_could_give() {
    for wrong in ["mcp:all", "mcp:read mcp:write", "mcp:read  mcp:tools", "", "mcp:read\""] {
        let refused = Settings::try_parse_from(["step9", "--first-scope", wrong]).unwrap_err();
        assert!(refused.to_string().contains("none of the scopes mcp:read mcp:tools mcp:prompts"));
    }
}
