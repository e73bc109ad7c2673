//! Where are logins kept? In files of the person's configuration folder that only he can read: one for each server, and one
//! for each issuer that this command has registered at.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::disk::{create_private_dir, must_be_guarded, must_be_private, replace};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{client::Client, grant::Tokens, issuer::Chosen, turn::Turn};
use crate::{call::target::Target, exit::Failure};

/// How the tokens were got, and can be got again.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A person has logged in.
    Code,
    /// The client acts in its own name.
    ClientCredentials,
}

/// A login: what one server may be shown, and how there is more of it.
#[derive(Clone, Deserialize, Serialize)]
pub struct Login {
    /// The URL that is called: the tokens go there, and nowhere else.
    pub url: String,
    /// The name of the server, as it writes it.
    pub resource: String,
    /// Who has issued the tokens.
    pub issuer: String,
    /// Who has said that it is that one.
    #[serde(default)]
    pub chosen: Chosen,
    /// Where there are more of them.
    pub token_endpoint: String,
    /// Where they are given back.
    pub revocation_endpoint: Option<String>,
    /// How clients show who they are there.
    pub methods: Vec<String>,
    /// As whom.
    pub client: Client,
    /// How they were got.
    pub way: Way,
    /// Whom the tokens may be for beside that server, as the person says.
    #[serde(default)]
    pub audience: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
}

#[derive(Deserialize, Serialize)]
struct Registration {
    issuer: String,
    client: Client,
}

/// The folder of logins.
pub struct Store(PathBuf);

impl Store {
    /// This folder, else that of the person; none, where he has no home. Nobody else may be able to write there: he could
    /// put a login of his own in place of the person's, who would then work under another name.
    pub fn open(named: Option<PathBuf>) -> Result<Option<Self>, Failure> {
        let dir = named.or_else(|| Some(configuration()?.join("mcp-auth")));
        let Some(store) = dir.map(Self) else { return Ok(None) };
        for dir in [store.0.clone(), store.0.join("logins"), store.0.join("clients")] {
            if dir.exists() {
                must_be_guarded(&dir)?;
            }
        }
        Ok(Some(store))
    }

    /// The file of the login at this URL.
    pub fn file(&self, url: &str) -> PathBuf {
        self.0.join("logins").join(name(url))
    }

    /// The right to change the login at this URL.
    pub async fn turn(&self, url: &str) -> Result<Turn, Failure> {
        let file = self.file(url);
        create_private_dir(&self.0.join("logins"))?;
        Turn::take(&file).await
    }

    /// The login at this server, and at no other.
    pub fn login(&self, target: &Target) -> Result<Option<Login>, Failure> {
        let url = target.url().as_str();
        let login = read::<Login>(&self.file(url))?;
        Ok(login.filter(|login| login.url == url)) // not what somebody has moved here
    }

    /// All logins, by URL.
    pub fn logins(&self) -> Result<Vec<Login>, Failure> {
        let mut all = Vec::new();
        let entries = match fs::read_dir(self.0.join("logins")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            Err(error) => {
                return Err(Failure::other(format!(
                    "{} cannot be read: {error}",
                    self.0.display()
                )));
            }
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|end| end == "json") {
                all.extend(read::<Login>(&path)?);
            }
        }
        all.sort_by(|one, other| one.url.cmp(&other.url));
        Ok(all)
    }

    /// Keeps a login in place of the one from before. Whoever does that has the turn.
    pub fn keep(&self, _turn: &Turn, login: &Login) -> Result<(), Failure> {
        write(&self.file(&login.url), login)
    }

    /// Forgets a login.
    pub fn forget(&self, _turn: &Turn, url: &str) -> Result<(), Failure> {
        remove(&self.file(url))
    }

    /// As whom this command has registered at this issuer: another one is not shown it (C5).
    pub fn client(&self, issuer: &str) -> Result<Option<Client>, Failure> {
        let found = read::<Registration>(&self.registration(issuer))?;
        Ok(found.filter(|found| found.issuer == issuer).map(|found| found.client))
    }

    /// Keeps a registration.
    pub fn keep_client(&self, issuer: &str, client: &Client) -> Result<(), Failure> {
        let registration = Registration { issuer: issuer.to_owned(), client: client.clone() };
        write(&self.registration(issuer), &registration)
    }

    /// Forgets a registration.
    pub fn forget_client(&self, issuer: &str) -> Result<(), Failure> {
        remove(&self.registration(issuer))
    }

    /// Forgets all registrations; how many there were.
    pub fn forget_clients(&self) -> Result<usize, Failure> {
        let Ok(entries) = fs::read_dir(self.0.join("clients")) else { return Ok(0) };
        let mut count = 0;
        for path in entries.flatten().map(|entry| entry.path()) {
            remove(&path)?;
            count += 1;
        }
        Ok(count)
    }

    fn registration(&self, issuer: &str) -> PathBuf {
        self.0.join("clients").join(name(issuer))
    }
}

/// A name for a file: what a URL is made of does not fit into one.
fn name(url: &str) -> String {
    let hash = digest::digest(&digest::SHA256, url.as_bytes());
    format!("{}.json", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::other(format!("{} cannot be read: {error}", path.display())));
        }
    };
    must_be_private(path)?;
    serde_json::from_slice(&text).map(Some).map_err(|_| {
        Failure::other(format!(
            "{} is not what this command has written: remove it, and log in again",
            path.display()
        ))
    })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Failure> {
    if let Some(dir) = path.parent() {
        create_private_dir(dir)?;
    }
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::other(format!("a login cannot be written: {error}")))?;
    Ok(replace(path, &text, true)?)
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::other(format!("{} cannot be removed: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// The folder for settings of the person (the XDG Base Directory Specification; on Windows, that of the roaming profile).
fn configuration() -> Option<PathBuf> {
    let folder =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    if cfg!(windows) {
        return folder("APPDATA");
    }
    folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))
}
