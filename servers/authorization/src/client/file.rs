//! Which clients does the operator know? A file with their metadata, as RFC 7591 names it.

use std::{collections::HashMap, path::Path, sync::Arc};

use mcp_auth::{
    ScopeSet,
    issuer::{
        assertion,
        client::SHORTEST_SECRET,
        disk::{DiskError, must_be_private},
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::{Client, Proof, Source, is_name};
use crate::{
    json_file::{self, JsonFileError},
    redirect,
    store::hash,
};

/// One client of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    scope: Option<String>,
    client_secret: Option<String>,
    jwks: Option<Value>,
    grant_types: Option<Vec<String>>,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientsError {
    /// It cannot be read, or is no list of clients.
    #[error(transparent)]
    File(#[from] JsonFileError),
    /// There are secrets in it, and others can read it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A client in it cannot be one.
    #[error("the client {client:?}: {why}")]
    Client {
        /// Which one.
        client: String,
        /// Why.
        why: String,
    },
}

/// Reads the clients of a file.
///
/// # Errors
/// [`ClientsError`].
pub fn read(path: &Path) -> Result<HashMap<String, Client>, ClientsError> {
    let entries: Vec<Entry> = json_file::read(path, "a list of clients")?;
    if entries.iter().any(|entry| entry.client_secret.is_some()) {
        must_be_private(path)?;
    }
    let mut clients = HashMap::new();
    for entry in entries {
        let name = entry.client_id.clone();
        let client =
            client(entry).map_err(|why| ClientsError::Client { client: name.clone(), why })?;
        if clients.insert(name.clone(), client).is_some() {
            return Err(ClientsError::Client { client: name, why: "it stands twice".into() });
        }
    }
    Ok(clients)
}

fn client(entry: Entry) -> Result<Client, String> {
    let is_id =
        |id: &str| !id.is_empty() && id.len() <= 200 && id.bytes().all(|b| b.is_ascii_graphic());
    if !is_id(&entry.client_id) {
        return Err("an id is visible ASCII without blanks".into());
    }
    if entry.client_name.as_ref().is_some_and(|name| !is_name(name)) {
        return Err("a client_name has 1 to 100 letters, all of them visible".into());
    }
    for uri in &entry.redirect_uris {
        redirect::check(uri).map_err(|error| format!("{uri:?}: {error}"))?;
    }
    let proof = match (entry.client_secret, &entry.jwks) {
        (None, None) => Proof::Public,
        (None, Some(jwks)) => Proof::Keys(Arc::new(
            assertion::keys(jwks).map_err(|error| format!("its jwks: {error}"))?,
        )),
        (Some(_), Some(_)) => {
            return Err("it has a client_secret or a jwks, not both".into());
        }
        (Some(secret), None) if secret.len() >= SHORTEST_SECRET => Proof::Secret(hash(&secret)),
        (Some(_), None) => {
            return Err("its secret is too short: 16 characters at least, best random ones".into());
        }
    };
    let default = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
    let grants = entry.grant_types.unwrap_or(default);
    let known = ["authorization_code", "refresh_token", "client_credentials"];
    if let Some(unknown) = grants.iter().find(|grant| !known.contains(&grant.as_str())) {
        return Err(format!("there is no grant {unknown:?}"));
    }
    let may = |grant: &str| grants.iter().any(|one| one == grant);
    if may("client_credentials") && proof.is_none() {
        return Err("client_credentials needs a client_secret or a jwks".into());
    }
    if may("authorization_code") && entry.redirect_uris.is_empty() {
        return Err("authorization_code needs redirect_uris".into());
    }
    Ok(Client {
        scope: entry.scope.map(|scope| scope.split(' ').collect::<ScopeSet>()),
        may_ask_people: may("authorization_code"),
        may_refresh: may("refresh_token"),
        may_act_alone: may("client_credentials"),
        id: entry.client_id,
        name: entry.client_name,
        redirects: entry.redirect_uris,
        proof,
        source: Source::File,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_file_are_names_that_can_be_shown() {
        for (name, is_good) in
            [("A tool", true), ("A\u{202e}loot", false), ("a\tb", false), ("", false)]
        {
            let text = serde_json::json!({"client_id": "a", "client_name": name, "redirect_uris": ["http://localhost/"]});
            let entry = serde_json::from_value(text).unwrap();
            assert_eq!(client(entry).is_ok(), is_good, "{name:?}");
        }
    }
}
