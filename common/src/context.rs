//! What does a method or a tool know about the request it serves?

use axum::http::{Extensions, request::Parts};
use std::time::Duration;
use tokio::time::Instant;

/// Which of the two wire formats a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: stateless, version and method in headers, `server/discover`.
    Modern,
    /// 2025-11-25 and older: `initialize` first.
    Legacy,
}

/// The number of a request in log and answer, `x-request-id`.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Who answers: reported to clients as `serverInfo`.
#[derive(Clone, Copy, Debug)]
pub struct ServerInfo {
    /// A short name, such as `step2`.
    pub name: &'static str,
    /// Its version, such as `0.1.0`.
    pub version: &'static str,
}

/// What reaches every method and every tool.
#[derive(Clone, Debug)]
pub struct Context {
    /// The id of the request, also in the log and in the answer's `x-request-id`.
    pub request_id: String,
    /// The wire format of the request.
    pub era: Era,
    /// When the answer must be there.
    pub deadline: Instant,
    /// What the layers before left with the request, for example who is calling.
    pub extensions: Extensions,
}

impl Context {
    /// The context of a request that has `time` to be answered.
    #[must_use]
    pub fn new(parts: &Parts, era: Era, time: Duration) -> Self {
        let id = parts.extensions.get::<RequestId>();
        Self {
            request_id: id.map(|id| id.0.clone()).unwrap_or_default(),
            era,
            deadline: Instant::now() + time,
            extensions: parts.extensions.clone(),
        }
    }
}
