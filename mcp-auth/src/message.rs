//! What does a request want, and do its headers say the same as its body?
//!
//! What it wants stands in its body. Headers repeat it since 2026-07-28, but a header that lies must not open a door, and
//! older requests have none: so the body is read once, within limits, and given back.

use std::fmt;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::envelope::Envelope;

/// Why a message is not let through to be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    id: Value,
    code: i32,
    message: &'static str,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl IntoResponse for Unreadable {
    /// 400 with JSON-RPC's error.
    fn into_response(self) -> Response {
        let error = json!({"code": self.code, "message": self.message});
        let body = json!({"jsonrpc": "2.0", "id": self.id, "error": error});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

/// The message in a body, to which no header gives the lie.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Envelope, Unreadable> {
    let envelope = Envelope::parse(body).map_err(|error| {
        let (code, message) = if error.is_json {
            (-32600, "the body is not one JSON-RPC message")
        } else {
            (-32700, "the body is not JSON")
        };
        // what can be read of it is the id, which the client looks for in the answer (B1)
        let read: Option<Value> = serde_json::from_slice(body).ok();
        let id = read.and_then(|read| read.get("id").cloned());
        let id = id.filter(|id| id.is_string() || id.is_i64() || id.is_u64()).unwrap_or_default();
        Unreadable { id, code, message }
    })?;
    let Some(method) = &envelope.method else { return Ok(envelope) };
    if envelope.is_modern || !is_old(headers) {
        let says = |header, in_body: Option<&str>| {
            in_body.is_none_or(|in_body| agrees(headers, header, in_body))
        };
        if !(says("mcp-method", Some(method)) && says("mcp-name", envelope.name())) {
            let message = "Mcp-Method or Mcp-Name does not say what the body says";
            let id = envelope.id.unwrap_or_default();
            return Err(Unreadable { id, code: -32020, message });
        }
    }
    Ok(envelope)
}

/// Do the headers name an old revision, or none? Nobody reads the other headers then.
fn is_old(headers: &HeaderMap) -> bool {
    let is_old = |version: &HeaderValue| {
        version.as_bytes().starts_with(b"2024-") || version.as_bytes().starts_with(b"2025-")
    };
    headers.get_all("mcp-protocol-version").iter().all(is_old)
}

/// Does a header say this, or nothing? Whether it must be there is for the server to say.
fn agrees(headers: &HeaderMap, header: &str, in_body: &str) -> bool {
    let mut given = headers.get_all(header).iter();
    match (given.next(), given.next()) {
        (None, _) => true,
        (Some(one), None) => decoded(one).is_some_and(|text| text == in_body.as_bytes()),
        _ => false,
    }
}

/// The value of a header, which may be in base64 where it holds what a header cannot (T17).
fn decoded(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.as_bytes().trim_ascii();
    match text.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?=")) {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(text.to_vec()),
    }
}
