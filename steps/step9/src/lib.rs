//! Step 9: who are the people?

pub mod auth;
pub mod login;
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
    Clock, limits,
    metadata::ProtectedResource,
    origin, remote,
    settings::{Client, Issuer, Keys, Limits, Origins, Tokens},
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
    /// Whose tokens are taken.
    #[command(flatten)]
    pub issuer: Issuer,
    /// Port of the place to log in, where there is no issuer; 0 takes a free one. Keys and client count for that place alone
    #[arg(long, env = "MCP_LOGIN_PORT", default_value_t = 9100, value_name = "PORT")]
    pub login_port: u16,
    /// What time it is.
    #[arg(skip)]
    pub clock: Clock,
}

/// The whole program.
///
/// # Errors
/// One sentence, when a setting cannot work, or the issuer gives no keys.
pub async fn app(settings: &Settings, url: &PublicUrl, issuer: &str) -> anyhow::Result<Router> {
    let knocking = origin::Rule::new(url.hosts(), url.origin(), &settings.origins);
    let verifier = auth::verifier(settings, url, issuer).await?;
    let metadata = ProtectedResource::new(&url.endpoint(), issuer, SCOPES.parse()?)?;
    let door = auth::layer(settings, &metadata, verifier.clone())?;
    let server = mcp::Server::new(settings);
    let guarded = post(mcp::answer).with_state(server).fallback(server::wrong_method);
    let guarded = guarded.layer(door); // 401 comes before 405
    Ok(Router::new()
        .route("/health", get(server::health))
        .route("/ready", get(remote::ready).with_state(verifier))
        .route(&url.route("/mcp"), guarded)
        .merge(metadata.routes())
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn_with_state(knocking, origin::check))
        .layer(from_fn_with_state(settings.limits.places(), limits::concurrency))
        .layer(from_fn(server::log)))
}
