//! A server behind the library's layer: our own method table, which knows nothing of tokens, and the rights of step 8 as a table.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use common::{PublicUrl, server};
use mcp_auth::{
    AuthLayer,
    call::{Requirement, ScopeTable},
    limits,
    metadata::ProtectedResource,
    origin::{self, Rule},
    verify::Verify,
};

/// All scopes that there are.
pub const SCOPES: &str = "mcp:read mcp:tools mcp:prompts";

/// The rights of step 8, as the layer's table.
#[must_use]
pub fn table() -> ScopeTable {
    ScopeTable::new(Requirement::token())
        .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
        .method("prompts/list", Requirement::all("mcp:read").or("mcp:prompts"))
        .method("tools/call", "mcp:tools")
        .method("prompts/get", "mcp:prompts")
}

/// The server, for whoever has a token of this issuer that this verifier takes. Every token is checked anew, so that one
/// that has ended is refused at once.
///
/// # Errors
/// One sentence, when a name cannot be one.
pub fn app(
    settings: &step7::Settings,
    url: &PublicUrl,
    issuer: &str,
    verifier: impl Verify + 'static,
) -> anyhow::Result<Router> {
    let knocking = Rule::new(url.hosts(), url.origin(), &settings.origins);
    let metadata = ProtectedResource::new(&url.endpoint(), issuer, SCOPES.parse()?)?;
    let auth = AuthLayer::new(metadata.clone(), verifier)?.first_scope("mcp:read").no_cache();
    let table = post(step7::mcp::answer).with_state(step7::mcp::Server::new(settings));
    let guarded = table.fallback(server::wrong_method).layer(auth.mcp_scopes(self::table()));
    Ok(Router::new()
        .route("/health", get(server::health))
        .route(&url.route("/mcp"), guarded)
        .merge(metadata.routes())
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn_with_state(knocking, origin::check))
        .layer(from_fn_with_state(settings.limits.places(), limits::concurrency))
        .layer(from_fn(server::log)))
}
