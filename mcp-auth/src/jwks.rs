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
use jsonwebtoken::DecodingKey;
use rsa::{BigUint, RsaPublicKey, traits::PublicKeyParts as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use crate::{algorithm::Algorithm, clock::Clock, refusal::refuse};

/// Bits that an RSA key must have at least, and may have at most: below it can be broken, above
/// somebody wants to keep us busy.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

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
    #[error("the key set holds no RS256 key that can be used")]
    Empty,
}

/// A public key that can be used.
#[derive(Clone)]
pub struct Key {
    kid: String,
    published: Value,
    retires: Option<i64>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    /// Its name: the thumbprint of RFC 7638.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Is it a key for signatures of this algorithm?
    #[must_use]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// The key itself, to check a signature with.
    #[must_use]
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    fn is_in_use(&self, now: i64) -> bool {
        self.retires.is_none_or(|end| now < end)
    }
}

/// Public keys, in the order of their document.
#[derive(Clone, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// The key of this name, if it is in use at this time.
    #[must_use]
    pub fn choose(&self, kid: &str, now: i64) -> Option<&Key> {
        self.0.iter().find(|key| key.kid == kid && key.is_in_use(now))
    }

    /// Is one of them in use at this time?
    #[must_use]
    pub fn are_in_use(&self, now: i64) -> bool {
        self.0.iter().any(|key| key.is_in_use(now))
    }

    /// The document to publish: what is public of the keys in use.
    #[must_use]
    pub fn publish(&self, now: i64) -> Value {
        let keys = self.0.iter().filter(|key| key.is_in_use(now));
        json!({"keys": keys.map(|key| &key.published).collect::<Vec<_>>()})
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// A key as it stands in a document; members that we do not know are passed over.
#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// When it is no longer in use, in seconds since 1970 (a parameter of OpenID Federation).
    exp: Option<i64>,
}

/// Reads a key set. A key that cannot be used is passed over with a line in the log, so that one that an issuer
/// adds for others does not put us out of work.
///
/// # Errors
/// [`JwksError::Malformed`], and [`JwksError::Empty`] when no key can be used.
pub fn parse(document: &[u8]) -> Result<Keys, JwksError> {
    let document: Document =
        serde_json::from_slice(document).map_err(|e| JwksError::Malformed(e.to_string()))?;
    let mut keys: Vec<Key> = Vec::new();
    for entry in document.keys {
        match key(entry) {
            Ok(key) if keys.iter().any(|other| other.kid == key.kid) => {
                warn!(kid = key.kid, "key passed over: its name stands twice");
            }
            Ok(key) => keys.push(key),
            Err(why) => warn!("key passed over: {why}"),
        }
    }
    if keys.is_empty() { Err(JwksError::Empty) } else { Ok(Keys(keys)) }
}

/// One key, if it is an RSA key for RS256 signatures, strong, and named by its thumbprint.
fn key(entry: Value) -> Result<Key, String> {
    let entry: Entry = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    if entry.kty != "RSA" || entry.alg.as_deref() != Some("RS256") {
        return Err(format!(
            "{} {} is not RSA for RS256",
            entry.kty,
            entry.alg.unwrap_or_default()
        ));
    }
    if entry.purpose.as_deref() != Some("sig") {
        return Err("`use` is not `sig`".into()); // an encryption key must not sign
    }
    let (Some(kid), Some(n), Some(e)) = (entry.kid, entry.n, entry.e) else {
        return Err("`kid`, `n` or `e` is missing".into());
    };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string());
    let (modulus, exponent) = (decode(&n)?, decode(&e)?);
    let big = BigUint::from_bytes_be;
    let public = RsaPublicKey::new_with_max_size(big(&modulus), big(&exponent), *RSA_BITS.end())
        .map_err(|error| error.to_string())?;
    if !RSA_BITS.contains(&public.n().bits()) {
        return Err(format!("{} bits are too few", public.n().bits()));
    }
    if kid != thumbprint(&json!({"e": e, "kty": "RSA", "n": n})) {
        return Err(format!("the kid {kid:?} is not its thumbprint"));
    }
    let decoding = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
    let published = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e});
    Ok(Key { kid, published, retires: entry.exp, algorithms: vec![Algorithm::Rs256], decoding })
}

/// The thumbprint of a key (RFC 7638 §3): SHA-256 over its required members, in the order of the
/// alphabet, without blanks. `serde_json` writes an object just so.
#[must_use]
pub fn thumbprint(required_members: &Value) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, required_members.to_string().as_bytes()))
}

/// Keys that are at hand: those in a file, which is read again when it changes, or keys that stay as they are.
pub struct KeySet {
    source: Source,
    clock: Clock,
}

enum Source {
    File { path: PathBuf, read: Mutex<Read> },
    Fixed(Arc<Keys>),
}

/// A file as it was read last, and what was in it.
struct Read {
    found: Result<Vec<u8>, JwksError>,
    keys: Result<Arc<Keys>, JwksError>,
    /// How often it has changed.
    generation: u64,
    looked: Option<Instant>,
}

impl KeySet {
    /// The keys in this file, a JSON Web Key Set. Whether there are any shows when they are asked for.
    #[must_use]
    pub fn new(path: PathBuf, clock: Clock) -> Arc<Self> {
        let (found, keys) = (Err(JwksError::Empty), Err(JwksError::Empty));
        let read = Mutex::new(Read { found, keys, generation: 0, looked: None });
        Arc::new(Self { source: Source::File { path, read }, clock })
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
        let (path, read) = match &self.source {
            Source::Fixed(keys) => return Ok(keys.clone()),
            Source::File { path, read } => (path, read),
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
        JwksError::Empty => "the key set holds no RS256 key that can be used",
    };
    let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", reason);
    ([(header::RETRY_AFTER, "5")], refusal).into_response()
}
