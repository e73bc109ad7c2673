//! Which public keys are there? Read them, and publish them (RFC 7517).
//!
//! An issuer signs tokens with a private key. Whoever knows the public key can check them, and can make
//! none: so the public keys are for everybody, and there is nothing to agree on in secret.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::*},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{Clock, refusal::refuse};
use rsa::{BigUint, RsaPublicKey, traits::PublicKeyParts as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;

/// A public key: the members that we know. What else an entry has, above all a private part, does not get out.
#[derive(Deserialize, Serialize)]
struct Key {
    kty: String,
    kid: String,
    r#use: String,
    alg: String,
    n: String,
    e: String,
    #[serde(skip_serializing)]
    exp: Option<i64>, // when it is no longer in use
}

/// Public keys. There may be more than one: what an old key signed stays good for a while.
pub struct Keys(Vec<Key>);

impl Keys {
    /// The document to publish: the keys in use.
    pub fn publish(&self, now: i64) -> Value {
        let keys = self.0.iter().filter(|key| key.exp.is_none_or(|end| now < end));
        json!({"keys": keys.collect::<Vec<_>>()})
    }
}

/// Reads a key set. A key that cannot be used is passed over with a line in the log.
pub fn parse(document: &[u8]) -> Result<Keys, &'static str> {
    let document: Value = serde_json::from_slice(document).unwrap_or_default();
    let Some(entries) = document["keys"].as_array() else {
        return Err("the key set is no JSON Web Key Set");
    };
    let mut keys = Vec::new();
    for entry in entries {
        match serde_json::from_value(entry.clone()).map_err(|e| e.to_string()).and_then(usable) {
            Ok(key) => keys.push(key),
            Err(why) => warn!("key passed over: {why}"),
        }
    }
    if keys.is_empty() {
        Err("the key set holds no RS256 key that can be used")
    } else {
        Ok(Keys(keys))
    }
}

/// A key for RSA signatures (an encryption key must not sign), strong, and named by its own thumbprint.
fn usable(key: Key) -> Result<Key, String> {
    if [&key.kty, &key.r#use, &key.alg] != ["RSA", "sig", "RS256"] {
        return Err(format!("{} {} {} is not RSA sig RS256", key.kty, key.r#use, key.alg));
    }
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string());
    let (n, e) = (BigUint::from_bytes_be(&bytes(&key.n)?), BigUint::from_bytes_be(&bytes(&key.e)?));
    let public = RsaPublicKey::new_with_max_size(n, e, 8192).map_err(|error| error.to_string())?;
    if public.n().bits() < 2048 {
        return Err(format!("{} bits are too few", public.n().bits()));
    }
    // RFC 7638: SHA-256 over the members that make the key what it is, in the order of the alphabet
    let members = json!({"e": key.e, "kty": "RSA", "n": key.n}).to_string();
    if key.kid != URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes())) {
        return Err(format!("the kid {:?} is not its thumbprint", key.kid));
    }
    Ok(key)
}

type Found = Result<Arc<Keys>, &'static str>;

/// The keys in a file, read again when it changes.
pub struct KeySet {
    path: PathBuf,
    clock: Clock,
    last: Mutex<(Vec<u8>, Found)>, // what stood in the file, and which keys these were
}

impl KeySet {
    /// The keys in this file, a JSON Web Key Set.
    pub fn new(path: PathBuf, clock: Clock) -> Arc<Self> {
        let nothing_yet = Mutex::new((Vec::new(), Err("the key set is empty")));
        Arc::new(Self { path, clock, last: nothing_yet })
    }

    /// The keys as the file has them now, or the reason why there are none. A file that is gone or broken
    /// leaves us without keys: whoever removes a key must not be surprised that it still opens.
    pub fn current(&self) -> Found {
        let bytes = std::fs::read(&self.path).map_err(|error| {
            warn!("{}: {error}", self.path.display());
            "the key set cannot be read"
        })?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != bytes {
            let found = parse(&bytes).map(Arc::new);
            *last = (bytes, found);
        }
        last.1.clone()
    }
}

/// `GET /.well-known/jwks.json`: the keys in use. They may be kept for five minutes; after that the `ETag`
/// spares whoever asks again with `If-None-Match` the same answer.
pub async fn publish(State(keys): State<Arc<KeySet>>, headers: HeaderMap) -> Response {
    let body = match keys.current() {
        Ok(current) => current.publish(keys.clock.now()).to_string(),
        Err(reason) => return not_ready(reason),
    };
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes())));
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let unchanged = known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    let caching = [(CACHE_CONTROL, "public, max-age=300"), (ETAG, &tag)];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// `GET /ready`: 200 when there are keys in use, else 503 with the reason.
pub async fn ready(State(keys): State<Arc<KeySet>>) -> Response {
    match keys.current() {
        Ok(k) if k.publish(keys.clock.now())["keys"] == json!([]) => not_ready("no key in use"),
        Ok(_) => Json(json!({"status": "ready"})).into_response(),
        Err(reason) => not_ready(reason),
    }
}

fn not_ready(reason: &str) -> Response {
    let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", reason);
    ([(RETRY_AFTER, "5")], refusal).into_response()
}
