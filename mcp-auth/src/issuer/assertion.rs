//! Which program is asking for a token, and did it sign that? (`private_key_jwt`: RFC 7523 §2.2 and §3) A secret is known
//! to both sides and goes over the wire; a key is not and does not.

use serde_json::Value;

use super::form::{Form, Twice};
use crate::{
    algorithm::{self, Algorithm},
    jwks::{JwksError, Keys, parse_foreign},
    policy::good_until,
    unverified::Unverified,
    verify::Cause,
};

/// What `client_assertion_type` says.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client may sign its assertions with.
pub const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];

/// Seconds that an assertion may be good for: so long is its name remembered, against a second use.
pub const LONGEST: i64 = 3600;

/// Seconds that a client's clock may be wrong.
const LEEWAY: i64 = 30;

/// A signed statement of a client about itself, not yet believed.
pub struct Assertion<'a> {
    token: Unverified<'a>,
    client: String,
}

/// A statement that was believed: to be taken once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its name, which its client must not use again.
    pub jti: String,
    /// Until when, in seconds since 1970: after that the assertion is refused for its age.
    pub expires: i64,
}

impl<'a> Assertion<'a> {
    /// The assertion in a form; `None` when there is none, an error inside when it cannot be read.
    ///
    /// # Errors
    /// [`Twice`], also when it comes with a secret: whoever checks one may believe the other (RFC 6749 §2.3).
    pub fn find(form: &'a Form) -> Result<Option<Result<Self, Cause>>, Twice> {
        let (kind, assertion) = (form.one("client_assertion_type")?, form.one("client_assertion")?);
        if kind.is_none() && assertion.is_none() {
            return Ok(None);
        }
        if form.one("client_secret")?.is_some() {
            return Err(Twice);
        }
        let (Some(TYPE), Some(assertion)) = (kind, assertion) else {
            return Ok(Some(Err(Cause::Malformed("client_assertion_type is another one"))));
        };
        let id = form.one("client_id")?;
        Ok(Some(Self::read(assertion, id)))
    }

    fn read(assertion: &'a str, id: Option<&str>) -> Result<Self, Cause> {
        let token = Unverified::parse(assertion)?;
        let said = |name| token.claims().get(name).and_then(Value::as_str);
        let client = said("iss").filter(|client| Some(*client) == said("sub"));
        let client = client.ok_or(Cause::Issuer)?.to_owned();
        if id.is_some_and(|id| id != client) {
            return Err(Cause::Client);
        }
        Ok(Self { token, client })
    }

    /// Whom it says to be from.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Believes it, if one of these keys of the client has signed it for one of these audiences alone: the issuer, or its
    /// token endpoint.
    ///
    /// # Errors
    /// The [`Cause`], for the log.
    pub fn accept(self, keys: &Keys, audiences: &[&str], now: i64) -> Result<Accepted, Cause> {
        let (header, claims) = (self.token.header(), self.token.claims());
        let named = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
        let algorithm = named.ok_or(Cause::Algorithm)?;
        algorithm::chooses_nothing(header)?;
        let aud = match claims.get("aud") {
            Some(Value::Array(list)) if list.len() == 1 => list.first(),
            other => other,
        };
        if !audiences.iter().any(|audience| aud.is_some_and(|aud| aud == audience)) {
            return Err(Cause::Audience);
        }
        let expires = good_until(claims, now, LEEWAY)?;
        if expires > now.saturating_add(LONGEST) {
            return Err(Cause::Claim("exp"));
        }
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        if jti.is_empty() || jti.len() > 200 {
            return Err(Cause::Claim("jti"));
        }
        let kid = header.get("kid").map(|kid| kid.as_str().ok_or(Cause::Key)).transpose()?;
        let mut fitting = keys
            .in_use(now)
            .filter(|key| kid.is_none_or(|kid| key.kid() == kid) && key.serves(algorithm));
        let (message, signature) = (self.token.message(), self.token.signature());
        if !fitting.any(|key| algorithm::is_signed(message, signature, key, algorithm)) {
            return Err(Cause::Signature);
        }
        Ok(Accepted { jti: jti.to_owned(), expires: expires.saturating_add(LEEWAY) })
    }
}

/// Keys that a client may have, at most: an assertion that names none is tried with each of them.
const MOST_KEYS: usize = 10;

/// The keys of a client, a JSON Web Key Set. Unlike those of an issuer they need no names.
///
/// # Errors
/// [`JwksError`].
pub fn keys(set: &Value) -> Result<Keys, JwksError> {
    let mut set = set.clone();
    let keys = set.get_mut("keys").and_then(Value::as_array_mut);
    let keys = keys.ok_or_else(|| JwksError::Malformed("`keys` is no list".into()))?;
    if keys.len() > MOST_KEYS {
        return Err(JwksError::Malformed(format!("there are more than {MOST_KEYS} keys")));
    }
    for (number, key) in keys.iter_mut().enumerate() {
        let Some(members) = key.as_object_mut() else { continue };
        if ["d", "k", "p", "q"].iter().any(|secret| members.contains_key(*secret)) {
            return Err(JwksError::Malformed("a key of it is a private or a secret one".into()));
        }
        members.entry("kid").or_insert_with(|| format!("key {number}").into());
    }
    parse_foreign(set.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::issuer::keys::{Alg, SigningKey};

    const NOW: i64 = 1_800_000_000;
    const AUDIENCES: [&str; 2] = ["https://as.example", "https://as.example/token"];

    fn claims() -> Value {
        json!({"iss": "it", "sub": "it", "aud": AUDIENCES[0], "exp": NOW + 60, "iat": NOW, "jti": "one"})
    }

    fn form(assertion: &str) -> Form {
        let text = format!("client_assertion_type={TYPE}&client_assertion={assertion}");
        Form::parse(text.as_bytes()).unwrap()
    }

    fn accepted(
        key: &SigningKey,
        known: &Keys,
        header: &Value,
        claims: &Value,
    ) -> Result<Accepted, Cause> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = key.sign(&format!("{}.{}", part(header), part(claims))).unwrap();
        let form = form(&token);
        Assertion::find(&form).unwrap().unwrap()?.accept(known, &AUDIENCES, NOW)
    }

    #[test]
    fn a_client_is_believed_for_what_its_key_has_signed_and_for_nothing_else() {
        let key = SigningKey::generate(Alg::Es256, 0).unwrap();
        let mut jwk = key.jwk().unwrap();
        jwk.as_object_mut().unwrap().remove("kid");
        let known = keys(&json!({"keys": [jwk]})).unwrap();
        let header = json!({"alg": "ES256", "typ": "JWT"});
        let good = accepted(&key, &known, &header, &claims()).unwrap();
        assert_eq!((&*good.jti, good.expires), ("one", NOW + 90));
        let mut list = claims();
        list["aud"] = json!([AUDIENCES[1]]);
        assert!(accepted(&key, &known, &header, &list).is_ok());

        for (name, value, cause) in [
            ("iss", json!("other"), Cause::Issuer),
            ("sub", json!("other"), Cause::Issuer),
            ("sub", json!(null), Cause::Issuer),
            ("aud", json!("https://other.example"), Cause::Audience),
            ("aud", json!([AUDIENCES[0], "https://other.example"]), Cause::Audience),
            ("aud", json!([]), Cause::Audience),
            ("aud", json!(null), Cause::Audience),
            ("exp", json!(NOW - 30), Cause::Expired),
            ("exp", json!(NOW + LONGEST + 1), Cause::Claim("exp")),
            ("exp", json!(null), Cause::Claim("exp")),
            ("exp", json!("soon"), Cause::Claim("exp")),
            ("iat", json!(NOW + 31), Cause::Early("iat")),
            ("nbf", json!(NOW + 31), Cause::Early("nbf")),
            ("jti", json!(null), Cause::Claim("jti")),
            ("jti", json!(""), Cause::Claim("jti")),
            ("jti", json!("x".repeat(201)), Cause::Claim("jti")),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            assert_eq!(accepted(&key, &known, &header, &claims), Err(cause), "{name} {value}");
        }
        for (name, value, cause) in [
            ("alg", json!("none"), Cause::Algorithm),
            ("alg", json!("HS256"), Cause::Algorithm),
            ("alg", json!("RS256"), Cause::Signature),
            ("kid", json!("another"), Cause::Signature),
            ("kid", json!(1), Cause::Key),
            ("jwk", json!({}), Cause::Header("jwk")),
            ("crit", json!(["exp"]), Cause::Header("crit")),
        ] {
            let mut header = header.clone();
            header[name] = value.clone();
            assert_eq!(accepted(&key, &known, &header, &claims()), Err(cause), "{name} {value}");
        }
        let other = SigningKey::generate(Alg::Es256, 0).unwrap();
        assert_eq!(accepted(&other, &known, &header, &claims()), Err(Cause::Signature));
    }

    #[test]
    fn an_assertion_beside_another_proof_or_another_id_is_refused() {
        let one = form("x.y.z");
        assert!(matches!(Assertion::find(&one), Ok(Some(Err(Cause::Malformed(_))))));
        let none = Form::parse(b"client_id=it").unwrap();
        assert!(matches!(Assertion::find(&none), Ok(None)));
        let both = format!("client_assertion_type={TYPE}&client_assertion=x&client_secret=y");
        assert!(matches!(Assertion::find(&Form::parse(both.as_bytes()).unwrap()), Err(Twice)));
        let key = SigningKey::generate(Alg::Es256, 0).unwrap();
        let token = key.token("JWT", &claims()).unwrap();
        let other =
            format!("client_assertion_type={TYPE}&client_assertion={token}&client_id=other");
        let other = Form::parse(other.as_bytes()).unwrap();
        assert!(matches!(Assertion::find(&other), Ok(Some(Err(Cause::Client)))));
        let kind = format!("client_assertion_type=other&client_assertion={token}");
        let kind = Form::parse(kind.as_bytes()).unwrap();
        assert!(matches!(Assertion::find(&kind), Ok(Some(Err(Cause::Malformed(_))))));
    }

    #[test]
    fn a_client_shows_public_keys_alone() {
        for bad in [
            json!({}),
            json!({"keys": []}),
            json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
            json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}]}),
            json!({"keys": vec![json!({}); MOST_KEYS + 1]}),
        ] {
            assert!(keys(&bad).is_err(), "{bad}");
        }
    }
}
