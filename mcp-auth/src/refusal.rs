//! What does a refused request get, and what does the log get? OAuth's JSON shape (RFC 6749 §5.2), whatever the reason: a
//! stable word for programs, a sentence for people, and never a cause that would help an attacker.

use std::{fmt, time::Duration};

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// What a stranger has sent, as a log may show it: escaped, so that it cannot end the line and write one of its own, and not
/// long.
pub(crate) fn shown(text: impl fmt::Debug) -> String {
    format!("{text:?}").chars().take(200).collect()
}

/// `{"error":"…","error_description":"…"}` with this status.
#[must_use]
pub fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(Refusal { error, error_description: description })).into_response()
}

/// 503: not now, but after so many seconds.
pub(crate) fn unavailable(retry_after: Duration, description: &str) -> Response {
    let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description);
    ([(RETRY_AFTER, retry_after.as_secs().to_string())], refusal).into_response()
}
