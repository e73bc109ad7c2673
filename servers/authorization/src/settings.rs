//! What can be set, and what follows from it?

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use axum::{Router, middleware::from_fn, routing::get};
use clap::Parser;
use common::{
    PublicUrl, server,
    settings::{Connections, Listen},
};
use mcp_auth::{
    ScopeSet,
    issuer::{files::KeyFiles, keys::Alg},
};
use tracing::info;

use crate::{
    AuthorizationServer, client, client::document::Documents, people::People, store::Store,
};

/// Who everybody knows, in development: names, passwords and roles.
const DEMO: [(&str, &str, &str); 3] = [
    ("mcp-admin", "admin123", "admin"),
    ("mcp-user", "user123", "user"),
    ("mcp-guest", "guest123", "guest"),
];

/// An OAuth 2.1 authorization server for MCP, for development and small teams.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "authorization",
    version,
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
    /// URL of an MCP server that tokens can be for, to the last letter; may be given again
    #[arg(
        long = "resource",
        env = "AUTHORIZATION_RESOURCE",
        value_delimiter = ' ',
        default_value = "http://localhost:9000/mcp",
        value_name = "URL"
    )]
    pub resources: Vec<String>,
    /// Folder of keys and database; in development .workshop/authorization if not said
    #[arg(long, env = "AUTHORIZATION_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// File of clients that are known beforehand: a list with client_id, client_name, redirect_uris, client_secret, scope, grant_types
    #[arg(long, env = "AUTHORIZATION_CLIENTS", value_name = "FILE")]
    pub clients: Option<PathBuf>,
    /// File of people, as `authorization user add` writes it; in development there are three whom everybody knows
    #[arg(long, env = "AUTHORIZATION_PEOPLE", value_name = "FILE")]
    pub people: Option<PathBuf>,
    /// File of certificates (PEM) that documents about clients may be signed by, beside those of the system: for tests
    #[arg(long, env = "AUTHORIZATION_CLIENT_METADATA_CA", value_name = "FILE")]
    pub client_metadata_ca: Option<PathBuf>,
    /// Fetches documents about clients from private addresses too, where a stranger should not send us: for tests
    #[arg(long)]
    pub dangerously_fetch_private_client_metadata: bool,
    /// What access tokens are signed with: ES256, RS256 or EdDSA
    #[arg(long, env = "AUTHORIZATION_ALGORITHM", default_value = "ES256", value_name = "ALG")]
    pub algorithm: Alg,
    /// Seconds that an access token is good for
    #[arg(long, env = "AUTHORIZATION_ACCESS_TOKEN_LIFETIME", default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=3600), value_name = "SECONDS")]
    pub access_token_lifetime: u32,
}

/// The whole program.
///
/// # Errors
/// One sentence, when a setting cannot work.
pub async fn app(settings: &Settings, url: &PublicUrl) -> anyhow::Result<Router> {
    let is_development = url.is_development();
    let issuer = url.to_string();
    if !is_development && !issuer.starts_with("https://") {
        bail!(
            "others can reach this server, so its name must begin with https:// (--issuer): passwords come here"
        );
    }
    let data = match &settings.data {
        Some(data) => data.clone(),
        None if is_development => PathBuf::from(".workshop/authorization"),
        None => bail!(
            "others can reach this server: name a folder for its keys and its database with --data DIR"
        ),
    };
    std::fs::create_dir_all(&data).with_context(|| data.display().to_string())?;
    let store = Store::open(&data.join("authorization.db")).await?;
    let builder = AuthorizationServer::builder(&issuer, settings.resources.clone())
        .scope("mcp:read", "read what the server shows")
        .scope("mcp:tools", "use its tools")
        .scope("mcp:prompts", "use its prompts")
        .algorithm(settings.algorithm)
        .access_tokens_last(settings.access_token_lifetime.into())
        .documents(documents(settings)?)
        .people(people(settings, is_development)?);
    let builder = match &settings.clients {
        Some(file) => builder.clients(client::file::read(file)?),
        None => builder,
    };
    let builder = if is_development && settings.people.is_none() {
        builder.demo(DEMO.map(|(name, password, _)| (name, password)).to_vec())
    } else {
        builder
    };
    let server = builder.build(KeyFiles::new(data.join("keys")), store)?;
    info!("keys and database are in {}", data.display());
    Ok(server
        .routes()
        .route("/health", get(server::health))
        .method_not_allowed_fallback(server::wrong_method)
        .fallback(server::not_found)
        .layer(from_fn(server::log)))
}

fn documents(settings: &Settings) -> anyhow::Result<Documents> {
    let authorities = match &settings.client_metadata_ca {
        None => Vec::new(),
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
            reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| file.display().to_string())?
        }
    };
    Ok(Documents::new(authorities, settings.dangerously_fetch_private_client_metadata)?)
}

fn people(settings: &Settings, is_development: bool) -> anyhow::Result<People> {
    let set = |scopes: &str| scopes.split(' ').collect::<ScopeSet>();
    let rights = [
        ("admin", set("mcp:read mcp:tools mcp:prompts")),
        ("user", set("mcp:read mcp:tools")),
        ("guest", set("mcp:read")),
    ];
    let people = People::new(rights.map(|(role, scopes)| (role.to_owned(), scopes)));
    if let Some(file) = &settings.people {
        return Ok(people.read(file)?);
    }
    if !is_development {
        bail!(
            "others can reach this server, so nobody has a password that everybody knows: name a file with --people FILE"
        );
    }
    let mut people = people;
    for (name, password, role) in DEMO {
        people = people.with(name, password, &[role])?;
    }
    Ok(people)
}
