//! What is a valid message, and how is it answered? JSON-RPC 2.0 over one HTTP POST.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::{Era, ServerInfo};

/// The body is not JSON (JSON-RPC 2.0 §5.1).
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but not one request or notification.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method here.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The method exists, its parameters are wrong.
pub const INVALID_PARAMS: i64 = -32602;
/// Our fault.
pub const INTERNAL_ERROR: i64 = -32603;

/// Why a batch, or anything else that is no message, is refused.
const NO_OBJECT: &str = "a message is one object, not a list";

/// A request, or a notification when it has no id (B1, T4).
#[derive(Debug)]
pub struct Message {
    /// A string or an integer; `None` for a notification.
    pub id: Option<Value>,
    /// For example `tools/list`.
    pub method: String,
    /// The parameters by name; empty when there are none.
    pub params: Map<String, Value>,
}

/// Why a request gets no result.
#[derive(Debug)]
pub enum Refusal {
    /// A JSON-RPC error.
    Error {
        /// The HTTP status that goes with it.
        status: StatusCode,
        /// One of the codes of JSON-RPC or MCP (B11).
        code: i64,
        /// A sentence for the developer of the client.
        message: String,
        /// Details for programs, `null` for none.
        data: Value,
    },
    /// A whole answer, for what HTTP has its own words for, such as 403.
    Response(Box<Response>),
}

impl Refusal {
    /// An error that goes out with this status.
    pub fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        Self::Error { status, code, message: message.into(), data: Value::Null }
    }

    /// The parameters are wrong: 200, -32602 (F6, F8, F11).
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, INVALID_PARAMS, message)
    }

    /// No such method: 404 in the modern era (T13), 200 before it.
    #[must_use]
    pub fn unknown_method(era: Era, method: &str) -> Self {
        let status = if era == Era::Modern { StatusCode::NOT_FOUND } else { StatusCode::OK };
        Self::new(status, METHOD_NOT_FOUND, format!("method not found: {method}"))
    }

    /// The same refusal with details for programs.
    #[must_use]
    pub fn with_data(mut self, details: Value) -> Self {
        if let Self::Error { data, .. } = &mut self {
            *data = details;
        }
        self
    }

    /// The answer to the request with this id; without an id where it could not be read (B1).
    #[must_use]
    pub fn answer(self, id: Option<&Value>) -> Response {
        let (status, code, message, data) = match self {
            Self::Error { status, code, message, data } => (status, code, message, data),
            Self::Response(response) => return *response,
        };
        (status, Json(error(code, &message, data, id))).into_response()
    }
}

fn error(code: i64, message: &str, data: Value, id: Option<&Value>) -> Value {
    let mut body = json!({"jsonrpc": "2.0", "error": {"code": code, "message": message}});
    if !data.is_null() {
        body["error"]["data"] = data;
    }
    if let Some(id) = id {
        body["id"] = id.clone();
    }
    body
}

/// Reads the one message of a body.
///
/// # Errors
/// The answer to give: 400 with -32700 for what is not JSON, -32600 for a batch, a response, a
/// `null` or fractional id, or anything else that is not one request or notification.
pub fn parse(body: &[u8]) -> Result<Message, Box<Response>> {
    let envelope = match serde_json::from_slice::<Envelope>(body) {
        Ok(envelope) => envelope,
        Err(error) => {
            let (code, why, id) = match serde_json::from_slice::<Value>(body) {
                Err(_) => (PARSE_ERROR, error.to_string(), None),
                Ok(value) if !value.is_object() => (INVALID_REQUEST, NO_OBJECT.into(), None),
                Ok(value) => {
                    (INVALID_REQUEST, error.to_string(), value.get("id").cloned().filter(is_id))
                }
            };
            return Err(Box::new(bad(code, why).answer(id.as_ref())));
        }
    };
    let invalid = |why: &str, id| Err(Box::new(bad(INVALID_REQUEST, why).answer(id)));
    if !body.trim_ascii_start().starts_with(b"{") {
        return invalid(NO_OBJECT, None); // serde reads a struct from a list too
    }
    let readable = envelope.id.as_ref().filter(|id| is_id(id));
    if envelope.jsonrpc != "2.0" {
        return invalid("`jsonrpc` must be \"2.0\"", readable);
    }
    if envelope.id.is_some() && readable.is_none() {
        return invalid("`id` must be a string or an integer", None);
    }
    let Some(method) = envelope.method else {
        return invalid("one request or notification is expected, with a `method`", readable);
    };
    Ok(Message { method, params: envelope.params, id: envelope.id })
}

/// Answers a request: with its result, or with the reason why there is none.
///
/// What goes out with status 200 is JSON, or a stream of one event for a client that accepts nothing
/// else (T6, T9). In the modern era it says that it is complete, and who answers (B5, B6).
pub fn respond(
    server: ServerInfo,
    era: Era,
    headers: &HeaderMap,
    id: &Value,
    result: Result<Value, Refusal>,
) -> Response {
    let body = match result {
        Ok(mut result) => {
            if era == Era::Modern {
                result["resultType"] = "complete".into();
                result["_meta"]["io.modelcontextprotocol/serverInfo"] =
                    json!({"name": server.name, "version": server.version});
            }
            json!({"jsonrpc": "2.0", "id": id, "result": result})
        }
        Err(Refusal::Error { status: StatusCode::OK, code, message, data }) => {
            error(code, &message, data, Some(id))
        }
        Err(refusal) => return refusal.answer(Some(id)),
    };
    if !wants_a_stream(headers) {
        return Json(body).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-cache"),
        ("x-accel-buffering", "no"),
    ];
    (headers, format!("event: message\ndata: {body}\n\n")).into_response()
}

/// Does the client accept an event stream, and nothing that JSON would fit? A missing or narrow
/// `Accept` is no reason to refuse anybody (T7).
fn wants_a_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types: Vec<_> = accept
        .flat_map(|list| list.split(','))
        .map(|one| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .collect();
    let has = |wanted: &[&str]| types.iter().any(|one| wanted.contains(&one.as_str()));
    has(&["text/event-stream"]) && !has(&["application/json", "application/*", "*/*"])
}

/// The members of JSON-RPC 2.0; a member that stands twice is an error of this type.
#[derive(Deserialize)]
struct Envelope {
    jsonrpc: String,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
}

/// Tells `"id": null` from no id at all: the first is an error, the second a notification.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_i64() || value.is_u64()
}

fn bad(code: i64, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_batch_is_told_to_be_one() {
        let one = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for body in [format!("[{one}]"), "[]".into(), r#"["2.0", 1, "ping"]"#.into(), "5".into()] {
            let Err(refusal) = parse(body.as_bytes()) else { panic!("{body} is no message") };
            let said = to_bytes(refusal.into_body(), 1024).await.unwrap();
            let said: Value = serde_json::from_slice(&said).unwrap();
            assert_eq!(
                said["error"],
                json!({"code": INVALID_REQUEST, "message": NO_OBJECT}),
                "{body}"
            );
        }
    }
}
