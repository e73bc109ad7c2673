//! Where do people log in? At the issuer that is named with `--issuer`. For whoever has none, the workshop's authorization
//! server runs in this process, with people whom everybody knows; it forgets all when it ends.

use std::future::pending;

use anyhow::{Context as _, bail};
use axum::{middleware::from_fn, routing::get};
use common::{PublicUrl, server, settings::Listen};
use mcp_auth::issuer::files::KeyFiles;
use mcp_auth_server::demo::{DEMO, demo};

use crate::Settings;

/// The name of the issuer whose tokens are for `server`. If none is set, one begins to serve.
///
/// # Errors
/// One sentence.
pub async fn named_or_embedded(settings: &Settings, server: &PublicUrl) -> anyhow::Result<String> {
    if let Some(issuer) = &settings.issuer.issuer {
        return Ok(issuer.clone());
    }
    if !server.is_development() {
        bail!(
            "others can reach this server, so people whom everybody knows cannot log in: name your issuer with --issuer URL"
        );
    }
    let host = settings.listen.host;
    let listen = Listen { host, port: settings.login_port, public_url: None };
    let bound = server::bind_by(&listen, "--login-port").await;
    let bound = bound.context("there is no place to log in")?;
    let (issuer, keys) = (bound.url.to_string(), KeyFiles::new(settings.keys.dir().join("login")));
    let program = settings.client.load(&settings.keys.dir(), true)?;
    let login = demo(&issuer, [server.endpoint()], keys, &program).await?;
    tokio::spawn(login.housekeeping());
    let router = login.routes().route("/health", get(server::health)).layer(from_fn(server::log));
    let connections = settings.connections.clone();
    tokio::spawn(async move { server::serve_until(pending(), bound, router, &connections).await });
    Ok(issuer)
}

/// The endpoint, alone in its line; on one's own machine also where to log in, who may, and what to try.
pub fn invitation(settings: &Settings, server: &PublicUrl, issuer: &str) -> String {
    let mcp = server.endpoint();
    if !server.is_development() {
        return format!("{mcp}\n");
    }
    let who = match settings.issuer.issuer {
        Some(_) => String::new(),
        None => {
            format!(" as {}", DEMO.map(|(name, word, _)| format!("{name} / {word}")).join(", "))
        }
    };
    format!(
        "{mcp}\n\nlog in at {issuer}{who}\n\ntry:\n  curl -i {mcp}\n  \
         cargo run --bin mcp-auth -- login {mcp}\n  \
         cargo run --bin mcp-auth -- call {mcp} tools call whoami\n"
    )
}
