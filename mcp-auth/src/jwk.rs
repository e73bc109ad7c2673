//! Which of the keys in a document can be used, and for what? (RFC 7517, RFC 7518 §6, RFC 8037)

mod material;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::ParsedPublicKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{debug, warn};

use crate::{algorithm::Algorithm, jwks::JwksError};

/// Keys of a document that are looked at; an issuer has a handful.
const MAX_KEYS: usize = 100;

/// A public key that can be used.
#[derive(Clone)]
pub struct Key {
    kid: String,
    published: Value,
    retires: Option<i64>,
    /// Ready for use: to read a key anew for each signature takes as long as a tenth of checking it.
    checks: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    /// Its name: the thumbprint of RFC 7638 if it is one of ours, else what its issuer calls it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Is it a key for signatures of this algorithm?
    #[must_use]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.check(algorithm).is_some()
    }

    /// What checks signatures of this algorithm.
    pub(crate) fn check(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.checks.iter().find_map(|(its, check)| (*its == algorithm).then_some(check))
    }

    /// The key itself, as it is published (RFC 7517 §4).
    #[must_use]
    pub fn jwk(&self) -> &Value {
        &self.published
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

    /// All that are in use at this time.
    pub fn in_use(&self, now: i64) -> impl Iterator<Item = &Key> {
        self.0.iter().filter(move |key| key.is_in_use(now))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is one of them in use at this time?
    #[must_use]
    pub fn are_in_use(&self, now: i64) -> bool {
        self.in_use(now).next().is_some()
    }

    /// The document to publish: what is public of the keys in use.
    #[must_use]
    pub fn publish(&self, now: i64) -> Value {
        json!({"keys": self.in_use(now).map(|key| &key.published).collect::<Vec<_>>()})
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
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// When it is no longer in use, in seconds since 1970 (a parameter of OpenID Federation).
    exp: Option<i64>,
}

/// Reads a key set as this project writes it: RSA keys for RS256, named by their thumbprints. A key that cannot be used is
/// passed over with a line in the log, so that one that is added for others does not put us out of work.
///
/// # Errors
/// [`JwksError::Malformed`], and [`JwksError::Empty`] when no key can be used.
pub fn parse(document: &[u8]) -> Result<Keys, JwksError> {
    read(document, own)
}

/// Reads the key set of any issuer: RSA (RS256, PS256), EC (ES256 on P-256, ES384 on P-384) and OKP (EdDSA with
/// Ed25519), each for the algorithm that its `alg` names, if it names one, under whatever name its issuer gave it. A key that
/// cannot be used (of another kind, weak, broken, without a name, of a name that stands twice) is passed over with a warning in
/// the log, one for encryption without. Of the first 100 keys at most.
///
/// # Errors
/// [`JwksError::Malformed`], and [`JwksError::Empty`] when no key can be used.
pub fn parse_foreign(document: &[u8]) -> Result<Keys, JwksError> {
    read(document, foreign)
}

fn read(document: &[u8], key: fn(Entry) -> Result<Key, String>) -> Result<Keys, JwksError> {
    let document: Document =
        serde_json::from_slice(document).map_err(|e| JwksError::Malformed(e.to_string()))?;
    let mut keys: Vec<Key> = Vec::new();
    for entry in document.keys.into_iter().take(MAX_KEYS) {
        let is_for_encryption = entry["use"] == "enc"; // many issuers publish one such key beside those that count
        let entry = serde_json::from_value(entry).map_err(|error| error.to_string());
        match entry.and_then(key) {
            Ok(key) if keys.iter().any(|other| other.kid == key.kid) => {
                warn!(kid = key.kid, "key passed over: its name stands twice");
            }
            Ok(key) => keys.push(key),
            Err(why) if is_for_encryption => debug!("key passed over: {why}"),
            Err(why) => warn!("key passed over: {why}"),
        }
    }
    if keys.is_empty() { Err(JwksError::Empty) } else { Ok(Keys(keys)) }
}

/// A key of ours says all that can be said of it.
fn own(entry: Entry) -> Result<Key, String> {
    if entry.kty != "RSA" || entry.alg.as_deref() != Some("RS256") {
        return Err(format!(
            "{:?} {:?} is not RSA for RS256",
            entry.kty,
            entry.alg.unwrap_or_default()
        ));
    }
    if entry.purpose.as_deref() != Some("sig") {
        return Err("`use` is not `sig`".into()); // an encryption key must not sign
    }
    let key = foreign(entry)?;
    let mut members = key.published.clone();
    let required = json!({"e": members["e"].take(), "kty": "RSA", "n": members["n"].take()});
    if key.kid != thumbprint(&required) {
        return Err(format!("the kid {:?} is not its thumbprint", key.kid));
    }
    Ok(key)
}

fn foreign(entry: Entry) -> Result<Key, String> {
    let is_for_signatures = entry.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && entry
            .key_ops
            .as_ref()
            .is_none_or(|all| all.iter().any(|operation| operation == "verify"));
    if !is_for_signatures {
        return Err("it is not for signatures, say `use` or `key_ops`".into());
    }
    let kid = entry.kid.clone().filter(|kid| !kid.is_empty()).ok_or("it has no `kid`")?;
    let (possible, mut published) = material::read(&entry)?;
    let checks: Vec<_> = match &entry.alg {
        None => possible,
        Some(alg) => possible.into_iter().filter(|(possible, _)| possible.name() == alg).collect(),
    };
    let Some((first, _)) = checks.first() else {
        return Err(format!("its algorithm is {:?}", entry.alg.unwrap_or_default()));
    };
    published["kty"] = entry.kty.into();
    published["use"] = "sig".into();
    published["alg"] = first.name().into();
    published["kid"] = kid.clone().into();
    Ok(Key { kid, published, retires: entry.exp, checks })
}

/// The thumbprint of a key (RFC 7638 §3): SHA-256 over its required members, in the order of the
/// alphabet, without blanks. `serde_json` writes an object just so.
#[must_use]
pub fn thumbprint(required_members: &Value) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, required_members.to_string().as_bytes()))
}
