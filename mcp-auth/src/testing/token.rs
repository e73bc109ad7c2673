//! What stands in a token? The claims of RFC 9068, or what a test puts in their place.

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{Issuer, Kind, draft::Draft};
use crate::issuer::keys::KeyError;

/// A token in the making: [`Issuer::token`] begins it, [`mint`](Token::mint) signs it.
#[must_use = "a token is made by `mint`"]
pub struct Token<'a> {
    issuer: &'a Issuer,
    subject: String,
    claims: Map<String, Value>,
    lifetime: i64,
    now: Option<i64>,
    kind: Option<Kind>,
}

impl<'a> Token<'a> {
    pub(super) fn new(issuer: &'a Issuer, subject: &str) -> Self {
        let (subject, claims) = (subject.to_owned(), Map::new());
        Self { issuer, subject, claims, lifetime: 3600, now: None, kind: None }
    }

    /// What it allows: words between blanks. Defaults to no claim at all.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Which roles its subject has. Defaults to no claim at all.
    pub fn roles<'r>(self, roles: impl IntoIterator<Item = &'r str>) -> Self {
        self.claim("roles", roles.into_iter().collect::<Vec<_>>())
    }

    /// The program that it is given to. Defaults to `test-client`.
    pub fn client(self, client: &str) -> Self {
        self.claim("client_id", client)
    }

    /// Whom it is for. Defaults to the audience that the issuer knows.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Any claim, in the place of the one that would be there.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// For how many seconds it is good; a negative number makes one that has expired. Defaults to 3600.
    pub fn lifetime(self, seconds: i64) -> Self {
        Self { lifetime: seconds, ..self }
    }

    /// When it is made, in seconds since 1970. Defaults to the time of the issuer's clock.
    pub fn at(self, now: i64) -> Self {
        Self { now: Some(now), ..self }
    }

    /// Makes a bad token of it.
    pub fn bad(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The token.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn mint(self) -> Result<String, KeyError> {
        let kind = self.kind;
        let draft = self.draft()?;
        match kind {
            None => draft.signed(),
            Some(kind) => kind.make(draft),
        }
    }

    fn draft(self) -> Result<Draft<'a>, KeyError> {
        let now = self.now.unwrap_or_else(|| self.issuer.clock().now());
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| KeyError::Crypto)?;
        let defaults = [
            ("iss", json!(self.issuer.name())),
            ("sub", json!(self.subject)),
            ("aud", json!(self.issuer.audience())),
            ("exp", json!(now.saturating_add(self.lifetime))),
            ("iat", json!(now)),
            ("jti", json!(URL_SAFE_NO_PAD.encode(id))),
            ("client_id", json!("test-client")),
        ];
        let mut claims: Map<_, _> =
            defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        claims.extend(self.claims);
        Ok(Draft::new(self.issuer, claims, now))
    }
}
