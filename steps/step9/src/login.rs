//! A place to log in, for whoever has none: the workshop's authorization server, in this process, with people whom everybody
//! knows. It forgets all when it ends. With `--issuer` none of this runs.

use std::future::pending;

use anyhow::{Context as _, bail};
use axum::{middleware::from_fn, routing::get};
use common::{PublicUrl, server, settings::Listen};
use mcp_auth::issuer::files::KeyFiles;

use crate::Settings;

/// Begins to serve beside this server, for tokens for it. Gives its own name.
///
/// # Errors
/// One sentence.
pub async fn start(settings: &Settings, server: &PublicUrl) -> anyhow::Result<String> {
    if !server.is_development() {
        bail!(
            "others can reach this server, so people whom everybody knows cannot log in: name your issuer with --issuer URL"
        );
    }
    let host = settings.listen.host.clone();
    let listen = Listen { host, port: settings.login_port, public_url: None };
    let bound = server::bind(&listen).await.context("there is no place to log in")?;
    let (issuer, keys) = (bound.url.to_string(), KeyFiles::new(settings.keys.dir().join("login")));
    let login = mcp_auth_server::app::demo(&issuer, [server.endpoint()], keys).await?;
    tokio::spawn(login.housekeeping());
    let router = login.routes().route("/health", get(server::health)).layer(from_fn(server::log));
    let connections = settings.connections.clone();
    tokio::spawn(async move { server::serve_until(pending(), bound, router, &connections).await });
    Ok(issuer)
}
