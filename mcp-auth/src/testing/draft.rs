//! How is a bad token made? From a good one, with one thing changed, and then signed as it should be: so it is
//! refused for that one thing, or not at all.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding},
};
use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};

use super::Issuer;
use crate::issuer::keys::{KeyError, SigningKey};

/// A token, or why the cryptographic library did not make it.
pub(super) type Made = Result<String, KeyError>;

/// A token before it is signed.
pub(super) struct Draft<'a> {
    issuer: &'a Issuer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    now: i64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(issuer: &'a Issuer, claims: Map<String, Value>, now: i64) -> Self {
        let header = [("alg", "RS256"), ("kid", issuer.ours().kid()), ("typ", "at+jwt")];
        let header = header.map(|(name, value)| (name.to_owned(), value.into()));
        Self { issuer, header: header.into_iter().collect(), claims, now }
    }

    /// A moment so many seconds from the time when the token is made.
    pub(super) fn at(&self, seconds: i64) -> i64 {
        self.now.saturating_add(seconds)
    }

    /// A moment so many seconds later than the leeway allows for.
    pub(super) fn ahead(&self, seconds: i64) -> i64 {
        self.at(self.leeway() + seconds)
    }

    /// An end that is over by the leeway and so many seconds more.
    pub(super) fn over(&self, seconds: i64) -> i64 {
        self.at(-self.leeway() - seconds)
    }

    fn leeway(&self) -> i64 {
        i64::try_from(self.issuer.leeway().as_secs()).unwrap_or(0)
    }

    /// The text of a claim.
    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_default()
    }

    /// Who issues it, and knows the keys.
    pub(super) fn issuer(&self) -> &'a Issuer {
        self.issuer
    }

    /// With this member in the header.
    pub(super) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Without this member in the header.
    pub(super) fn no_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// With this claim.
    pub(super) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without this claim.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Without all that allows something.
    pub(super) fn powerless(self) -> Self {
        self.without("scope").without("scopes").without("roles").without("realm_access")
    }

    /// The header as JSON.
    pub(super) fn header_json(&self) -> String {
        json!(self.header).to_string()
    }

    /// The claims as JSON.
    pub(super) fn claims_json(&self) -> String {
        json!(self.claims).to_string()
    }

    /// Both parts, as they are signed.
    pub(super) fn message(&self) -> String {
        format!("{}.{}", encoded(self.header_json()), encoded(self.claims_json()))
    }

    /// Signed by our issuer.
    pub(super) fn signed(&self) -> Made {
        self.issuer.ours().sign(&self.message())
    }

    /// Signed by our issuer, with this text in place of the header.
    pub(super) fn with_header_text(&self, json: impl AsRef<[u8]>) -> Made {
        self.with_header_part(&encoded(json))
    }

    /// Signed by our issuer, with this text in place of the claims.
    pub(super) fn with_claims_text(&self, json: impl AsRef<[u8]>) -> Made {
        self.with_claims_part(&encoded(json))
    }

    /// Signed by our issuer, with these characters in place of the header.
    pub(super) fn with_header_part(&self, part: &str) -> Made {
        self.issuer.ours().sign(&format!("{part}.{}", encoded(self.claims_json())))
    }

    /// Signed by our issuer, with these characters in place of the claims.
    pub(super) fn with_claims_part(&self, part: &str) -> Made {
        self.issuer.ours().sign(&format!("{}.{part}", encoded(self.header_json())))
    }

    /// Signed by this key, whatever the header says.
    pub(super) fn signed_by(&self, key: &SigningKey) -> Made {
        key.sign(&self.message())
    }

    /// With these bytes as the signature.
    pub(super) fn signature(&self, bytes: impl AsRef<[u8]>) -> String {
        format!("{}.{}", self.message(), encoded(bytes))
    }

    /// With HMAC-SHA-256 under this secret as the signature.
    pub(super) fn hmac(&self, secret: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.signature(hmac::sign(&key, self.message().as_bytes()))
    }

    /// Signed with our key in another way.
    fn signed_otherwise(&self, encoding: &'static dyn RsaEncoding) -> Made {
        let pem = pem::parse(self.issuer.ours().to_pem()?).map_err(|_| KeyError::NotPem)?;
        let pair = KeyPair::from_pkcs8(pem.contents()).map_err(|_| KeyError::Rejected)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), self.message().as_bytes(), &mut signature)
            .map_err(|_| KeyError::Crypto)?;
        Ok(self.signature(signature))
    }

    /// Signed with our key and SHA-384.
    pub(super) fn signed_rs384(&self) -> Made {
        self.signed_otherwise(&RSA_PKCS1_SHA384)
    }

    /// Signed with our key and SHA-512.
    pub(super) fn signed_rs512(&self) -> Made {
        self.signed_otherwise(&RSA_PKCS1_SHA512)
    }

    /// Signed with our key and PSS.
    pub(super) fn signed_ps256(&self) -> Made {
        self.signed_otherwise(&RSA_PSS_SHA256)
    }
}

/// Base64url without padding (RFC 7515 §2).
pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Base64url with padding, of a text that needs some.
pub(super) fn padded(json: &str) -> String {
    URL_SAFE.encode(unaligned(json))
}

/// The same JSON with so many blanks at its end that its last base64 character has bits to spare.
pub(super) fn unaligned(json: &str) -> String {
    let blanks = if json.len().is_multiple_of(3) { 1 } else { 0 };
    format!("{json}{}", " ".repeat(blanks))
}

/// The characters of plain base64 (RFC 4648 §4) where those of base64url belong.
pub(super) fn plain_base64(part: &str) -> String {
    part.replace('-', "+").replace('_', "/")
}

/// The same bytes, spelled with a last character whose spare bits are not zero.
pub(super) fn loosened(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len().saturating_sub(1));
    let place = ALPHABET.find(last).unwrap_or_default() | 1;
    format!("{rest}{}", &ALPHABET[place..=place])
}

/// JSON of an object with one member more, before the others: a reader who takes the last of two does not see it.
pub(super) fn with_first(object: &str, member: &str) -> String {
    format!("{{{member},{}", object.strip_prefix('{').unwrap_or(object))
}

/// JSON of an object with one member more, behind the others: a reader who takes the first of two does not see it.
pub(super) fn with_last(object: &str, member: &str) -> String {
    format!("{},{member}}}", object.strip_suffix('}').unwrap_or(object))
}
