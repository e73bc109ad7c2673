//! Revision 2026-07-28: which era is a request of, and do its headers tell the truth?

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    Era,
    jsonrpc::{INVALID_PARAMS, Message, Refusal},
    legacy,
};

/// The revision that this module speaks.
pub const VERSION: &str = "2026-07-28";
/// A header is missing, malformed or says something else than the body.
pub const HEADER_MISMATCH: i64 = -32020;
/// The revision asked for is not spoken here.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// For how long a client may keep a list, in milliseconds (F12).
pub const TTL_MS: u64 = 300_000;

/// Decides the era: by the version in `_meta` or in the header, which must agree (T11); by the method
/// `initialize`; without any of them it is the newest one before `_meta` existed.
///
/// # Errors
/// 400: -32602 for a version that is no string, -32020 if header and body name two versions, -32022 for one
/// that we do not speak (T12).
pub fn era(headers: &HeaderMap, message: &Message) -> Result<Era, Refusal> {
    let header = single(headers, "mcp-protocol-version")?;
    let meta = message.params.get("_meta");
    let body = meta.and_then(|meta| meta.get("io.modelcontextprotocol/protocolVersion"));
    if body.is_some_and(|version| !version.is_string()) {
        return Err(missing("protocolVersion", "a string")); // who names a version must be understood
    }
    let body = body.and_then(Value::as_str);
    if let (Some(header), Some(body)) = (header, body)
        && header != body
    {
        return Err(mismatch("MCP-Protocol-Version differs from the version in `_meta`"));
    }
    match body.or(header) {
        Some(VERSION) => Ok(Era::Modern),
        _ if message.method == "initialize" => Ok(Era::Legacy),
        Some(known) if legacy::VERSIONS.contains(&known) => Ok(Era::Legacy),
        None => Ok(Era::Legacy),
        Some(unknown) => {
            let supported = [&[VERSION], legacy::VERSIONS].concat();
            let text = format!("unsupported protocol version; supported: {}", supported.join(", "));
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, text);
            Err(refusal.with_data(json!({"supported": supported, "requested": unknown})))
        }
    }
}

/// Checks a modern request: `_meta` has what it must have (B2), and the headers that proxies route by say the
/// same as the body that we obey (T11, T14, T15): a lying header must not open a door.
///
/// # Errors
/// 400: -32602 for `_meta`, -32020 for a header.
pub fn check(headers: &HeaderMap, message: &Message) -> Result<(), Refusal> {
    let meta = |key| message.params.get("_meta")?.get(format!("io.modelcontextprotocol/{key}"));
    if !meta("protocolVersion").is_some_and(Value::is_string) {
        return Err(missing("protocolVersion", "a string"));
    }
    if !meta("clientCapabilities").is_some_and(Value::is_object) {
        return Err(missing("clientCapabilities", "an object"));
    }
    if single(headers, "mcp-protocol-version")?.is_none() {
        return Err(mismatch("the header MCP-Protocol-Version is missing"));
    }
    if single(headers, "mcp-method")? != Some(&message.method) {
        return Err(mismatch("Mcp-Method must be the method of the body"));
    }
    let named = match message.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    let name = single(headers, "mcp-name")?.map(decode).transpose()?;
    if name.as_deref() != message.params.get(named).and_then(Value::as_str) {
        return Err(mismatch("Mcp-Name must be the name (for a resource the URI) of the body"));
    }
    Ok(())
}

/// The result of `server/discover` (B7): what we speak in this era and what we can do.
#[must_use]
pub fn discover(capabilities: &Value, cache_scope: &str) -> Value {
    json!({
        "supportedVersions": [VERSION],
        "capabilities": capabilities,
        "ttlMs": TTL_MS,
        "cacheScope": cache_scope,
    })
}

/// The value of a header that may stand at most once, as visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| mismatch(format!("{name} is not ASCII")))
        }
        _ => Err(mismatch(format!("{name} is there more than once"))),
    }
}

/// Undoes `=?base64?…?=`, the form for names that do not fit into a header (T17).
fn decode(value: &str) -> Result<String, Refusal> {
    let Some(coded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="))
    else {
        return Ok(value.to_owned());
    };
    let bytes = STANDARD.decode(coded).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| mismatch("Mcp-Name is not base64 of UTF-8"))
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
}

fn missing(key: &str, shape: &str) -> Refusal {
    let text = format!("`_meta` needs io.modelcontextprotocol/{key}, {shape}");
    Refusal::new(StatusCode::BAD_REQUEST, INVALID_PARAMS, text)
}
