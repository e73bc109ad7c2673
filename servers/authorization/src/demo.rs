//! What does a program embed that wants a place to log in while somebody learns or tests? A server in memory, with people whom
//! everybody knows.

use std::collections::HashMap;

use anyhow::ensure;
use mcp_auth::issuer::{client::Client as Program, files::KeyFiles};

use crate::{
    AuthorizationServer,
    client::{Client, Proof, Source, document::Documents},
    config::Rights,
    redirect,
    store::{Store, hash},
};

/// Name, password and role of a person whom everybody knows.
pub type Known = (&'static str, &'static str, &'static str);

/// Those whom everybody knows.
pub const DEMO: [Known; 3] = [
    ("mcp-admin", "admin123", "admin"),
    ("mcp-user", "user123", "user"),
    ("mcp-guest", "guest123", "guest"),
];

/// A server that keeps everything in memory, and where those of [`DEMO`] can log in, for as long as it runs. This program can
/// get tokens in its own name. The name of the server must be one of this machine, and whoever serves it listens on loopback alone.
///
/// # Errors
/// One sentence.
pub async fn demo(
    issuer: &str,
    resources: impl IntoIterator<Item = impl Into<String>>,
    keys: KeyFiles,
    program: &Program,
) -> anyhow::Result<AuthorizationServer> {
    ensure!(
        redirect::is_loopback(issuer),
        "others can reach {issuer}, so people whom everybody knows cannot log in there"
    );
    let rights = Rights::default();
    let builder = AuthorizationServer::builder(issuer, resources)
        .scopes(&rights)
        .demo(&rights)?
        .clients(HashMap::from([(program.id().to_owned(), acting_alone(program))]))
        .documents(Documents::new(Vec::new())?);
    Ok(builder.build(keys, Store::in_memory().await?).await?)
}

/// A program that acts for itself alone, known by this id and secret.
fn acting_alone(known: &Program) -> Client {
    Client {
        id: known.id().to_owned(),
        name: None,
        redirects: Vec::new(),
        scope: None,
        proof: Proof::Secret(hash(known.secret())),
        may_ask_people: false,
        may_refresh: false,
        may_act_alone: true,
        source: Source::File,
    }
}
