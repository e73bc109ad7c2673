//! The exercise of step 1: who is refused can say where it stands in the log.
//!
//! `cargo test -p step1 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use step1::{Settings, app};
use tower::ServiceExt as _;

/// Sends a request to the server; gives the id of its header and the one of its body.
async fn refused(method: &str, path: &str, id: Option<&str>) -> (String, serde_json::Value) {
    let app = app(&Settings::parse_from(["step1"]), &PublicUrl::localhost(9000)).unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if let Some(id) = id {
        request = request.header("x-request-id", id);
    }
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(response.status().is_client_error(), "{method} {path}: {}", response.status());
    let header = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(body["error"].is_string(), "the body still says what is wrong: {body}");
    (header, body["request_id"].clone())
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_refusal_says_its_id() {
    for (method, path) in [("GET", "/nothing"), ("DELETE", "/health")] {
        let (header, body) = refused(method, path, None).await;
        assert_eq!(
            body, header,
            "`request_id` in the body of {method} {path} is the one in the header"
        );
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn the_id_that_the_caller_gave_comes_back() {
    let (_, body) = refused("GET", "/nothing", Some("ticket-4711")).await;
    assert_eq!(body, "ticket-4711", "the caller's own id, for it is harmless");
}

#[tokio::test]
#[ignore = "exercise"]
async fn an_id_that_would_forge_a_log_line_does_not_come_back() {
    let (header, body) = refused("GET", "/nothing", Some("1}: GET /admin 200")).await;
    assert_eq!(body, header, "one id, in both places");
    assert_ne!(body, "1}: GET /admin 200", "the caller's id is not harmless");
}
