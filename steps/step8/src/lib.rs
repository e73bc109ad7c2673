//! Step 8: what may this caller do?

pub mod auth;
pub mod issuer;
pub mod mcp;
pub mod scopes;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use clap::Parser;
use common::{
    PublicUrl, server,
    settings::{Connections, Listen},
};
use mcp_auth::{
    Clock, jwks, jwt, limits,
    metadata::ProtectedResource,
    origin,
    settings::{Client, Keys, Limits, Origins, Tokens},
};

/// All that this server knows how to allow.
const SCOPES: &str = "mcp:read mcp:tools mcp:prompts";

/// What can be set; `--help` shows it.
#[derive(Clone, Debug, Parser)]
#[command(about, version)]
pub struct Settings {
    /// Address, port and name.
    #[command(flatten)]
    pub listen: Listen,
    /// Time and number of connections.
    #[command(flatten)]
    pub connections: Connections,
    /// Size, depth, time and number of requests.
    #[command(flatten)]
    pub limits: Limits,
    /// Whom to let in.
    #[command(flatten)]
    pub origins: Origins,
    /// Where the keys are.
    #[command(flatten)]
    pub keys: Keys,
    /// How strictly tokens are read.
    #[command(flatten)]
    pub tokens: Tokens,
    /// Who may ask for tokens in its own name.
    #[command(flatten)]
    pub client: Client,
    /// What time it is.
    #[arg(skip)]
    pub clock: Clock,
}

/// The whole program.
///
/// # Errors
/// One sentence, when a setting cannot work.
pub fn app(settings: &Settings, url: &PublicUrl) -> anyhow::Result<Router> {
    let knocking = origin::Rule::new(url.hosts(), url.origin(), &settings.origins);
    let knocking = knocking.public(url.route("/token")); // for pages of every origin: the secret decides
    let keys = jwks::KeySet::new(issuer::keys(settings, url)?.jwks(), settings.clock.clone());
    let (issuer, audience) = (url.to_string(), url.endpoint());
    let verifier = jwt::Verifier::new(keys.clone(), issuer, audience, settings.tokens.leeway);
    let metadata = ProtectedResource::new(&url.endpoint(), &url.to_string(), SCOPES.parse()?)?;
    let door = auth::Door::new(settings, verifier, metadata.url());
    let server = mcp::Server::new(settings);
    let guarded = post(mcp::answer).with_state(server).fallback(server::wrong_method);
    let guarded = guarded.layer(from_fn_with_state(door, auth::check)); // 401 comes before 405
    Ok(Router::new()
        .route("/health", get(server::health))
        .route("/ready", get(jwks::ready).with_state(keys.clone()))
        .route("/.well-known/jwks.json", get(jwks::publish).with_state(keys))
        .route(&url.route("/mcp"), guarded)
        .merge(metadata.routes())
        .merge(issuer::routes(settings, url)?)
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn_with_state(knocking, origin::check))
        .layer(from_fn_with_state(settings.limits.places(), limits::concurrency))
        .layer(from_fn(server::log)))
}
