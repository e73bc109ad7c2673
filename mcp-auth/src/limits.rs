//! How much may one request ask for? Size, depth and time of a body, and how many at once.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::info;

use crate::{
    names,
    origin::is_probe,
    refusal::{self, refuse},
    unread::throw_away,
};

/// The limits of a server.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "clap", command(next_help_heading = "Limits"))]
pub struct Limits {
    /// Bytes that a request body may have
    // 0 would let none in, and what is read is held in memory
    #[cfg_attr(feature = "clap", arg(long, env = "MCP_MAX_BODY", default_value_t = Self::default().max_body, value_parser = crate::settings::number(1..=1 << 30), value_name = "BYTES"))]
    pub max_body: usize,
    /// Levels that a JSON body may be nested
    #[cfg_attr(feature = "clap", arg(long, env = "MCP_MAX_DEPTH", default_value_t = Self::default().max_depth, value_parser = crate::settings::number(1..=1_000_000), value_name = "N"))]
    pub max_depth: usize,
    /// Requests answered at a time; one more gets 503
    #[cfg_attr(feature = "clap", arg(long, env = "MCP_MAX_REQUESTS", default_value_t = Self::default().max_requests, value_parser = crate::settings::number(1..=1_000_000), value_name = "N"))]
    pub max_requests: usize,
    /// Seconds that a client has to send a body
    #[cfg_attr(feature = "clap", arg(long, env = "MCP_BODY_TIMEOUT", default_value = "10", value_parser = crate::settings::seconds(1..=3600), value_name = "SECONDS"))]
    pub body_timeout: Duration,
    /// Seconds that a method or tool has to answer
    #[cfg_attr(feature = "clap", arg(long, env = "MCP_CALL_TIMEOUT", default_value = "30", value_parser = crate::settings::seconds(1..=3600), value_name = "SECONDS"))]
    pub call_timeout: Duration,
}

impl Default for Limits {
    /// 1 MiB, 64 levels, 256 requests, 10 s for a body, 30 s for a call.
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_depth: 64,
            max_requests: 256,
            body_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a body was not taken. As an answer: its status, and OAuth's JSON shape, but for
/// [`TooDeep`](Self::TooDeep) and [`Hidden`](Self::Hidden), which are JSON-RPC's parse error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exceeded {
    /// 415: not `application/json`, in another encoding than UTF-8, or compressed.
    #[error("the body must be application/json in UTF-8, uncompressed")]
    WrongType,
    /// 413: over [`Limits::max_body`].
    #[error("the body is too large")]
    TooLarge,
    /// 408: not there within [`Limits::body_timeout`].
    #[error("the body came too slowly")]
    TooSlow,
    /// 400: the connection broke, or the chunks made no sense.
    #[error("the body could not be read")]
    Unreadable,
    /// 400 and -32700: over [`Limits::max_depth`].
    #[error("the JSON is nested too deeply")]
    TooDeep,
    /// 400 and -32700: a member that `serde_json` takes for JSON in a text; see [`hides_json`].
    #[error("the JSON has a member that holds JSON in a text")]
    Hidden,
}

impl Limits {
    /// Reads a JSON body within the limits.
    ///
    /// # Errors
    /// [`Exceeded`]; a wrong type or an announced length over the limit before a byte is read. What the client sends after that is
    /// read and thrown away for a moment, at most 16 MiB and 5 s, or he could not read the answer.
    pub async fn read(&self, request: Request) -> Result<(Parts, Bytes), Exceeded> {
        let read = self.read_within(request).await;
        read.inspect_err(|exceeded| info!("refused: {exceeded}"))
    }

    async fn read_within(&self, request: Request) -> Result<(Parts, Bytes), Exceeded> {
        let (parts, mut body) = request.into_parts();
        let read = if is_type(&parts.headers, "application/json") {
            collect_from(&mut body, self.max_body, self.body_timeout).await
        } else {
            Err(Exceeded::WrongType)
        };
        let Ok(read) = read else {
            throw_away(&parts.headers, body);
            return read.map(|read| (parts, read));
        };
        // few brackets cannot be deep; they are counted many at a time, and most bodies have few
        let brackets = read.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
        if brackets > self.max_depth && depth(&read) > self.max_depth {
            return Err(Exceeded::TooDeep);
        }
        if hides_json(&read) {
            return Err(Exceeded::Hidden);
        }
        Ok((parts, read))
    }

    /// One place for each request that may be served at a time; the state of [`concurrency`].
    #[must_use]
    pub fn places(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.max_requests))
    }
}

/// Reads a body of at most `max` bytes that is there within `time`.
///
/// # Errors
/// [`Exceeded::TooLarge`], before a byte is read where the length was announced; [`Exceeded::TooSlow`];
/// [`Exceeded::Unreadable`].
pub async fn collect(mut body: Body, max: usize, time: Duration) -> Result<Bytes, Exceeded> {
    collect_from(&mut body, max, time).await
}

async fn collect_from(body: &mut Body, max: usize, time: Duration) -> Result<Bytes, Exceeded> {
    if http_body::Body::size_hint(body).lower() > max as u64 {
        return Err(Exceeded::TooLarge);
    }
    match tokio::time::timeout(time, Limited::new(body, max).collect()).await {
        Err(_) => Err(Exceeded::TooSlow),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Exceeded::TooLarge),
        Ok(Err(_)) => Err(Exceeded::Unreadable),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

/// A place among the requests that are served.
#[derive(Clone)]
struct Place(
    #[expect(dead_code, reason = "given back when it is dropped")] Arc<OwnedSemaphorePermit>,
);

/// Answers 503 with `Retry-After` when all places are taken. For
/// [`from_fn_with_state`](axum::middleware::from_fn_with_state) with [`Limits::places`].
///
/// `/health` and `/ready` need no place: whoever restarts a server because it is busy makes it worse.
///
/// The place goes with the request's extensions: work that goes on when the client has left, and keeps them,
/// still counts.
pub async fn concurrency(
    State(places): State<Arc<Semaphore>>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(place) = places.try_acquire_owned() else {
        let text = "the server has as many requests as it takes at a time";
        info!("refused: {text}");
        return refusal::unavailable(Duration::from_secs(1), text);
    };
    let place = Arc::new(place);
    request.extensions_mut().insert(Place(place.clone()));
    next.run(request).await
}

impl IntoResponse for Exceeded {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::WrongType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "content_too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::TooDeep | Self::Hidden => {
                let error = json!({"code": -32700, "message": self.to_string()});
                let body = Json(json!({"jsonrpc": "2.0", "error": error}));
                return (StatusCode::BAD_REQUEST, body).into_response();
            }
        };
        refuse(status, error, &self.to_string())
    }
}

/// One header `Content-Type` that says this, and no `Content-Encoding`: a bomb is small before it is unpacked. In UTF-8, if it
/// says in what: some readers take a body for what `charset` says, and `+ACI-` is a quotation mark in UTF-7.
pub fn is_type(headers: &HeaderMap, expected: &str) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else { return false };
    let mut parts = first.to_str().unwrap_or_default().split(';').map(str::trim);
    let is_expected = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(expected));
    is_expected && parts.all(is_utf8) && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Has it a member, at any level, whose name `serde_json` keeps for itself? Where a program has its feature `raw_value` on, as axum
/// does, a [`Value`](serde_json::Value) is read out of the text in such a member: another message than everybody else reads, and
/// as deep as it likes, as each of these texts begins to count anew.
#[must_use]
pub fn hides_json(json: &[u8]) -> bool {
    // most bodies have neither, and are looked at many bytes at a time
    let may = json.iter().filter(|byte| matches!(byte, b'$' | b'\\')).count() > 0;
    may && names::hide_json(json)
}

/// Nothing, or `charset` with the one value that JSON has (RFC 8259 §8.1).
fn is_utf8(parameter: &str) -> bool {
    let known = ["", "charset=utf-8", "charset=\"utf-8\"", "charset=utf8"];
    known.iter().any(|known| known.eq_ignore_ascii_case(parameter))
}

/// How deeply objects and lists are nested in this text, if it is JSON. Counts without recursion, so that a
/// deep text cannot exhaust the stack of whoever parses it next.
#[must_use]
pub fn depth(json: &[u8]) -> usize {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_chunked_body_is_counted_while_it_comes() {
        let chunks = [&b"{\"a\":\""[..], &[b'x'; 64], b"\"}"].map(Ok::<_, std::io::Error>);
        let chunks = Body::from_stream(stream::iter(chunks));
        let limits = Limits { max_body: 50, ..Limits::default() };
        let request = Request::post("/").header("content-type", "application/json");
        let read = limits.read(request.body(chunks).unwrap()).await;
        assert_eq!(read.unwrap_err(), Exceeded::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_cut_off() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let request = Request::post("/").header("content-type", "application/json");
        let begun = tokio::time::Instant::now();
        let read = Limits::default().read(request.body(never).unwrap()).await;
        assert_eq!(read.unwrap_err(), Exceeded::TooSlow);
        assert_eq!(begun.elapsed().as_secs(), 10);
    }
}
