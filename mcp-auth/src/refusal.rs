//! What does a refused request get? OAuth's JSON shape (RFC 6749 §5.2), whatever the reason: a
//! stable word for programs, a sentence for people, and never a cause that would help an attacker.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// `{"error":"…","error_description":"…"}` with this status.
#[must_use]
pub fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}
