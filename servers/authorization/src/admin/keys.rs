//! How does the operator change which key signs? In the folder of keys, which a running server reads again.

use anyhow::{Context as _, anyhow, ensure};
use clap::Subcommand;
use mcp_auth::{
    Clock,
    issuer::files::{KeyFiles, Listed},
};

use super::folder;
use crate::{
    program::say,
    settings::Settings,
    signing::{self, OVERLAP, PUBLISHED},
};

/// Which key signs.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a new key; it signs when it has been published for a minute, and the old one stays published for an hour
    Rotate,
    /// List the keys, the newest first
    List,
}

impl Keys {
    /// Does it, in the folder of keys.
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let files = KeyFiles::new(folder(settings)?.join("keys"));
        let now = Clock::default().now();
        let why = |error| anyhow!(signing::why(&error));
        match self {
            Self::Rotate => {
                let alg = settings.service.algorithm;
                let key = files.rotate(alg, 2048, OVERLAP, now).map_err(why)?;
                let said = format!("{}  {alg}  signs in {PUBLISHED} seconds", key.kid());
                say(&format!("{said}\n")).context(said)
            }
            Self::List => {
                let keys = files.list().map_err(why)?;
                ensure!(!keys.is_empty(), "{} lists no key", files.jwks().display());
                say(&keys.iter().map(|key| line(key, now)).collect::<String>())
            }
        }
    }
}

/// A key, and how long it is still published.
fn line(key: &Listed, now: i64) -> String {
    let left = key.retires.map(|at| format!("  published for {} min", (at - now).max(0) / 60));
    format!("{}  {}{}\n", key.kid, key.alg, left.unwrap_or_default())
}
