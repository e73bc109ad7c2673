//! What does a refused caller learn? Enough to do better, and nothing of the cause.

use std::time::Duration;

use axum::{body::to_bytes, http::HeaderMap, response::Response};
use mcp_auth::{
    Cause, VerifyError,
    bearer::BearerError,
    challenge::Challenge,
    scopes::{Needs, ScopeSet},
};
use serde_json::{Value, json};

const METADATA: &str = "http://localhost:9000/.well-known/oauth-protected-resource/mcp";

fn challenge() -> Challenge {
    Challenge { resource_metadata: Some(METADATA.into()), scope: Some("mcp:read".into()) }
}

/// Status, headers and body of an answer.
async fn read(response: Response) -> (u16, HeaderMap, Value) {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    assert_eq!(parts.headers["content-type"], "application/json");
    (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap())
}

/// Expects a refusal with this error, whose challenge says the same as its body.
async fn refused(response: Response, status: u16, error: &str, scope: &str) -> Value {
    let (answered, headers, body) = read(response).await;
    assert_eq!((answered, &body["error"]), (status, &json!(error)));
    let description = body["error_description"].as_str().unwrap();
    let expected = format!(
        "Bearer error=\"{error}\", error_description=\"{description}\", scope=\"{scope}\", \
         resource_metadata=\"{METADATA}\""
    );
    assert_eq!(headers["www-authenticate"], expected);
    body
}

#[tokio::test]
async fn who_sent_no_credentials_did_nothing_wrong() {
    for response in [challenge().missing(), challenge().refused_header(BearerError::Missing)] {
        let (status, headers, body) = read(response).await;
        assert_eq!(status, 401);
        let expected = format!("Bearer scope=\"mcp:read\", resource_metadata=\"{METADATA}\"");
        assert_eq!(headers["www-authenticate"], expected);
        assert!(body.get("error").is_none() && body["error_description"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_request_that_can_be_read_two_ways_is_told_why() {
    for response in
        [challenge().malformed("two"), challenge().refused_header(BearerError::Malformed("two"))]
    {
        let body = refused(response, 400, "invalid_request", "mcp:read").await;
        assert_eq!(body["error_description"], "two");
    }
}

#[tokio::test]
async fn a_bad_token_gets_the_same_whatever_the_cause() {
    let first = refused(challenge().invalid(), 401, "invalid_token", "mcp:read").await;
    for cause in [Cause::Expired, Cause::Key, Cause::Audience, Cause::Claim("sub")] {
        let response = challenge().refused_token(&VerifyError::Invalid(cause));
        assert_eq!(refused(response, 401, "invalid_token", "mcp:read").await, first, "{cause}");
    }
}

#[tokio::test]
async fn too_little_scope_is_told_all_that_is_needed() {
    let needs = Needs("mcp:tools mcp:prompts".parse::<ScopeSet>().unwrap());
    let scope = "mcp:prompts mcp:tools";
    refused(challenge().insufficient(&needs), 403, "insufficient_scope", scope).await;
}

#[tokio::test]
async fn who_cannot_be_checked_may_come_again() {
    let retry_after = Duration::from_secs(7);
    let error = VerifyError::Unavailable { retry_after };
    for response in [challenge().refused_token(&error), Challenge::unavailable(retry_after)] {
        let (status, headers, body) = read(response).await;
        assert_eq!((status, &body["error"]), (503, &json!("temporarily_unavailable")));
        assert_eq!(headers["retry-after"], "7");
        assert!(!headers.contains_key("www-authenticate"), "another token would not help");
    }
}
