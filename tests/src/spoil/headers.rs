//! Breakages of versions, `_meta` and the headers that repeat the body.

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Asked, Breakage, How, jsonrpc::breakage};

/// Breakages of what lesson 2 promises about versions and headers.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        "versions-hidden",
        "unknown_versions_are_named",
        "an unknown version is refused without the versions that are spoken",
        How::Answered(|_, answer| {
            answer.change(|message| message["error"]["data"] = json!({}));
        }),
    ),
    breakage(
        "any-version-pair",
        "two_versions_are_a_mismatch",
        "the version header is made to fit _meta",
        How::Asked(|asked| {
            let version =
                &asked.message()["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
            fit(asked, "mcp-protocol-version", version);
        }),
    ),
    breakage(
        "meta-optional",
        "meta_must_be_complete",
        "what is missing in _meta is filled in",
        How::Asked(|asked| {
            let mut message = asked.message();
            if asked.is_modern() && message["params"]["_meta"].is_object() {
                let meta = &mut message["params"]["_meta"];
                meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        "lying-method-header",
        "the_method_header_is_the_method",
        "Mcp-Method is made to fit the body",
        How::Asked(|asked| fit(asked, "mcp-method", &asked.message()["method"])),
    ),
    breakage(
        "lying-name-header",
        "the_name_header_is_the_name",
        "Mcp-Name is made to fit the body",
        How::Asked(|asked| fit(asked, "mcp-name", &asked.message()["params"]["name"])),
    ),
    breakage(
        "literal-names",
        "names_may_be_in_base64",
        "=?base64?…?= in Mcp-Name is not decoded",
        How::Answered(|asked, answer| {
            if asked.header("mcp-name").is_some_and(|name| name.starts_with("=?base64?")) {
                answer.status = StatusCode::BAD_REQUEST;
                answer.change(|message| message["error"]["code"] = json!(-32020));
            }
        }),
    ),
    breakage(
        "modern-by-initialize",
        "initialize_never_agrees_on_modern",
        "initialize agrees on whatever is asked for",
        How::Answered(|asked, answer| {
            let version = asked.message()["params"]["protocolVersion"].clone();
            answer.change(|message| {
                if message["result"]["protocolVersion"].is_string() && version.is_string() {
                    message["result"]["protocolVersion"] = version;
                }
            });
        }),
    ),
    breakage(
        "lax-base64",
        "bad_base64_is_refused",
        "base64 in Mcp-Name is not looked at",
        How::Asked(|asked| {
            if asked.header("mcp-name").is_some_and(|name| name.starts_with("=?base64?")) {
                fit(asked, "mcp-name", &asked.message()["params"]["name"]);
            }
        }),
    ),
    breakage(
        "half-a-marker",
        "half_a_marker_is_literal",
        "the beginning of the marker is enough",
        How::Answered(|asked, answer| {
            let name = asked.header("mcp-name").unwrap_or_default();
            if name.starts_with("=?base64?") && !name.ends_with("?=") {
                answer.status = StatusCode::BAD_REQUEST;
                answer.change(|message| message["error"]["code"] = json!(-32020));
            }
        }),
    ),
    breakage(
        "methods-first",
        "headers_come_before_methods",
        "an unknown method is told before a lying header",
        How::Answered(|asked, answer| {
            let known = ["server/discover", "tools/", "prompts/", "resources/"];
            let method = asked.message()["method"].as_str().unwrap_or_default().to_owned();
            if answer.message()["error"]["code"] == -32020
                && !known.iter().any(|k| method.starts_with(k))
            {
                answer.status = StatusCode::NOT_FOUND;
                answer.change(|message| message["error"]["code"] = json!(-32601));
            }
        }),
    ),
    breakage(
        "no-version-header",
        "modern_needs_its_version_header",
        "a missing version header is taken from _meta",
        How::Asked(|asked| {
            if asked.header("mcp-protocol-version").is_none() {
                let version =
                    &asked.message()["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
                fit(asked, "mcp-protocol-version", version);
            }
        }),
    ),
    breakage(
        "rest-first",
        "the_version_comes_before_the_rest",
        "a missing header is told before an unknown version",
        How::Answered(|asked, answer| {
            if asked.header("mcp-method").is_none() {
                answer.change(|message| message["error"]["code"] = json!(-32020));
            }
        }),
    ),
    breakage(
        "client-info-needed",
        "client_info_is_optional",
        "a request must name its client",
        How::Answered(|asked, answer| {
            let info = &asked.message()["params"]["_meta"]["io.modelcontextprotocol/clientInfo"];
            if asked.is_modern() && info.is_null() {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "traces-checked",
        "trace_context_is_no_reason_to_refuse",
        "a malformed traceparent is refused",
        How::Answered(|asked, answer| {
            if asked.message()["params"]["_meta"]["traceparent"] == "nonsense" {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
];

/// Makes a header say what the body says, if the body says something that fits into one.
fn fit(asked: &mut Asked, name: &'static str, value: &Value) {
    let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
    if let Some(value) = value {
        asked.headers.insert(name, value);
    }
}
