//! Who decided what, about whom? One line of JSON for each decision, for people who have to find out later. Never a code, a
//! token, a secret or a password, and no name that was typed unless it is somebody's.

mod file;

use std::{fmt, io, path::Path, sync::Arc};

use serde::Serialize;

use crate::{
    Server,
    caller::{self, Named},
};

/// A decision. What does not apply is left out.
#[derive(Debug, Default, Serialize)]
pub struct Event<'a> {
    /// What was asked: `authorize`, `login`, `consent`, `code`, `token`, `replay`,
    /// `introspect`, `revoke`, `register`, `logout`, `knock`, `limit`.
    pub event: &'static str,
    /// `allowed` or `refused`.
    pub outcome: Outcome,
    /// Why it was refused, or how it was allowed: a word or a sentence of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The client's id. Left out, it is that of whoever has asked, if he has shown that he is the one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<&'a str>,
    /// The server that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a str>,
    /// The scopes that were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The name of what a person has allowed: the same in all that came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// That this was refused, and why.
    pub(crate) fn refused(event: &'static str, why: &'a str) -> Self {
        Self { event, outcome: Outcome::Refused, reason: Some(why), ..Self::default() }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    #[default]
    Allowed,
    /// It was not.
    Refused,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Seconds since 1970.
    time: i64,
    #[serde(flatten)]
    event: &'a Event<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

/// Where the lines go.
#[derive(Clone)]
pub struct Audit(Arc<dyn Lines>);

/// Something that takes lines, without their line ends.
trait Lines: Send + Sync {
    fn write(&self, line: &str);

    /// Are all lines written?
    fn is_ready(&self) -> bool {
        true
    }
}

impl<F: Fn(&str) + Send + Sync> Lines for F {
    fn write(&self, line: &str) {
        self(line);
    }
}

impl Audit {
    /// Calls this for each line, which has no line end.
    pub fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Adds the lines to this file, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, or is a pipe.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(file::AuditFile::open(path)?)))
    }

    /// Are all lines written?
    pub(crate) fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    /// Writes down what was decided at this time, outside of any request: from nowhere, by nobody's number.
    pub(crate) fn note(&self, time: i64, event: &Event<'_>) {
        let (client, claimed) = (None, None);
        self.put(&Line { time, event, client, claimed, address: None, request: None });
    }

    fn put(&self, line: &Line<'_>) {
        if let Ok(line) = serde_json::to_string(line) {
            self.0.write(&line);
        }
    }
}

impl Default for Audit {
    /// Lines of the log, of the target `audit`.
    fn default() -> Self {
        Self::new(|line| tracing::info!(target: "audit", "{line}"))
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

impl Server {
    /// Writes a decision down.
    pub(crate) fn audit(&self, event: &Event<'_>) {
        metrics::counter!("authorization_decisions_total", "event" => event.event, "outcome" => match event.outcome {
            Outcome::Allowed => "allowed",
            Outcome::Refused => "refused",
        })
        .increment(1);
        let (client, claimed) = match caller::client() {
            Some(Named::Known(client)) if event.client.is_none() => (Some(client), None),
            Some(Named::Claimed(client)) => (None, Some(client)),
            _ => (None, None),
        };
        let address = caller::address().map(|address| address.to_string());
        let (time, request) = (self.clock.now(), caller::request());
        self.audit.put(&Line { time, event, client, claimed, address, request });
    }
}
