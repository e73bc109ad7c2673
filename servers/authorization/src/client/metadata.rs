//! What may a client say of itself when it registers (RFC 7591 §2)?

use std::sync::Arc;

use mcp_auth::issuer::assertion;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Client, Proof, Source, is_name};
use crate::{redirect, refused::Refused, store::Registered};

/// What a client says of itself, as far as it is of interest here; the rest is passed over (RFC 7591 §2).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Metadata {
    #[serde(default, skip_serializing)]
    client_id: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    pub(super) client_name: Option<String>,
    #[serde(default = "basic")]
    token_endpoint_auth_method: String,
    #[serde(default = "code")]
    grant_types: Vec<String>,
    #[serde(default = "web")]
    application_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
}

fn basic() -> String {
    "client_secret_basic".into() // RFC 7591 §2
}

fn code() -> Vec<String> {
    vec!["authorization_code".into()]
}

fn web() -> String {
    "web".into()
}

/// Why a registration is refused (RFC 7591 §3.2.2).
pub(super) fn invalid(why: &'static str) -> Refused {
    Refused::new("invalid_client_metadata", why)
}

impl Metadata {
    /// What can be promised of it; what cannot is left out, and the client reads in the answer what it got.
    pub(super) fn accepted(mut self) -> Result<Self, Refused> {
        let methods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
        if !methods.contains(&self.token_endpoint_auth_method.as_str()) {
            return Err(invalid(
                "token_endpoint_auth_method is none, client_secret_basic, client_secret_post or private_key_jwt",
            ));
        }
        let signs = self.token_endpoint_auth_method == "private_key_jwt";
        match (&self.jwks, signs) {
            (Some(jwks), true) if assertion::keys(jwks).is_ok() => {}
            (_, true) => {
                return Err(invalid(
                    "private_key_jwt needs a jwks with public keys; jwks_uri is not fetched",
                ));
            }
            (_, false) => self.jwks = None,
        }
        if !["web", "native"].contains(&self.application_type.as_str()) {
            return Err(invalid("application_type is web or native"));
        }
        // nobody acts in his own name here whom nobody knows
        let asked = self.grant_types;
        let has = |grant: &&str| asked.iter().any(|one| one == grant);
        let grants = ["authorization_code", "refresh_token"].into_iter().filter(has);
        self.grant_types = grants.map(str::to_owned).collect();
        if !self.grant_types.iter().any(|grant| grant == "authorization_code") {
            return Err(invalid("grant_types must have authorization_code"));
        }
        let name = self.client_name.map(|name| name.trim().to_owned());
        self.client_name = name.filter(|name| !name.is_empty());
        if self.client_name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(invalid("client_name has 1 to 100 letters, all of them visible"));
        }
        if self.redirect_uris.is_empty() || self.redirect_uris.len() > 20 {
            return Err(Refused::new("invalid_redirect_uri", "there are 1 to 20 redirect_uris"));
        }
        if self.redirect_uris.iter().any(|uri| redirect::check(uri).is_err()) {
            return Err(Refused::new(
                "invalid_redirect_uri",
                "a redirect URI is https, or http to this machine",
            ));
        }
        Ok(self)
    }

    pub(super) fn has_secret(&self) -> bool {
        self.token_endpoint_auth_method.starts_with("client_secret")
    }

    /// Does it name no client, or this one?
    pub(super) fn is_about(&self, id: &str) -> bool {
        self.client_id.as_deref().is_none_or(|named| named == id)
    }

    /// Does it show who it is as this one does?
    pub(super) fn proves_like(&self, other: &Self) -> bool {
        let is_public = |one: &Self| one.token_endpoint_auth_method == "none";
        self.has_secret() == other.has_secret() && is_public(self) == is_public(other)
    }

    /// What was promised when the client registered; nothing when the database has something else.
    fn proof(&self, secret: Option<String>) -> Option<Proof> {
        match (self.token_endpoint_auth_method.as_str(), secret, &self.jwks) {
            ("none", None, _) => Some(Proof::Public),
            ("private_key_jwt", None, Some(jwks)) => {
                Some(Proof::Keys(Arc::new(assertion::keys(jwks).ok()?)))
            }
            (_, Some(secret), _) if self.has_secret() => Some(Proof::Secret(secret)),
            _ => None,
        }
    }
}

/// A stored registration as a client.
pub(crate) fn client(stored: Registered) -> Option<Client> {
    let metadata: Metadata = serde_json::from_str(&stored.metadata).ok()?;
    Some(Client {
        may_refresh: metadata.grant_types.iter().any(|grant| grant == "refresh_token"),
        // whatever it named: clients name what they need first and ask for more later, and people decide each time
        scope: None,
        proof: metadata.proof(stored.secret)?,
        id: stored.id,
        name: metadata.client_name,
        redirects: metadata.redirect_uris,
        may_ask_people: true,
        may_act_alone: false,
        source: Source::Registered { used: stored.used },
    })
}
