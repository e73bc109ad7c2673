//! What does a token say? Its claims, from the people known by name and from what was asked for.

use std::str::FromStr;

use mcp_auth::{identity::seconds, issuer::disk::random};
use serde_json::{Map, Value, json};

use super::{Wanted, people};

/// What a token says, and what it is known to say.
pub struct Claims {
    /// The claims themselves.
    pub all: Map<String, Value>,
    /// When it ends, in seconds since 1970, if it says so.
    pub expires: Option<i64>,
}

/// `k=json`: a claim as it stands.
#[derive(Clone, Debug)]
pub struct Claim {
    name: String,
    value: Value,
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a claim is NAME=JSON, such as level=3 or 'team=\"red\"'";
        let (name, json) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(form)?;
        let value = serde_json::from_str(json).map_err(|_| {
            format!("{form}; `{json}` is not JSON: text needs quotes, '{name}=\"{json}\"'")
        })?;
        Ok(Self { name: name.to_owned(), value })
    }
}

impl Claims {
    /// The claims of a token for this subject, made now.
    pub fn new(subject: &str, wanted: &Wanted, now: i64) -> Self {
        let person = people::find(subject);
        let known = |list: fn(&people::Person) -> &'static [&'static str]| {
            person.map(|person| list(person).join(" ")).filter(|words| !words.is_empty())
        };
        let scopes = wanted.scopes.clone().or_else(|| known(|person| person.scopes));
        let roles = wanted.roles.clone().or_else(|| known(|person| person.roles));
        let expires = now.saturating_add(wanted.lifetime.0);
        // one that is over was good for an hour before
        let issued = if wanted.lifetime.0 > 0 { now } else { expires - 3600 };
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
        put("iss", wanted.server.issuer().into());
        put("aud", wanted.server.audience().into());
        put("sub", subject.into());
        put("client_id", wanted.client.as_str().into());
        put("jti", random().into());
        put("iat", issued.into());
        put("exp", expires.into());
        if let Some(person) = person {
            put("name", person.name.into());
        }
        if let Some(scopes) = scopes {
            put("scope", words(&scopes).join(" ").into());
        }
        if let Some(roles) = roles {
            put("roles", json!(words(&roles)));
        }
        for Claim { name, value } in &wanted.claim {
            put(name, value.clone());
        }
        let expires = seconds(all.get("exp"));
        Self { all, expires }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}
