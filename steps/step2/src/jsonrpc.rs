//! What is a valid message, and does it tell the truth? JSON-RPC 2.0 in revision 2026-07-28.
//!
//! The body is what we obey. Its version, method and name stand in headers too, so that a proxy can
//! route and filter without reading the body: a header that says something else than the body would
//! lead past such a filter, and is refused (T11, T15).

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{Era, legacy};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

pub use common::jsonrpc::{Refusal, respond}; // an error and its answer: JSON, nothing to see

const VERSION: &str = "2026-07-28";

/// A request, or a notification when it has no id (B1).
#[derive(Deserialize)]
pub struct Message {
    jsonrpc: String,
    /// A string or an integer; `"id": null` is an error, no id at all is a notification.
    #[serde(default, deserialize_with = "present")]
    pub id: Option<Value>,
    /// For example `tools/list`.
    pub method: String,
    /// By name; empty when there are none.
    #[serde(default)]
    pub params: Map<String, Value>,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some) // `null` too, which an `Option` alone would take for nothing
}

fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_i64() || value.is_u64()
}

/// Reads the one message of a body: no batch, no response (T4). A member that stands twice is
/// refused too, because the next one who reads it may take the other.
pub fn parse(body: &[u8]) -> Result<Message, Box<Response>> {
    // a good message is read once; a bad one again: was it JSON at all, and which id has the refusal to name?
    let any = || serde_json::from_slice::<Value>(body);
    let is_object = body.trim_ascii_start().starts_with(b"{"); // serde reads a struct from a list too
    let (code, why) = match serde_json::from_slice::<Message>(body) {
        _ if !is_object && any().is_ok() => (-32600, "a message is one object, not a list".into()),
        Ok(m) if m.jsonrpc == "2.0" && m.id.as_ref().is_none_or(is_id) => return Ok(m),
        Ok(_) => (-32600, "`jsonrpc` must be \"2.0\", `id` a string or an integer".into()),
        Err(error) if any().is_ok() => (-32600, error.to_string()),
        Err(error) => (-32700, error.to_string()),
    };
    let id = any().ok().and_then(|v| v.get("id").cloned());
    Err(Box::new(bad(code, why).answer(id.filter(is_id).as_ref())))
}

/// Which of the two wire formats? The version says it, in `_meta` and in a header, which must agree;
/// the old one begins with `initialize`, and may say nothing at all.
pub fn era(headers: &HeaderMap, message: &Message) -> Result<Era, Refusal> {
    let header = single(headers, "mcp-protocol-version")?;
    let body = meta(message, "protocolVersion");
    if body.is_some_and(|version| !version.is_string()) {
        return Err(bad(-32602, "io.modelcontextprotocol/protocolVersion must be a string"));
    }
    let body = body.and_then(Value::as_str);
    if header.is_some() && body.is_some() && header != body {
        return Err(mismatch("MCP-Protocol-Version differs from the version in `_meta`"));
    }
    match body.or(header) {
        Some(VERSION) => Ok(Era::Modern),
        // it asks which version to speak, and is answered with one: it cannot ask for a wrong one
        _ if message.method == "initialize" => Ok(Era::Legacy),
        Some(version) if !legacy::VERSIONS.contains(&version) => {
            let supported = [&[VERSION], legacy::VERSIONS].concat();
            let text = format!("unsupported protocol version; supported: {}", supported.join(", "));
            Err(bad(-32022, text).with_data(json!({"supported": supported, "requested": version})))
        }
        _ => Ok(Era::Legacy),
    }
}

/// Checks a modern request: `_meta` is complete (B2), and each header is there once and says the
/// same as the body.
pub fn check(headers: &HeaderMap, message: &Message) -> Result<(), Refusal> {
    if !meta(message, "protocolVersion").is_some_and(Value::is_string) {
        return Err(bad(-32602, "`_meta` needs io.modelcontextprotocol/protocolVersion, a string"));
    }
    if !meta(message, "clientCapabilities").is_some_and(Value::is_object) {
        return Err(bad(
            -32602,
            "`_meta` needs io.modelcontextprotocol/clientCapabilities, an object",
        ));
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

/// The result of `server/discover`: what we speak in this era and what we can do (B7). It may be
/// kept for five minutes (F12).
pub fn discover(capabilities: &Value, cache_scope: &str) -> Value {
    json!({"supportedVersions": [VERSION], "capabilities": capabilities,
           "ttlMs": 300_000, "cacheScope": cache_scope})
}

fn meta<'a>(message: &'a Message, key: &str) -> Option<&'a Value> {
    message.params.get("_meta")?.get(format!("io.modelcontextprotocol/{key}"))
}

/// The value of a header that may stand at most once: of two, a proxy may have read the other.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str()).collect();
    match values[..] {
        [] => Ok(None),
        [Ok(value)] => Ok(Some(value)),
        _ => Err(mismatch(format!("{name} must be there once, in ASCII"))),
    }
}

/// Undoes `=?base64?…?=`, the form for names that do not fit into a header (T17).
fn decode(value: &str) -> Result<String, Refusal> {
    let coded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(coded) = coded else { return Ok(value.to_owned()) };
    let text = STANDARD.decode(coded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| mismatch("Mcp-Name is not base64 of UTF-8"))
}

fn mismatch(message: impl Into<String>) -> Refusal {
    bad(-32020, message)
}

fn bad(code: i64, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}
