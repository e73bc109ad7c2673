//! What does a message look like, and which is the answer? The parts of JSON-RPC and MCP that do not
//! depend on who is asked.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::output;

/// The current revision.
pub const MODERN: &str = "2026-07-28";

/// A name as a header's value; base64 where it would not survive as it is (T17).
pub fn header_text(text: &str) -> HeaderValue {
    let literal = text.trim() == text
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let coded = format!("=?base64?{}?=", STANDARD.encode(text));
    let plain = literal.then(|| HeaderValue::from_str(text).ok()).flatten();
    plain.or_else(|| HeaderValue::from_str(&coded).ok()).unwrap_or(HeaderValue::from_static(""))
}

/// The name of a header that mirrors an argument (T18).
pub fn param_header(name: &str) -> Option<HeaderName> {
    format!("mcp-param-{}", name.to_ascii_lowercase()).parse().ok()
}

/// What every modern request says about itself (B2).
pub fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": client_info(),
    })
}

/// Who calls.
pub fn client_info() -> Value {
    json!({"name": "mcp-auth", "version": env!("CARGO_PKG_VERSION")})
}

/// Is this the answer to the request with that id? An error may come without one (B1).
pub fn is_answer(message: &Value, id: u64) -> bool {
    let (theirs, error) = (message.get("id"), message["error"].is_object());
    message["jsonrpc"] == "2.0"
        && (error || message.get("result").is_some_and(Value::is_object))
        && (theirs == Some(&id.into()) || error && theirs.is_none_or(Value::is_null))
}

/// Tells people what a stream says beside the answer.
pub fn announce(data: &str) {
    let message: Value = serde_json::from_str(data).unwrap_or_default();
    let params = &message["params"];
    match message["method"].as_str() {
        Some("notifications/progress") => {
            let total = params.get("total").map(|total| format!(" of {}", output::text(total)));
            let said = params.get("message").map(|said| format!(": {}", output::text(said)));
            let (total, said) = (total.unwrap_or_default(), said.unwrap_or_default());
            output::note(&format!("progress {}{total}{said}", output::text(&params["progress"])));
        }
        Some("notifications/message") => {
            output::note(&format!(
                "the server logs ({}): {}",
                output::text(&params["level"]),
                output::text(&params["data"])
            ));
        }
        Some(method) if message.get("id").is_some() => output::note(&format!(
            "the server asks for {}, which this command does not answer",
            output::line(method)
        )),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_fit_into_a_header_is_coded() {
        for (name, expected) in [
            ("echo", "echo"),
            ("two words", "two words"),
            ("", ""),
            ("größe", "=?base64?Z3LDtsOfZQ==?="),
            (" x", "=?base64?IHg=?="),
            ("a\nb", "=?base64?YQpi?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ("=?base64?", "=?base64?"),
        ] {
            assert_eq!(header_text(name), expected, "{name:?}");
        }
    }

    #[test]
    fn only_the_answer_to_our_request_is_taken() {
        let is = |message: Value| is_answer(&message, 7);
        assert!(is(json!({"jsonrpc": "2.0", "id": 7, "result": {}})));
        assert!(is(json!({"jsonrpc": "2.0", "id": 7, "error": {"code": 1}})));
        assert!(is(json!({"jsonrpc": "2.0", "error": {"code": 1}})));
        assert!(is(json!({"jsonrpc": "2.0", "id": null, "error": {"code": 1}})));
        assert!(!is(json!({"jsonrpc": "2.0", "id": 8, "result": {}})));
        assert!(!is(json!({"jsonrpc": "2.0", "id": "7", "result": {}})));
        assert!(!is(json!({"jsonrpc": "2.0", "id": 8, "error": {"code": 1}})));
        assert!(!is(json!({"jsonrpc": "2.0", "result": {}})));
        assert!(!is(json!({"jsonrpc": "2.0", "id": 7, "method": "ping"})));
        assert!(!is(json!({"id": 7, "result": {}})));
        assert!(!is(json!([])));
    }
}
