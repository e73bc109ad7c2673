//! Who is calling?

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{ScopeSet, verify::Cause};

/// Where roles stand in a token unless a policy says otherwise, as JSON pointers.
pub(crate) const ROLES: [&str; 2] = ["/roles", "/realm_access/roles"];

/// Who is calling, as a checked token says it. Made by a verifier alone, cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    issuer: String,
    subject: String,
    client: Option<String>,
    scopes: ScopeSet,
    roles: BTreeSet<String>,
    expires: i64,
    key_id: String,
    claims: Map<String, Value>,
}

impl Identity {
    /// Reads the claims of a token whose signature, issuer, audience and times have been checked; those
    /// checks are not done here. `sub` must be there; what is there must have the right type.
    ///
    /// Scopes come from `scope` (words between blanks, or a list) and `scopes` (a list); roles from
    /// `roles` and Keycloak's `realm_access.roles`; the client from `client_id` (RFC 9068 §2.2) or `azp`.
    ///
    /// # Errors
    /// [`Cause::Claim`] with the name of the claim.
    pub fn from_checked_claims(claims: Map<String, Value>, key_id: &str) -> Result<Self, Cause> {
        Self::read(claims, key_id, &ROLES)
    }

    /// The same, with the roles at these JSON pointers.
    pub(crate) fn read(
        claims: Map<String, Value>,
        key_id: &str,
        role_pointers: &[impl AsRef<str>],
    ) -> Result<Self, Cause> {
        let text = |name: &'static str| match claims.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(Cause::Claim(name)),
        };
        let mut scopes = ScopeSet::default();
        for name in ["scope", "scopes"] {
            if let Some(claim) = claims.get(name) {
                let read =
                    ScopeSet::from_claim(claim).filter(|_| name == "scope" || claim.is_array());
                scopes.append(read.ok_or(Cause::Claim(name))?);
            }
        }
        let mut roles = BTreeSet::new();
        for pointer in role_pointers {
            read_roles(&claims, pointer.as_ref(), &mut roles)?;
        }
        Ok(Self(Arc::new(Inner {
            issuer: text("iss")?.ok_or(Cause::Claim("iss"))?,
            subject: text("sub")?.ok_or(Cause::Claim("sub"))?,
            client: text("client_id")?.or(text("azp")?),
            scopes,
            roles,
            expires: seconds(claims.get("exp")).ok_or(Cause::Claim("exp"))?,
            key_id: key_id.to_owned(),
            claims,
        })))
    }

    /// Who issued the token (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whom the token is about (`sub`): the name to decide by, unique at the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// A name for people, to show and never to decide by (`preferred_username`, else `name`).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let name = |claim| self.claim(claim).and_then(Value::as_str);
        name("/preferred_username").or_else(|| name("/name"))
    }

    /// The program that the token was given to (`client_id`, else `azp`).
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.0.client.as_deref()
    }

    /// What the token allows.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.scopes
    }

    /// The roles that the issuer says the subject has. They allow nothing by themselves.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(String::as_str)
    }

    /// When the token ends (`exp`), in seconds since 1970.
    #[must_use]
    pub fn expires(&self) -> i64 {
        self.0.expires
    }

    /// The key that signed the token (`kid`).
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// Any other claim, by JSON pointer (RFC 6901), for example `/email`.
    #[must_use]
    pub fn claim(&self, pointer: &str) -> Option<&Value> {
        let names = pointer.strip_prefix('/')?;
        let (first, rest) = names.split_at(names.find('/').unwrap_or(names.len()));
        self.0.claims.get(&*unescaped(first))?.pointer(rest)
    }
}

impl fmt::Debug for Identity {
    /// Issuer, subject and client; not the claims, which are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { issuer, subject, client, .. } = &*self.0;
        f.debug_struct("Identity")
            .field("issuer", issuer)
            .field("subject", subject)
            .field("client", client)
            .finish_non_exhaustive()
    }
}

/// Adds the roles at a JSON pointer. What is not there is no role; what is there must be objects on the way, and a list of
/// strings at the end of it.
fn read_roles(
    claims: &Map<String, Value>,
    pointer: &str,
    roles: &mut BTreeSet<String>,
) -> Result<(), Cause> {
    let mut path = pointer.split('/').skip(1).map(unescaped).peekable();
    let mut object = claims;
    while let Some(name) = path.next() {
        match object.get(&*name) {
            None => return Ok(()),
            Some(Value::Object(inner)) if path.peek().is_some() => object = inner,
            Some(Value::Array(list)) if path.peek().is_none() => {
                for role in list {
                    let role = role.as_str().ok_or(Cause::Claim(named(pointer)))?;
                    roles.insert(role.to_owned());
                }
            }
            Some(_) if path.peek().is_some() && pointer == "/realm_access/roles" => {
                return Err(Cause::Claim("realm_access"));
            }
            Some(_) => return Err(Cause::Claim(named(pointer))),
        }
    }
    Ok(())
}

/// A segment of a JSON pointer (RFC 6901 §4).
fn unescaped(segment: &str) -> Cow<'_, str> {
    if !segment.contains('~') {
        return Cow::Borrowed(segment);
    }
    Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
}

/// A pointer as the log names it.
fn named(pointer: &str) -> &'static str {
    match pointer {
        "/roles" => "roles",
        "/realm_access/roles" => "realm_access.roles",
        _ => "the one that holds the roles",
    }
}

/// A time of a token in whole seconds since 1970, from 0 to the year 9999. A fraction is legal
/// (RFC 7519 §2, NumericDate) and is cut off.
#[must_use]
pub fn seconds(claim: Option<&Value>) -> Option<i64> {
    const YEAR_9999: f64 = 253_402_300_799.0;
    let time = claim?.as_f64().filter(|time| (0.0..=YEAR_9999).contains(time))?;
    #[allow(clippy::cast_possible_truncation)] // cut off on purpose, and within range
    Some(time as i64)
}
