//! Step 5: keys.

pub mod issuer;
pub mod jwks;
pub mod mcp;

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
    Clock, limits, origin,
    settings::{Keys, Limits, Origins},
};

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
    let keys = jwks::KeySet::new(issuer::keys(settings, url)?.jwks(), settings.clock.clone());
    let server = mcp::Server::new(settings);
    Ok(Router::new()
        .route("/health", get(server::health))
        .route("/ready", get(jwks::ready).with_state(keys.clone()))
        .route("/.well-known/jwks.json", get(jwks::publish).with_state(keys))
        .route(&url.route("/mcp"), post(mcp::answer).with_state(server))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn_with_state(knocking, origin::check))
        .layer(from_fn_with_state(settings.limits.places(), limits::concurrency))
        .layer(from_fn(server::log)))
}
