//! Where do I log in? Protected resource metadata (RFC 9728) and its two addresses.

use axum::{
    Json, Router,
    http::{Uri, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::ScopeSet;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a resource server says of itself: its name, whose tokens it takes, which scopes it knows.
#[derive(Clone, Debug)]
pub struct ProtectedResource {
    resource: String,
    origin: String,
    path: String,
    issuers: Vec<String>,
    scopes: ScopeSet,
}

/// The resource is not a URL that can have metadata.
#[derive(Debug, thiserror::Error)]
#[error(
    "a resource is http:// or https://, a host and a path, without query and fragment, not {0:?}"
)]
pub struct ResourceError(String);

/// Origin and path of a URL, between which a well-known path comes; `None` for what is not http or https, or has a query or
/// a fragment.
pub(crate) fn origin_and_path(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_plain = matches!(scheme, "http" | "https") && !url.contains(['?', '#']);
    let path = uri.path().trim_end_matches('/').to_owned();
    is_plain.then(|| (format!("{scheme}://{authority}"), path))
}

impl ProtectedResource {
    /// The server whose clients use the URL `resource` (A1, A12), which takes tokens of `issuer` and asks for these
    /// scopes (without `offline_access`, A11).
    ///
    /// ```
    /// use mcp_auth::metadata::ProtectedResource;
    /// let (resource, issuer) = ("http://localhost:9000/mcp", "http://localhost:9000");
    /// let metadata = ProtectedResource::new(resource, issuer, "mcp:read".parse().unwrap())?;
    /// assert_eq!(metadata.url(), "http://localhost:9000/.well-known/oauth-protected-resource/mcp");
    /// # Ok::<(), mcp_auth::metadata::ResourceError>(())
    /// ```
    ///
    /// # Errors
    /// [`ResourceError`] when `resource` is not such a URL.
    pub fn new(resource: &str, issuer: &str, scopes: ScopeSet) -> Result<Self, ResourceError> {
        let (origin, path) =
            origin_and_path(resource).ok_or_else(|| ResourceError(resource.to_owned()))?;
        let (resource, issuers) = (resource.to_owned(), vec![issuer.to_owned()]);
        Ok(Self { resource, origin, path, issuers, scopes })
    }

    /// The same, and it takes the tokens of this issuer too. Clients choose; many take the first.
    #[must_use]
    pub fn authorization_server(mut self, issuer: &str) -> Self {
        self.issuers.push(issuer.to_owned());
        self
    }

    /// The address of the document: the well-known path comes between host and path of the resource (RFC 9728 §3.1).
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{WELL_KNOWN}{}", self.origin, self.path)
    }

    /// The document (RFC 9728 §2).
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "resource": self.resource,
            "authorization_servers": self.issuers,
            "scopes_supported": self.scopes.iter().collect::<Vec<_>>(),
            "bearer_methods_supported": ["header"],
        })
    }

    /// Is this path one of its addresses?
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let rest = path.strip_prefix(WELL_KNOWN);
        rest.is_some_and(|rest| rest.is_empty() || rest == self.path)
    }

    /// The document as an answer, which every page may read.
    #[must_use]
    pub fn response(&self) -> Response {
        let everybody = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        let caching = (header::CACHE_CONTROL, "public, max-age=300");
        ([caching, everybody], Json(self.document())).into_response()
    }

    /// The document at both of its addresses: clients try the one with the path first, then the root (A2).
    pub fn routes(&self) -> Router {
        let this = self.clone();
        let answer = get(async move || this.response());
        let root = Router::new().route(WELL_KNOWN, answer.clone());
        if self.path.is_empty() {
            root
        } else {
            root.route(&format!("{WELL_KNOWN}{}", self.path), answer)
        }
    }
}
