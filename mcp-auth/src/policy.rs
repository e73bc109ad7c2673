//! What must a token say to be taken, whoever finds the keys? (RFC 7519, RFC 8725, RFC 9068)

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    Identity,
    algorithm::{self, Algorithm},
    identity::{self, seconds},
    jwks::Key,
    unverified::Unverified,
    verify::Cause,
};

/// What a token must say to be taken. The server has fixed it; the token chooses nothing.
#[derive(Clone, Debug)]
pub struct Policy {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    clients: Option<Vec<String>>,
    roles: Vec<String>,
    leeway: i64,
}

impl Policy {
    /// Tokens of this `issuer` for this `audience`, both compared as strings, signed RS256, of any client. Roles stand
    /// in `roles` and `realm_access.roles`; the leeway is 5 s.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: vec![Algorithm::Rs256],
            clients: None,
            roles: identity::ROLES.map(str::to_owned).to_vec(),
            leeway: 5,
        }
    }

    /// Tokens for this audience are taken too, for a server that has two names.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The algorithms that a token may be signed with. Defaults to RS256 alone. A key serves those of its own kind only,
    /// and if it names one, that one.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { algorithms: algorithms.into_iter().collect(), ..self }
    }

    /// The clients (`client_id`, else `azp`) whose tokens are taken. Defaults to all; a token that names none is then
    /// refused.
    #[must_use]
    pub fn clients(self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { clients: Some(clients.into_iter().map(Into::into).collect()), ..self }
    }

    /// Where roles stand in a token, as JSON pointers (RFC 6901), each to a list of strings. Defaults to `/roles` and
    /// `/realm_access/roles`; Keycloak's roles of a client are at `/resource_access/CLIENT/roles`.
    #[must_use]
    pub fn roles_at(self, pointers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { roles: pointers.into_iter().map(Into::into).collect(), ..self }
    }

    /// Times are taken as if the clock were wrong by this much, in whole seconds, in favour of the token. Defaults to 5 s.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway: i64::try_from(leeway.as_secs()).unwrap_or(0), ..self }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// All that can be told without a key; what is cheap comes first. Returns the name of the key and the algorithm.
    pub(crate) fn check<'t>(
        &self,
        token: &'t Unverified<'_>,
        now: i64,
    ) -> Result<(&'t str, Algorithm), Cause> {
        let named = self.header(token.header())?;
        self.claims(token.claims(), now)?;
        Ok(named)
    }

    /// The header: it may name a key of ours, and nothing else.
    fn header<'t>(&self, header: &'t Map<String, Value>) -> Result<(&'t str, Algorithm), Cause> {
        let named = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
        let algorithm = named.filter(|alg| self.algorithms.contains(alg));
        let algorithm = algorithm.ok_or(Cause::Algorithm)?;
        algorithm::chooses_nothing(header)?;
        match header.get("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase()) {
            None => {}
            Some(typ) if ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.as_str()) => {}
            Some(_) => return Err(Cause::Type("header")),
        }
        let kid = header.get("kid").and_then(Value::as_str).ok_or(Cause::Key)?;
        Ok((kid, algorithm))
    }

    /// The claims: for us, by our issuer, now, of a client that we know, and an access token.
    fn claims(&self, claims: &Map<String, Value>, now: i64) -> Result<(), Cause> {
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
        good_until(claims, now, self.leeway).map(drop)
    }

    /// `aud` is our name, or a list of names with ours among them (RFC 7519 §4.1.3).
    fn is_for_us(&self, aud: Option<&Value>) -> bool {
        let is_ours = |one: &Value| self.audiences.iter().any(|audience| one == audience);
        match aud {
            Some(one @ Value::String(_)) => is_ours(one),
            Some(Value::Array(list)) => {
                list.iter().all(Value::is_string) && list.iter().any(is_ours)
            }
            _ => false,
        }
    }

    /// Who is calling, after [`check`](Self::check), if this key has signed the token.
    pub(crate) fn identify(
        &self,
        token: Unverified<'_>,
        algorithm: Algorithm,
        key: Option<&Key>,
    ) -> Result<Identity, Cause> {
        let key = key.filter(|key| key.serves(algorithm)).ok_or(Cause::Key)?;
        if !algorithm::is_signed(token.message(), token.signature(), key, algorithm) {
            return Err(Cause::Signature);
        }
        let identity = Identity::read(token.into_claims(), key.kid(), &self.roles)?;
        match (&self.clients, identity.client()) {
            (None, _) => Ok(identity),
            (Some(known), Some(client)) if known.iter().any(|one| one == client) => Ok(identity),
            _ => Err(Cause::Client),
        }
    }
}

/// Until when these claims are good, if they are so now, give or take the leeway: `exp` is there and not over, and neither `nbf` nor
/// `iat` is still to come (RFC 7519 §4.1).
pub(crate) fn good_until(claims: &Map<String, Value>, now: i64, leeway: i64) -> Result<i64, Cause> {
    let exp = seconds(claims.get("exp")).ok_or(Cause::Claim("exp"))?;
    if now >= exp.saturating_add(leeway) {
        return Err(Cause::Expired);
    }
    for name in ["nbf", "iat"] {
        if let Some(claim) = claims.get(name) {
            let from = seconds(Some(claim)).ok_or(Cause::Claim(name))?;
            if from > now.saturating_add(leeway) {
                return Err(Cause::Early(name));
            }
        }
    }
    Ok(exp)
}
