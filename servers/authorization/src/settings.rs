//! What can be set?

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::Parser;
use common::{
    PublicUrl,
    settings::{Connections, Host as Address, Listen},
};
use mcp_auth::{issuer::keys::Alg, origin::Host};

use crate::config::Rights;

/// Where keys and database are in development, if nothing else is said.
const DEVELOPMENT: &str = ".workshop/authorization";

/// All settings.
#[derive(Clone, Debug, Parser)]
#[command(
    mut_arg("port", |arg| arg.default_value("9100").env("AUTHORIZATION_PORT")),
    mut_arg("host", |arg| arg.env("AUTHORIZATION_HOST")),
    mut_arg("public_url", |arg| arg.env("AUTHORIZATION_ISSUER").long("issuer").help(
        "The issuer: the URL under which clients reach this server [default: http://localhost:PORT]",
    ))
)]
pub struct Settings {
    /// Address, port and name.
    #[command(flatten)]
    pub listen: Listen,
    /// Time and number of connections.
    #[command(flatten)]
    pub connections: Connections,
    /// What it is for, and what it keeps.
    #[command(flatten)]
    pub service: Service,
    /// The parts of the file that are no flags.
    #[arg(skip)]
    pub rights: Rights,
}

/// What this server is for, and what it keeps.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Authorization")]
pub struct Service {
    /// URL of an MCP server that tokens can be for, to the last letter; may be given again [in development: http://localhost:9000/mcp]
    #[arg(
        long = "resource",
        env = "AUTHORIZATION_RESOURCE",
        value_delimiter = ' ',
        value_name = "URL"
    )]
    pub resources: Vec<String>,
    /// Folder of keys, database and audit [in development: .workshop/authorization]
    #[arg(long, env = "AUTHORIZATION_DATA", value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// File of people, as `authorization user add` writes it [in development there are three whom everybody knows]
    #[arg(long, env = "AUTHORIZATION_PEOPLE", value_name = "FILE", global = true)]
    pub people: Option<PathBuf>,
    /// File of clients that are known beforehand: a JSON list with client_id, client_name, redirect_uris, client_secret or jwks, scope, grant_types
    #[arg(long, env = "AUTHORIZATION_CLIENTS", value_name = "FILE")]
    pub clients: Option<PathBuf>,
    /// What access tokens are signed with: ES256, RS256 or EdDSA
    #[arg(
        long,
        env = "AUTHORIZATION_ALGORITHM",
        default_value = "ES256",
        value_name = "ALG",
        global = true
    )]
    pub algorithm: Alg,
    /// Seconds that an access token is good for, 10 to 3600
    #[arg(long, env = "AUTHORIZATION_ACCESS_TOKEN_LIFETIME", default_value = "300", value_parser = clap::value_parser!(i64).range(10..=3600), value_name = "SECONDS")]
    pub access_token_lifetime: i64,
    /// File that gets a line of JSON for each decision [default: audit.jsonl in the folder of data]
    #[arg(long, env = "AUTHORIZATION_AUDIT", value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Another name under which this server may be called, as it stands in the header Host; may be given again
    #[arg(long, env = "AUTHORIZATION_ALLOW_HOST", value_delimiter = ',', value_name = "HOST")]
    pub allow_host: Vec<Host>,
    /// Proxies in front of this server that add to X-Forwarded-For; with 0 the header is not read
    #[arg(long, env = "AUTHORIZATION_TRUSTED_PROXIES", default_value = "0", value_name = "N")]
    pub trusted_proxies: usize,
    /// Counts no requests per address, for measurements; attempts to log in are counted all the same
    #[arg(long)]
    pub no_rate_limits: bool,
    /// Address and port for metrics, at /metrics, such as 127.0.0.1:9190; without it there are none
    #[arg(long, env = "AUTHORIZATION_METRICS", value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// File of certificates (PEM) that documents about clients may be signed by, beside those of the system: for tests
    #[arg(long, env = "AUTHORIZATION_CLIENT_METADATA_CA", value_name = "FILE")]
    pub client_metadata_ca: Option<PathBuf>,
    /// Fetches documents about clients from private addresses too, where a stranger should not send us: for tests
    #[arg(long)]
    pub dangerously_fetch_private_client_metadata: bool,
    /// File of settings (TOML): names of flags, and the tables `scopes` and `roles`
    #[arg(long, env = "AUTHORIZATION_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Prints the settings that count, and where each is from, and ends
    #[arg(long)]
    pub print_config: bool,
}

impl Settings {
    /// The name of the server, as far as it is known before it has a port.
    pub(crate) fn url(&self) -> PublicUrl {
        let Listen { host, port, public_url } = &self.listen;
        let url = public_url.clone().unwrap_or_else(|| PublicUrl::localhost(*port));
        match host {
            Address::Address(address) if !address.is_loopback() => url,
            _ => url.on_loopback(*port),
        }
    }
}

impl Service {
    /// What tokens can be for.
    pub(crate) fn resources(&self, is_development: bool) -> Vec<String> {
        match &self.resources[..] {
            [] if is_development => vec!["http://localhost:9000/mcp".into()],
            said => said.to_vec(),
        }
    }

    /// Where decisions are written down.
    pub(crate) fn audit(&self, data: &Path) -> PathBuf {
        self.audit.clone().unwrap_or_else(|| data.join("audit.jsonl"))
    }

    /// The folder of keys and database, if it was said or need not be.
    ///
    /// # Errors
    /// One sentence, when it has to be said.
    pub fn data(&self, is_development: bool) -> anyhow::Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None if is_development => Ok(PathBuf::from(DEVELOPMENT)),
            None => bail!(
                "others can reach this server: name a folder for its keys and its database with --data DIR"
            ),
        }
    }
}
