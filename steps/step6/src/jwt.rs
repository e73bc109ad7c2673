//! Is this token genuine, current, and meant for us? (RFC 7519, RFC 8725)
//!
//! A token is three parts with dots between them: a header, claims, and a signature over both. Anybody
//! can write the first two. So the server has fixed, beforehand, which issuer it trusts, by which keys and
//! which algorithm, and what its own name is; the token chooses nothing.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use mcp_auth::{
    Cause, Identity, VerifyError,
    identity::seconds,
    jwks::{Key, KeySet},
    members,
};
use serde_json::{Map, Value};
use tracing::error;

/// Header members by which a token would choose how it is checked: with its own key (`jwk`, `x5c`), with one
/// from an address of its choice (`jku`, `x5u`), by rules that we do not know (`crit`), over another text (`b64`).
const CHOOSERS: [&str; 8] = ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip", "enc"];

/// Checks tokens of one issuer for one audience.
pub struct Verifier {
    keys: Arc<KeySet>,
    issuer: String,
    audience: String,
    leeway: i64,
}

impl Verifier {
    /// Tokens of this `issuer` for this `audience`, signed with one of these keys. Clocks differ: times are
    /// taken as if ours were wrong by `leeway` in favour of the token.
    pub fn new(keys: Arc<KeySet>, issuer: String, audience: String, leeway: Duration) -> Self {
        // jsonwebtoken leaves the arithmetic to a backend, and panics at the first token if there is none or two: named
        // here, before any token, it is there or the build fails. An `Err` only says that it was there already
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let leeway = i64::try_from(leeway.as_secs()).unwrap_or(0);
        Self { keys, issuer, audience, leeway }
    }

    /// Checks a token at a time, in seconds since 1970.
    pub fn verify(&self, token: &str, now: i64) -> Result<Identity, VerifyError> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(Cause::Malformed("there are not three parts").into());
        };
        let kid = self.header(&object(header, "the header")?)?;
        let keys = self.keys.current().map_err(|error| {
            error!("{error}"); // not the token's fault: without keys we cannot tell
            VerifyError::Unavailable { retry_after: Duration::from_secs(5) }
        })?;
        let key = keys.choose(&kid, now).ok_or(Cause::Key)?;
        let message = &token[..token.len() - signature.len() - 1];
        if !is_signed(message, signature, key) {
            return Err(Cause::Signature.into());
        }
        let claims = object(claims, "the claims")?;
        self.claims(&claims, now)?;
        Ok(Identity::from_checked_claims(claims, &kid)?)
    }

    /// Checks the header, and gives the name of the key: one of ours, or nobody has it. The algorithm that it must name
    /// is ours too: a server that does what `alg` says can be told `none`, or `HS256` with the public key as the secret.
    fn header(&self, header: &Map<String, Value>) -> Result<String, Cause> {
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(Cause::Algorithm);
        }
        if let Some(chooser) = CHOOSERS.into_iter().find(|name| header.contains_key(*name)) {
            return Err(Cause::Header(chooser));
        }
        // the same key may sign other kinds of token, which must not be taken for this one
        match header.get("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase()) {
            None => {}
            Some(typ) if ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) => {}
            Some(_) => return Err(Cause::Type("header")),
        }
        header.get("kid").and_then(Value::as_str).map(str::to_owned).ok_or(Cause::Key)
    }

    /// Checks the claims: an access token, by our issuer, for us, now.
    fn claims(&self, claims: &Map<String, Value>, now: i64) -> Result<(), Cause> {
        if claims.get("typ").is_some_and(|typ| typ != "Bearer") {
            return Err(Cause::Type("claims")); // so Keycloak marks its ID and refresh tokens
        }
        if claims.contains_key("cnf") {
            return Err(Cause::Bound); // good only together with a proof that we do not ask for
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

    /// `aud` must be our name, or a list of names with ours among them. A token without it, or for
    /// another server, was not given for us: whoever runs that server could use it here (A6).
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

/// A part of a token: base64url, of an object in which each member stands once. Of two, another reader
/// might take the other.
fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, Cause> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Cause::Malformed("base64url"))?;
    members::object(&json).ok_or(Cause::Malformed(name))
}

fn is_signed(message: &str, signature: &str, key: &Key) -> bool {
    let jwk = serde_json::from_value(key.jwk().clone()).ok();
    let Some(key) = jwk.and_then(|jwk| DecodingKey::from_jwk(&jwk).ok()) else { return false };
    // an error means that the signature is not strict base64url: one token has one spelling
    crypto::verify(signature, message.as_bytes(), &key, Algorithm::RS256).unwrap_or(false)
}
