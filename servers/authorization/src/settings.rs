//! What can be set, and what follows from it?

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use clap::Parser;
use common::{
    PublicUrl, server,
    settings::{Connections, Host as Address, Listen},
};
use mcp_auth::{
    ScopeSet,
    issuer::{disk, files::KeyFiles, keys::Alg},
    limits,
    origin::Host,
};
use tokio::sync::Semaphore;
use tracing::info;

use crate::{
    AuthorizationServer, audit::Audit, client, client::document::Documents, config::Rights,
    passwords::Passwords, people::People, roster::Roster, store::Store,
};

/// Who everybody knows, in development: names, passwords and roles.
pub const DEMO: [(&str, &str, &str); 3] = [
    ("mcp-admin", "admin123", "admin"),
    ("mcp-user", "user123", "user"),
    ("mcp-guest", "guest123", "guest"),
];

/// Where keys and database are in development, if nothing else is said.
const DEVELOPMENT: &str = ".workshop/authorization";

/// Requests that are answered at a time.
const PLACES: usize = 256;

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

/// The whole program, and what runs beside it.
///
/// # Errors
/// One sentence, when a setting cannot work.
pub async fn app(
    settings: &Settings,
    url: &PublicUrl,
) -> anyhow::Result<(Router, AuthorizationServer)> {
    let (service, is_development) = (&settings.service, url.is_development());
    let issuer = url.to_string();
    if !is_development && !issuer.starts_with("https://") {
        bail!(
            "others can reach this server, so its name must begin with https:// (--issuer): passwords come here"
        );
    }
    let resources = service.resources(is_development);
    let data = service.data(is_development)?;
    let people = people(service, &settings.rights, is_development)?;
    let documents = documents(service)?;
    disk::create_private_dir(&data)?;
    let store = Store::open(&data.join("authorization.db")).await?;
    let audit = service.audit(&data);
    let mut builder = AuthorizationServer::builder(&issuer, resources)
        .algorithm(service.algorithm)
        .access_tokens_last(service.access_token_lifetime)
        .hosts(
            url.hosts().into_iter().chain(service.allow_host.iter().map(Host::to_string)).collect(),
        )
        .proxies(service.trusted_proxies)
        .audit(Audit::in_file(&audit).with_context(|| format!("{} (--audit)", audit.display()))?)
        .documents(documents)
        .roster(people);
    for (scope, words) in &settings.rights.scopes {
        builder = builder.scope(scope, words);
    }
    if let Some(file) = &service.clients {
        builder = builder.clients(client::file::read(file)?);
    }
    if is_development && service.people.is_none() {
        builder = builder.demo(DEMO.map(|(name, password, _)| (name, password)).to_vec());
    }
    if service.no_rate_limits {
        builder = builder.without_rates();
    }
    let server = builder.build(KeyFiles::new(data.join("keys")), store).await?;
    info!("keys and database are in {}, decisions in {}", data.display(), audit.display());
    let router = server
        .routes()
        .layer(from_fn_with_state(std::sync::Arc::new(Semaphore::new(PLACES)), limits::concurrency))
        .route("/health", get(server::health))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn(server::log));
    Ok((router, server))
}

fn documents(service: &Service) -> anyhow::Result<Documents> {
    let authorities = match &service.client_metadata_ca {
        None => Vec::new(),
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
            reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| file.display().to_string())?
        }
    };
    Ok(Documents::new(authorities, service.dangerously_fetch_private_client_metadata)?)
}

fn people(service: &Service, rights: &Rights, is_development: bool) -> anyhow::Result<Roster> {
    let opens = |scopes: &Vec<String>| scopes.iter().map(String::as_str).collect::<ScopeSet>();
    let nobody =
        People::new(rights.roles.iter().map(|(role, scopes)| (role.clone(), opens(scopes))));
    if let Some(file) = &service.people {
        let roster = Roster::in_file(file.clone(), nobody)?;
        // a hash is slow on purpose: only of who is there, and only where it matters
        let (now, passwords) = (roster.now(), Passwords::default());
        let is_known = |name, password| {
            now.get(name).is_some_and(|person| passwords.fits(password, Some(&person.password)))
        };
        if !is_development
            && let Some((name, ..)) =
                DEMO.iter().find(|(name, password, _)| is_known(name, password))
        {
            bail!(
                "others can reach this server, and everybody knows the password of {name}: set another one with `authorization user password {name}`"
            );
        }
        return Ok(roster);
    }
    if !is_development {
        bail!(
            "others can reach this server, so nobody has a password that everybody knows: make a file with `authorization user add NAME --people FILE`, and name it with --people FILE"
        );
    }
    let mut people = nobody;
    for (name, password, role) in DEMO {
        people = people.with(name, password, &[role])?;
    }
    Ok(Roster::fixed(people))
}
