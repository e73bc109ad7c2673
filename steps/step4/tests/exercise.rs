//! The exercise of step 4: a tool that can fail, and says so to the right reader.
//!
//! `cargo test -p step4 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use serde_json::{Value, json};
use step4::{Settings, app};
use tower::ServiceExt as _;

/// The answer to a request of the old revision, which needs the fewest headers.
async fn ask(method: &str, params: Value) -> Value {
    let app = app(&Settings::parse_from(["step4"]), &PublicUrl::localhost(9000)).unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = Request::post("/mcp")
        .header("host", "localhost:9000")
        .header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The result of `divide` with these arguments.
async fn divide(arguments: Value) -> Value {
    let answer = ask("tools/call", json!({"name": "divide", "arguments": arguments})).await;
    let result = answer["result"].clone();
    assert!(result.is_object(), "{arguments}: a result, also when it is a refusal: {answer}");
    result
}

/// Expects a refusal that a model can act on.
async fn refused(arguments: Value, words: &[&str]) {
    let result = divide(arguments.clone()).await;
    assert_eq!(result["isError"], true, "{arguments}: {result}");
    let sentence = result["content"][0]["text"].as_str().unwrap();
    for word in words {
        assert!(sentence.contains(word), "{arguments}: {sentence:?} does not say {word:?}");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn whole_numbers_are_divided() {
    for (dividend, divisor, quotient, remainder) in
        [(7, 2, 3, 1), (-7, 2, -3, -1), (6, 3, 2, 0), (0, 5, 0, 0), (i64::MAX, 1, i64::MAX, 0)]
    {
        let result = divide(json!({"dividend": dividend, "divisor": divisor})).await;
        let expected = json!({"quotient": quotient, "remainder": remainder});
        assert_eq!(result["structuredContent"], expected, "{dividend} / {divisor}: {result}");
        assert_eq!(result["isError"], false);
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_division_by_zero_names_the_argument() {
    refused(json!({"dividend": 1, "divisor": 0}), &["divisor"]).await;
}

#[tokio::test]
#[ignore = "exercise"]
async fn the_one_quotient_that_does_not_fit_is_no_panic() {
    refused(json!({"dividend": i64::MIN, "divisor": -1}), &["dividend"]).await;
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_bad_argument_is_named() {
    refused(json!({"dividend": 1}), &["divisor"]).await;
    refused(json!({"dividend": "one", "divisor": 1}), &["dividend"]).await;
    refused(json!({"dividend": 1.5, "divisor": 1}), &["dividend"]).await;
    refused(json!({"dividend": 1, "divisor": 1, "round": true}), &["round"]).await;
}

#[tokio::test]
#[ignore = "exercise"]
async fn the_list_tells_what_comes_back() {
    let answer = ask("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    let divide = tools.iter().find(|tool| tool["name"] == "divide").expect("divide is listed");
    for member in ["quotient", "remainder"] {
        let schema = &divide["outputSchema"]["properties"][member];
        assert_eq!(schema["type"], "integer", "{divide}");
    }
}
