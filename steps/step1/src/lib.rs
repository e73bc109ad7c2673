//! Step 1: a server that lives and dies well.

pub mod server;

use axum::{Router, middleware::from_fn, routing::get};
use clap::Parser;
use common::{PublicUrl, settings::Listen};

/// What can be set; `--help` shows it.
#[derive(Clone, Debug, Parser)]
#[command(about, version)]
pub struct Settings {
    /// Address, port and name.
    #[command(flatten)]
    pub listen: Listen,
}

/// The whole program.
///
/// # Errors
/// One sentence, when a setting cannot work.
pub fn app(_settings: &Settings, _url: &PublicUrl) -> anyhow::Result<Router> {
    Ok(Router::new()
        .route("/health", get(server::health))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn(server::log)))
}
