//! How does the operator see which clients have registered themselves, and take one away? In the database, beside a running server.

use std::{collections::BTreeSet, fmt::Write as _, fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use mcp_auth::{Clock, issuer::disk};
use serde_json::Value;

use super::folder;
use crate::{
    audit::{Audit, Event},
    program::say,
    redirect,
    settings::Settings,
    store::{Registered, Store},
};

/// Which clients have registered themselves.
#[derive(Debug, Subcommand)]
pub enum Clients {
    /// List them, the newest first; the names are what they call themselves
    List,
    /// Remove one, and end what people have allowed it
    Remove {
        /// Its id
        #[arg(allow_hyphen_values = true)] // one of 64 begins so
        id: String,
    },
}

impl Clients {
    /// Does it, in the database.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let data = folder(settings)?;
        let store = open(&data).await?;
        let now = Clock::default().now();
        let said = match self {
            Self::List => {
                let all = store.all_registered().await?;
                match all.iter().map(|client| line(client, now)).collect::<String>() {
                    none if none.is_empty() => "no client has registered itself\n".to_owned(),
                    lines => lines,
                }
            }
            Self::Remove { id } => {
                if store.registered(&id).await?.is_none() {
                    bail!(
                        "no client {id:?} has registered itself; `authorization clients list` shows those that have, and others stand in the file of --clients"
                    );
                }
                store.unregister(&id, now).await?;
                let said = format!("{id:?} is removed; what people have allowed it has ended\n");
                let audit = settings.service.audit(&data);
                written_down(&audit, &id, now)
                    .with_context(|| format!("{said}but {} does not say so", audit.display()))?;
                said
            }
        };
        store.close().await;
        say(&said)
    }
}

/// Writes down that a client was removed, as the server does for one that is deleted. A new file belongs to whom its folder
/// belongs to: or the server could not write on.
fn written_down(file: &Path, id: &str, now: i64) -> anyhow::Result<()> {
    disk::write_once(file, "", true)?;
    let audit = Audit::in_file(file)?;
    let (client, reason) = (Some(id), Some("deleted by the operator"));
    audit.note(now, &Event { event: "register", client, reason, ..Event::default() });
    ensure!(audit.is_ready(), "it cannot be written");
    Ok(())
}

/// The database in this folder. None is made: a new one would be empty, and hide that this is the wrong folder.
async fn open(folder: &Path) -> anyhow::Result<Store> {
    let file = folder.join("authorization.db");
    match fs::metadata(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no database {}; --data DIR names the folder of a server that has run",
            file.display()
        ),
        found => found.with_context(|| file.display().to_string())?,
    };
    Ok(Store::open(&file).await?)
}

/// One client. What a stranger has written is quoted and escaped, so that it can do nothing to a terminal.
fn line(client: &Registered, now: i64) -> String {
    let metadata: Value = serde_json::from_str(&client.metadata).unwrap_or_default();
    let name = metadata["client_name"].as_str().map(|name| format!("{name:?}"));
    let name = name.unwrap_or("(no name)".to_owned());
    let uris = metadata["redirect_uris"].as_array().into_iter().flatten();
    let places: BTreeSet<_> = uris.filter_map(Value::as_str).map(redirect::host).collect();
    let place = places.first().copied().unwrap_or_default();
    let others = match places.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    let used = client.used.map_or("never used".to_owned(), |at| format!("used {}", ago(now - at)));
    let registered = ago(now - client.created);
    let mut line = format!("{}  {name}  registered {registered}", shown(&client.id));
    if !client.address.is_empty() {
        let _ = write!(line, " from {}", shown(&client.address));
    }
    let _ = writeln!(line, ", {used}, sends people to {}{others}", shown(place));
    line
}

/// As it is, but for what a terminal would take for a command, and for what is longer than anybody reads.
fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

/// A time in words; the server notes a use once an hour.
fn ago(seconds: i64) -> String {
    match seconds {
        ..3600 => format!("{} min ago", seconds.max(0) / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
