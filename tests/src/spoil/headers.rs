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
];

/// Makes a header say what the body says, if the body says something that fits into one.
fn fit(asked: &mut Asked, name: &'static str, value: &Value) {
    let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
    if let Some(value) = value {
        asked.headers.insert(name, value);
    }
}
