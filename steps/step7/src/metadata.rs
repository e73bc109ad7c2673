//! Where do I log in? (RFC 9728)
//!
//! A client knows nothing but our URL. It asks, is refused with 401, and the refusal says where to read on: in a
//! document about this server, which names the issuer whose tokens we take. The client reads the issuer's own
//! document, and knows where to get a token. Nobody has configured anything.

use axum::{
    Json, Router,
    http::{Uri, header::CACHE_CONTROL},
    routing::get,
};
use mcp_auth::ScopeSet;
use serde_json::{Value, json};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What this server says of itself.
pub struct ProtectedResource {
    resource: String,
    issuer: String,
    scopes: ScopeSet,
    uri: Uri,
}

impl ProtectedResource {
    /// The server whose clients use the URL `resource`, which takes tokens of `issuer` and knows these scopes.
    pub fn new(resource: &str, issuer: &str, scopes: ScopeSet) -> anyhow::Result<Self> {
        let (resource, issuer, uri) = (resource.to_owned(), issuer.to_owned(), resource.parse()?);
        Ok(Self { resource, issuer, scopes, uri })
    }

    /// Where the document is: the well-known path stands between the host and the path of the resource, so that one host can have
    /// many resources (RFC 9728 §3.1).
    pub fn path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.uri.path().trim_end_matches('/'))
    }

    /// The same as a whole URL, for `resource_metadata` in a challenge. It is made from our configured name, never
    /// from what a request says: whoever sends a `Host` must not choose where clients log in.
    pub fn url(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}{}", self.path())
    }

    /// The document (RFC 9728 §2).
    pub fn document(&self) -> Value {
        json!({
            // equal to the URL that the client used, to the letter, or it turns away: otherwise a server could hand
            // out the document of another, and be given tokens for that one (A1)
            "resource": self.resource,
            "authorization_servers": [self.issuer],
            // all that a client may need here; a challenge asks for what is needed now (A11)
            "scopes_supported": self.scopes.iter().collect::<Vec<_>>(),
            // a token in a URL would be in every log on the way (A8)
            "bearer_methods_supported": ["header"],
        })
    }

    /// The document at both of its addresses. Clients take the one that the challenge names; without a challenge
    /// they try the one with the path, then the root (A2).
    pub fn routes(&self) -> Router {
        let document = self.document();
        let cached = [(CACHE_CONTROL, "public, max-age=300")];
        let answer = get(async move || (cached, Json(document)));
        Router::new().route(WELL_KNOWN, answer.clone()).route(&self.path(), answer)
    }
}
