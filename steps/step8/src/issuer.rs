//! In real life somebody else's job: making the keys that sign tokens, and giving tokens to programs.

use anyhow::bail;
use axum::Router;
use common::PublicUrl;
use mcp_auth::issuer::{files::KeyFiles, keys::Alg, server::Issuer};
use tracing::info;

use crate::{SCOPES, Settings};

/// The folder of keys. On one's own machine a missing key is made; a server that others can reach must be
/// given one, because a key that everybody could have made is nobody's.
pub fn keys(settings: &Settings, url: &PublicUrl) -> anyhow::Result<KeyFiles> {
    let files = KeyFiles::new(settings.keys.dir());
    let dir = files.dir().display();
    if url.is_development() {
        let (key, made) = files.ensure()?;
        let made = if made { "made" } else { "taken" };
        info!(
            "development key {made}: {} in {dir}; not for a server that others can reach",
            key.kid()
        );
        return Ok(files);
    }
    if settings.keys.keys_dir.is_none() {
        bail!(
            "others can reach this server, so it does not take development keys: name a folder with \
             --keys-dir DIR, and make a key in it with: cargo run --bin mcp-auth -- keys generate --dir DIR"
        );
    }
    files.signing_key(Alg::Rs256)?;
    Ok(files)
}

/// Where clients get their tokens: metadata (RFC 8414), a token endpoint, and a page for whoever wants to log in.
pub fn routes(settings: &Settings, url: &PublicUrl) -> anyhow::Result<Router> {
    let client = settings.client.load(&settings.keys.dir(), url.is_development())?;
    let (issuer, resource, scopes) = (url.to_string(), url.endpoint(), SCOPES.parse()?);
    let (keys, clock) = (KeyFiles::new(settings.keys.dir()), settings.clock.clone());
    Ok(Issuer::new(issuer, resource, scopes, client, keys, clock)?.routes())
}
