//! The settings of a guarded server, as groups for `clap`: flatten those that you use.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

pub use crate::limits::Limits;
pub use crate::origin::Origins;

/// Where the keys are.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Keys")]
pub struct Keys {
    /// Folder of the keys [default: .workshop beside the nearest Cargo.lock, else in the working directory]
    #[arg(long, env = "MCP_KEYS_DIR", value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,
}

impl Keys {
    /// The folder that was named, else `.workshop` beside the nearest `Cargo.lock` upward, else in the working directory. Not
    /// beside one where everybody may write, such as in `/tmp`: somebody else could have put both there.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.keys_dir.clone().unwrap_or_else(|| {
            let here = std::env::current_dir().unwrap_or_default();
            let is_root = |dir: &&Path| dir.join("Cargo.lock").is_file() && !is_everybodys(dir);
            let root = here.ancestors().find(is_root);
            root.unwrap_or(&here).join(".workshop")
        })
    }
}

/// May every user of this machine write there? Windows has access lists instead, which are not looked at.
fn is_everybodys(dir: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        dir.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = dir;
        false
    }
}

/// The program that may ask for tokens in its own name.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Client")]
pub struct Client {
    /// Id of the client that may ask for tokens [default: on one's own machine `workshop`]
    #[arg(long, env = "MCP_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Its secret, of 16 characters or more; better in the environment than here, and best in a file
    #[arg(long, env = "MCP_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub client_secret: Option<String>,
    /// File that holds the secret
    #[arg(
        long,
        env = "MCP_CLIENT_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "client_secret"
    )]
    pub client_secret_file: Option<PathBuf>,
}

#[cfg(feature = "issuer")]
impl Client {
    /// The client that was set; on one's own machine (`development`) otherwise the one in `client.json` of this
    /// folder, which is made with a random secret if it is not there. A line in the log says where it is.
    ///
    /// # Errors
    /// One sentence: half of it is set, the secret is short, the file cannot be read or others can read it.
    pub fn load(
        &self,
        dir: &std::path::Path,
        development: bool,
    ) -> Result<crate::issuer::client::Client, crate::issuer::client::ClientError> {
        use crate::issuer::{
            client::{Client, ClientError},
            disk::{must_be_guarded, must_be_private},
        };
        if let Some(file) = self.client_secret_file.as_ref().filter(|file| file.exists()) {
            must_be_guarded(file)?; // who can write it can choose the secret
            if let Err(readable) = must_be_private(file) {
                tracing::warn!("{readable}"); // a container mounts a secret for all of its users
            }
        }
        let secret = match &self.client_secret_file {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
                ClientError::Unset(format!(
                    "the file of MCP_CLIENT_SECRET_FILE, {}, cannot be read: {error}",
                    file.display()
                ))
            })?),
            None => self.client_secret.clone(),
        };
        match (&self.client_id, secret) {
            (Some(id), Some(secret)) => Client::new(id, secret.trim_end()),
            (None, None) if development => {
                let path = dir.join("client.json");
                tracing::info!("client id and secret: {}", path.display());
                Client::in_file(&path, "workshop")
            }
            _ => Err(ClientError::Unset(
                "set both MCP_CLIENT_ID and MCP_CLIENT_SECRET (or MCP_CLIENT_SECRET_FILE)".into(),
            )),
        }
    }
}

/// Whose tokens are taken.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Issuer")]
pub struct Issuer {
    /// Name of the issuer, such as http://localhost:8080/realms/mcp-realm, letter by letter as it names itself
    #[arg(long, env = "MCP_ISSUER", value_name = "URL")]
    pub issuer: Option<String>,
    /// Where the issuer is reached from here, if not by its name: an origin
    #[arg(long, env = "MCP_ISSUER_INTERNAL_URL", value_name = "URL")]
    pub issuer_internal_url: Option<String>,
    /// Whom tokens must be for [default: the URL of this server's endpoint]
    #[arg(long, env = "MCP_AUDIENCE", value_name = "URL")]
    pub audience: Option<String>,
    /// Where in a token roles stand: JSON pointers, such as /groups [default: /roles and /realm_access/roles]
    #[arg(long, env = "MCP_ROLES", value_parser = pointer, value_name = "POINTER", value_delimiter = ',')]
    pub roles: Vec<String>,
    /// What a client without a token is told to ask for; all that it will need, where it gets no more than it registered itself
    /// with, as at Keycloak [default: the least that is good for anything]
    #[arg(long, env = "MCP_FIRST_SCOPE", value_name = "SCOPES")]
    pub first_scope: Option<String>,
    /// Seconds after which the keys of the issuer are fetched again: so long may a key that it takes back go on opening
    // the issuer is not to be flooded, and not to be believed for ever
    #[arg(long, env = "MCP_ISSUER_REFRESH", default_value = "300", value_parser = seconds(1..=86_400), value_name = "SECONDS")]
    pub issuer_refresh: Duration,
}

/// How strictly tokens are read.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub struct Tokens {
    /// Seconds by which our clock may be wrong, in favour of a token
    // more than a few minutes would make expiry meaningless
    #[arg(long, env = "MCP_LEEWAY", default_value = "5", value_parser = seconds(0..=300), value_name = "SECONDS")]
    pub leeway: Duration,
    /// Bytes that the header Authorization may have
    #[arg(long, env = "MCP_MAX_AUTHORIZATION", default_value_t = 8192, value_parser = number(1..=1_000_000), value_name = "BYTES")]
    pub max_authorization: usize,
}

/// Takes a JSON pointer: another text would point at nothing, and nobody had a role.
fn pointer(text: &str) -> Result<String, &'static str> {
    let is_pointer = text.starts_with('/') && text.len() > 1;
    is_pointer
        .then(|| text.to_owned())
        .ok_or("a JSON pointer is expected, such as /resource_access/my-client/roles")
}

/// Takes whole seconds in this range.
pub(crate) fn seconds(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        let expected = || format!("whole seconds from {least} to {most} are expected");
        number.map(Duration::from_secs).ok_or_else(expected)
    }
}

/// Takes a whole number in this range.
pub(crate) fn number(
    range: RangeInclusive<usize>,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("a whole number from {least} to {most} is expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_its_range_and_the_error_says_in_which() {
        let (few, time) = (number(1..=10), seconds(0..=300));
        assert_eq!((few("1"), few("10")), (Ok(1), Ok(10)));
        for bad in ["0", "11", "-1", "1.5", "1 ", ""] {
            assert_eq!(few(bad).unwrap_err(), "a whole number from 1 to 10 is expected", "{bad:?}");
        }
        assert_eq!(
            (time("0"), time("300").map(|time| time.as_secs())),
            (Ok(Duration::ZERO), Ok(300))
        );
        for bad in ["301", "-1", "5s", ""] {
            assert_eq!(
                time(bad).unwrap_err(),
                "whole seconds from 0 to 300 are expected",
                "{bad:?}"
            );
        }
    }
}
