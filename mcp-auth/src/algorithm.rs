//! Which signatures are taken? Those of public keys alone: a secret that both sides know could also make them.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{jwks::Key, verify::Cause};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864). There is no `none`, and nothing with a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what everybody takes, and the default.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519, by its older name.
    EdDsa,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// Its name in `alg`, which is compared exactly.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of exactly this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or("an algorithm is RS256, PS256, ES256, ES384 or EdDSA")
    }
}

/// Is this the key's signature over this message? `false` too when the signature is not strict base64url, so that a signature has
/// one spelling. (Of ES256 and ES384 each has a twin that anybody can compute: who revokes tokens does so by `jti`.)
pub(crate) fn is_signed(message: &str, signature: &str, key: &Key, algorithm: Algorithm) -> bool {
    let signature = URL_SAFE_NO_PAD.decode(signature).ok().zip(key.check(algorithm));
    signature.is_some_and(|(bytes, key)| key.verify_sig(message.as_bytes(), &bytes).is_ok())
}

/// Header members by which a token would choose how it is checked: its own key, where to fetch one, rules that we do
/// not know (RFC 7515 §4.1), another payload (RFC 7797), a bomb.
const CHOOSERS: [&str; 8] = ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "enc"];

/// A token names its key, and chooses nothing.
pub(crate) fn chooses_nothing(header: &Map<String, Value>) -> Result<(), Cause> {
    match CHOOSERS.into_iter().find(|name| header.contains_key(*name)) {
        Some(chooser) => Err(Cause::Header(chooser)),
        None => Ok(()),
    }
}
