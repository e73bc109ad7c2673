//! The exercise of step 9: not every program that a person trusts.
//!
//! `cargo test -p step9 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{Router, body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use mcp_auth::{
    issuer::{files::KeyFiles, keys::Alg},
    testing::Issuer,
};
use serde_json::{Value, json};
use step9::{Settings, app};
use tower::ServiceExt as _;

const RESOURCE: &str = "http://localhost:9000/mcp";

/// The server with these flags, and the issuer whose tokens it takes.
async fn server(flags: &[&str]) -> (Router, Issuer) {
    let issuer = Issuer::start(RESOURCE).await.unwrap();
    let settings = Settings::try_parse_from([&["step9"], flags].concat()).unwrap();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    (app(&settings, &url, issuer.name()).await.unwrap(), issuer)
}

/// The status of a call with a token of alice that has these claims beside those that it must have.
async fn ask(app: &Router, issuer: &Issuer, more: Value) -> u16 {
    let mut claims = json!({
        "iss": issuer.name(),
        "aud": RESOURCE,
        "sub": "alice",
        "exp": issuer.clock().now() + 60,
        "scope": "mcp:read mcp:tools",
    });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let key = KeyFiles::new(issuer.keys_dir()).signing_key(Alg::Rs256).unwrap();
    let token = key.token("at+jwt", &claims).unwrap();
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}});
    let request = Request::post("/mcp")
        .header("host", "localhost:9000")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(body.to_string()));
    app.clone().oneshot(request.unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
#[ignore = "exercise"]
async fn the_programs_that_are_named_are_let_in_and_no_other() {
    let (app, issuer) = server(&["--allow-client", "desk,clock"]).await;
    for (client, status) in
        [("desk", 200), ("clock", 200), ("toy", 401), ("Desk", 401), ("des", 401)]
    {
        assert_eq!(ask(&app, &issuer, json!({"client_id": client})).await, status, "{client}");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn keycloak_calls_the_program_azp() {
    let (app, issuer) = server(&["--allow-client", "desk"]).await;
    let by_azp = |azp: &str| json!({"azp": azp});
    assert_eq!(ask(&app, &issuer, by_azp("desk")).await, 200);
    assert_eq!(ask(&app, &issuer, by_azp("toy")).await, 401);
    // who says both is believed once
    assert_eq!(ask(&app, &issuer, json!({"client_id": "toy", "azp": "desk"})).await, 401);
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_token_that_names_no_program_is_of_none() {
    let (app, issuer) = server(&["--allow-client", "desk"]).await;
    assert_eq!(ask(&app, &issuer, json!({})).await, 401);
}

#[tokio::test]
#[ignore = "exercise"]
async fn without_the_flag_every_program_is_let_in_as_before() {
    let (app, issuer) = server(&[]).await;
    for claims in [json!({"client_id": "toy"}), json!({})] {
        assert_eq!(ask(&app, &issuer, claims).await, 200);
    }
    let refused = Settings::try_parse_from(["step9", "--allow-client", ""]);
    let told = refused.map(drop).unwrap_err().to_string();
    assert!(told.contains("--allow-client"), "an empty name is a mistake, not nobody: {told}");
}
