//! What came back? An answer that can be asked for what it should be.

use std::fmt;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;

/// An answer. The methods that expect something fail with a sentence: to which request, what was
/// expected, what came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request, in words.
    pub to: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, all of it.
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { to: String::new(), status, headers, body }
    }

    /// A sentence about this answer, for an `Err`.
    #[must_use]
    pub fn unlike(&self, expected: impl fmt::Display) -> String {
        format!("{}: expected {expected}, got {self}", self.to)
    }

    /// Expects a status.
    ///
    /// # Errors
    /// A sentence, if it is another one.
    pub fn is(&self, status: u16) -> Result<&Self, String> {
        demand!(self.status.as_u16() == status, "{}", self.unlike(format!("status {status}")));
        Ok(self)
    }

    /// The one value of a header; `None` if there is none.
    ///
    /// # Errors
    /// A sentence, if there are several, or it is no ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.headers.get_all(name).iter().map(|value| value.to_str().ok());
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Some(value)), None) => Ok(Some(value)),
            _ => Err(self.unlike(format!("one header {name}, in ASCII"))),
        }
    }

    /// The words of a header that is a list, such as `Allow`, in lower case.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|v| v.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect()
    }

    /// Expects a body of JSON that says it is JSON.
    ///
    /// # Errors
    /// A sentence, if it is not.
    pub fn json(&self) -> Result<Value, String> {
        let kind = self.header("content-type")?.unwrap_or_default().to_ascii_lowercase();
        let is_json = kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
        demand!(is_json, "{}", self.unlike("Content-Type: application/json"));
        serde_json::from_slice(&self.body).map_err(|_| self.unlike("a body of JSON"))
    }

    /// Expects a JSON-RPC result.
    ///
    /// # Errors
    /// A sentence, if it is anything else.
    pub fn result(&self) -> Result<Value, String> {
        let message = self.is(200)?.json()?;
        let fits = message["jsonrpc"] == "2.0" && message.get("error").is_none();
        match message.get("result") {
            Some(result) if fits && message.get("id").is_some() => Ok(result.clone()),
            _ => Err(self.unlike("a JSON-RPC result with an id")),
        }
    }

    /// Expects a JSON-RPC error with this status and code, and gives the whole message.
    ///
    /// # Errors
    /// A sentence, if it is anything else.
    pub fn error(&self, status: u16, code: i64) -> Result<Value, String> {
        let expected = || self.unlike(format!("status {status} and JSON-RPC error {code}"));
        demand!(self.status.as_u16() == status, "{}", expected());
        let message = self.json()?;
        let error = &message["error"];
        let text = error["message"].as_str().is_some_and(|text| !text.is_empty());
        let fits = message["jsonrpc"] == "2.0" && error["code"] == code && text;
        demand!(fits && message.get("result").is_none(), "{}", expected());
        Ok(message)
    }

    /// Expects a refusal in OAuth's shape (RFC 6749 §5.2), never JSON-RPC's, and gives its body.
    ///
    /// # Errors
    /// A sentence, if it is anything else.
    pub fn refused(&self, status: u16) -> Result<Value, String> {
        let body = self.is(status)?.json()?;
        let word = body["error"].as_str().is_some_and(|word| !word.is_empty());
        demand!(word, "{}", self.unlike("a body with a member `error`, a word"));
        demand!(body.get("jsonrpc").is_none(), "{}", self.unlike("a body that is not JSON-RPC"));
        Ok(body)
    }

    /// Expects no body.
    ///
    /// # Errors
    /// A sentence, if there is one.
    pub fn empty(&self) -> Result<&Self, String> {
        demand!(self.body.is_empty(), "{}", self.unlike("no body"));
        Ok(self)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.body);
        let short: String = text.chars().take(300).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        write!(f, "{} {:?}{more}", self.status, short.replace('"', "'"))
    }
}
