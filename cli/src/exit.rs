//! How did it end? Exit statuses that scripts can tell apart, and sentences for people.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::output;

/// The statuses, for the end of a `--help`.
pub const HELP: &str = "\
Exit status:
    0  done
    1  another failure: the server answered with an error, or with something that is not MCP
    2  the command line is wrong
    3  refused (401): a token is missing, or the server does not accept it
    4  forbidden (403): the token is good, but has too little scope
    5  the tool ran and reports an error
    6  unreachable: no connection, or no answer in time
  130  stopped with Ctrl-C";

/// An exit status other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The server answered, but not with a result.
    Other = 1,
    /// The command line is wrong.
    Usage = 2,
    /// 401.
    Refused = 3,
    /// 403.
    Forbidden = 4,
    /// The tool ran and says that it failed.
    ToolError = 5,
    /// No connection, or no answer in time.
    Unreachable = 6,
    /// Ctrl-C: 128 and the number of the signal, as shells have it.
    Stopped = 130,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    status: Status,
    message: String,
    details: Map<String, Value>,
}

impl Failure {
    /// A failure with a sentence: what was wrong, where, and what to do about it.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), details: Map::new() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Status::Usage, message)
    }

    /// Any failure without a status of its own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Status::Other, message)
    }

    /// No connection, or no answer in time.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Status::Unreachable, message)
    }

    /// A failure that the result has told already.
    pub fn silent(status: Status) -> Self {
        Self::new(status, "")
    }

    /// The same with a detail for programs, which `--json` shows.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.details.insert(key.to_owned(), value);
        }
        self
    }

    /// A detail for programs.
    pub fn detail(&self, key: &str) -> Option<&Value> {
        self.details.get(key)
    }

    /// The same with a line more for people.
    #[must_use]
    pub fn and(mut self, line: &str) -> Self {
        self.message.push('\n');
        self.message.push_str(line);
        self
    }

    /// Did it end this way?
    pub fn is(&self, status: Status) -> bool {
        self.status == status
    }

    /// Did the server say that it has no such method?
    pub fn says_unknown_method(&self) -> bool {
        self.details.get("error").is_some_and(|error| error["code"] == -32601)
    }

    /// What it says to people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Writes the failure to stderr, as a sentence or as one JSON object on one line.
    pub fn report(self, as_json: bool) -> ExitCode {
        let status = self.status as u8;
        if self.message.is_empty() {
            return ExitCode::from(status);
        }
        let text = if as_json {
            let mut object = self.details;
            object.insert("status".into(), status.into());
            object.insert("message".into(), self.message.into());
            output::escape(&json!({ "error": object }).to_string())
        } else {
            format!("mcp-auth: {}", output::clean(&self.message))
        };
        output::note(&text);
        ExitCode::from(status)
    }
}
