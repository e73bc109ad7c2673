//! Is this token genuine, current, and meant for us? (RFC 7519, RFC 8725, RFC 9068)

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value};
use tracing::error;

use crate::{
    Identity,
    identity::seconds,
    jwks::{Key, KeySet},
    members,
    verify::{Cause, VerifyError},
};

/// Header members by which a token would choose how it is checked: its own key, where to fetch one, rules that we do
/// not know (RFC 7515 §4.1), another payload (RFC 7797), a bomb.
const CHOOSERS: [&str; 8] = ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "enc"];

/// Checks tokens of one issuer for one audience. The server has fixed issuer, audience, algorithm and keys; the
/// token chooses nothing.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<KeySet>,
    issuer: String,
    audience: String,
    leeway: i64,
}

impl Verifier {
    /// Tokens of this `issuer` for this `audience`, both compared as strings, signed RS256 with one of these keys.
    /// Times are taken as if the clock were wrong by `leeway` in favour of the token.
    #[must_use]
    pub fn new(keys: Arc<KeySet>, issuer: String, audience: String, leeway: Duration) -> Self {
        // named here, so that a build without this backend fails, and not the first token
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let leeway = i64::try_from(leeway.as_secs()).unwrap_or(0);
        Self { keys, issuer, audience, leeway }
    }

    /// Checks a token at a time, in seconds since 1970. What is cheap comes first.
    ///
    /// # Errors
    /// [`VerifyError::Invalid`] with the cause; [`VerifyError::Unavailable`] when there are no keys.
    pub fn verify(&self, token: &str, now: i64) -> Result<Identity, VerifyError> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(Cause::Malformed("there are not three parts").into());
        };
        let kid = self.kid(&object(header, "the header")?)?;
        let keys = self.keys.current().map_err(|error| {
            error!("{error}");
            VerifyError::Unavailable { retry_after: Duration::from_secs(5) }
        })?;
        let key = keys.choose(&kid, now).ok_or(Cause::Key)?;
        let claims = object(claims, "the claims")?;
        self.check(&claims, now)?;
        let message = &token[..token.len() - signature.len() - 1];
        if !is_signed(message, signature, key) {
            return Err(Cause::Signature.into());
        }
        Ok(Identity::from_checked_claims(claims, &kid)?)
    }

    /// The header: it may name a key of ours, and nothing else.
    fn kid(&self, header: &Map<String, Value>) -> Result<String, Cause> {
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(Cause::Algorithm);
        }
        if let Some(chooser) = CHOOSERS.into_iter().find(|name| header.contains_key(*name)) {
            return Err(Cause::Header(chooser));
        }
        match header.get("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase()) {
            None => {}
            Some(typ) if ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) => {}
            Some(_) => return Err(Cause::Type("header")),
        }
        header.get("kid").and_then(Value::as_str).map(str::to_owned).ok_or(Cause::Key)
    }

    /// The claims: for us, by our issuer, now, and an access token.
    fn check(&self, claims: &Map<String, Value>, now: i64) -> Result<(), Cause> {
        if claims.get("typ").is_some_and(|typ| typ != "Bearer") {
            return Err(Cause::Type("claims")); // Keycloak's ID and refresh tokens say so
        }
        if claims.contains_key("cnf") {
            return Err(Cause::Bound);
        }
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Cause::Issuer);
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err(Cause::Audience);
        }
        let exp = seconds(claims.get("exp")).ok_or(Cause::Claim("exp"))?;
        if now >= exp.saturating_add(self.leeway) {
            return Err(Cause::Expired);
        }
        for name in ["nbf", "iat"] {
            if let Some(claim) = claims.get(name) {
                let from = seconds(Some(claim)).ok_or(Cause::Claim(name))?;
                if from > now.saturating_add(self.leeway) {
                    return Err(Cause::Early(name));
                }
            }
        }
        Ok(())
    }

    /// `aud` is our name, or a list of names with ours among them (RFC 7519 §4.1.3).
    fn is_for_us(&self, aud: Option<&Value>) -> bool {
        match aud {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(list)) => {
                list.iter().all(Value::is_string) && list.iter().any(|one| *one == *self.audience)
            }
            _ => false,
        }
    }
}

/// A part of a token: base64url without padding, of an object in which each member stands once.
fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, Cause> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Cause::Malformed("base64url"))?;
    members::object(&json).ok_or(Cause::Malformed(name))
}

fn is_signed(message: &str, signature: &str, key: &Key) -> bool {
    // an error means that the signature is not strict base64url: one token has one spelling
    crypto::verify(signature, message.as_bytes(), key.decoding(), Algorithm::RS256).unwrap_or(false)
}
