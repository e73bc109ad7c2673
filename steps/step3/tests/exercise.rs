//! The exercise of step 3: one more tool in the list, told truthfully.
//!
//! `cargo test -p step3 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use serde_json::{Value, json};
use step3::{Settings, app};
use tower::ServiceExt as _;

/// The tools as `tools/list` gives them to a client of the current revision.
async fn listed() -> Vec<Value> {
    let app = app(&Settings::parse_from(["step3"]), &PublicUrl::localhost(9000)).unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
    let request = Request::post("/mcp")
        .header("host", "localhost:9000")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/list");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {answer}")).clone()
}

async fn roll() -> Value {
    let tools = listed().await;
    let roll = tools.into_iter().find(|tool| tool["name"] == "roll");
    roll.expect("a tool `roll` in the list")
}

#[tokio::test]
#[ignore = "exercise"]
async fn roll_is_listed_in_its_place() {
    let tools = listed().await;
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "get_time", "roll"], "in the order of the names");
}

#[tokio::test]
#[ignore = "exercise"]
async fn its_schema_says_what_will_be_taken() {
    let schema = &roll().await["inputSchema"];
    let sides = &schema["properties"]["sides"];
    assert_eq!(sides["type"], "integer", "{schema}");
    assert_eq!((&sides["minimum"], &sides["maximum"]), (&json!(2), &json!(100)), "{schema}");
    assert_eq!(sides["default"], 6, "a die has six sides if nobody says otherwise: {schema}");
    assert!(sides["description"].is_string(), "a model reads what `sides` means: {schema}");
    assert_eq!(schema["additionalProperties"], false, "nothing else is taken: {schema}");
}

#[tokio::test]
#[ignore = "exercise"]
async fn its_hints_are_true() {
    let roll = roll().await;
    let hint = |name: &str| roll["annotations"][name].as_bool();
    assert_eq!(hint("readOnlyHint"), Some(true), "rolling changes nothing");
    assert_eq!(hint("idempotentHint"), Some(false), "the second roll is not the first one again");
}

#[tokio::test]
#[ignore = "exercise"]
async fn the_hints_of_the_others_are_as_before() {
    let tools = listed().await;
    for name in ["echo", "get_time"] {
        let tool = tools.iter().find(|tool| tool["name"] == name).expect(name);
        assert_eq!(tool["annotations"]["idempotentHint"], true, "{name}");
    }
}
