//! Which public keys are there? Read them, choose one, publish them (RFC 7517).

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use tracing::warn;

pub use crate::jwk::{Key, Keys, parse, parse_foreign, thumbprint};
use crate::{clock::Clock, refusal};

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// The file cannot be read.
    #[error("the key set cannot be read: {0}")]
    Unreadable(String),
    /// It is no JSON Web Key Set.
    #[error("the key set is no JSON Web Key Set (RFC 7517): {0}")]
    Malformed(String),
    /// None of its keys can be used.
    #[error("the key set holds no key that can be used")]
    Empty,
}

/// Keys that are at hand: those in a file, which is read again when it changes, or keys that stay as they are.
pub struct KeySet {
    source: Source,
    clock: Clock,
}

enum Source {
    File { path: PathBuf, parse: Parse, read: Mutex<Read> },
    Fixed(Arc<Keys>),
}

/// Which keys of a document count.
type Parse = fn(&[u8]) -> Result<Keys, JwksError>;

/// A file as it was read last, and what was in it.
struct Read {
    found: Result<Vec<u8>, JwksError>,
    keys: Result<Arc<Keys>, JwksError>,
    /// How often it has changed.
    generation: u64,
    looked: Option<Instant>,
}

impl KeySet {
    /// The RS256 keys in this file, a JSON Web Key Set as [`parse`] reads it. Whether there are any shows when they are asked for.
    #[must_use]
    pub fn new(path: PathBuf, clock: Clock) -> Arc<Self> {
        Self::in_file(path, parse, clock)
    }

    /// The keys of any kind in this file, as [`parse_foreign`] reads it.
    #[must_use]
    pub fn of_any_kind(path: PathBuf, clock: Clock) -> Arc<Self> {
        Self::in_file(path, parse_foreign, clock)
    }

    fn in_file(path: PathBuf, parse: Parse, clock: Clock) -> Arc<Self> {
        let (found, keys) = (Err(JwksError::Empty), Err(JwksError::Empty));
        let read = Mutex::new(Read { found, keys, generation: 0, looked: None });
        Arc::new(Self { source: Source::File { path, parse, read }, clock })
    }

    /// These keys, for as long as the program runs.
    #[must_use]
    pub fn fixed(keys: Keys, clock: Clock) -> Arc<Self> {
        Arc::new(Self { source: Source::Fixed(Arc::new(keys)), clock })
    }

    /// The keys as the file has them now. A file that is gone or broken leaves us without keys: an
    /// operator who removes a key must not be surprised to find that it still opens.
    ///
    /// # Errors
    /// [`JwksError`], as the file is now.
    pub fn current(&self) -> Result<Arc<Keys>, JwksError> {
        let (path, parse, read) = match &self.source {
            Source::Fixed(keys) => return Ok(keys.clone()),
            Source::File { path, parse, read } => (path, parse, read),
        };
        let found = std::fs::read(path)
            .map_err(|error| JwksError::Unreadable(format!("{}: {error}", path.display())));
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        read.looked = Some(Instant::now());
        if read.found != found {
            read.keys = found.clone().and_then(|bytes| parse(&bytes).map(Arc::new));
            read.found = found;
            read.generation += 1;
        }
        read.keys.clone()
    }

    /// How often the keys have changed. Looks at the file once a second, so that whoever keeps verdicts knows by then that
    /// they are out of date.
    #[must_use]
    pub fn generation(&self) -> u64 {
        let Source::File { read, .. } = &self.source else { return 0 };
        let known = || read.lock().unwrap_or_else(PoisonError::into_inner);
        let due = |looked: Instant| looked.elapsed() >= Duration::from_secs(1);
        if known().looked.is_none_or(due) {
            let _ = self.current(); // whether there are keys is asked by whoever needs one
        }
        known().generation
    }
}

/// `GET /.well-known/jwks.json`: the keys in use, for five minutes, with a strong `ETag` (RFC 9110 §8.8.3).
pub async fn publish(State(keys): State<Arc<KeySet>>, headers: HeaderMap) -> Response {
    let body = match keys.current() {
        Ok(current) => current.publish(keys.clock.now()).to_string(),
        Err(error) => return not_ready(&error),
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes())));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let is_known = known
        .flat_map(|tags| tags.split(','))
        .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
    let caching = [(header::CACHE_CONTROL, "public, max-age=300"), (header::ETAG, tag.as_str())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    (caching, json, body).into_response()
}

/// `GET /ready`: 200 when there are keys in use, else 503 with the reason.
pub async fn ready(State(keys): State<Arc<KeySet>>) -> Response {
    match keys.current() {
        Ok(current) if current.are_in_use(keys.clock.now()) => {
            Json(json!({"status": "ready"})).into_response()
        }
        Ok(_) => not_ready(&JwksError::Empty),
        Err(error) => not_ready(&error),
    }
}

fn not_ready(error: &JwksError) -> Response {
    warn!("not ready: {error}");
    let reason = match error {
        JwksError::Unreadable(_) => "the key set cannot be read",
        JwksError::Malformed(_) => "the key set is no JSON Web Key Set",
        JwksError::Empty => "the key set holds no key that can be used",
    };
    refusal::unavailable(Duration::from_secs(5), reason)
}
