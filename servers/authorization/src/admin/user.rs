//! How does the operator change who may log in? In the file of people, which a running server reads again.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, IsTerminal as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use mcp_auth::issuer::disk;

use super::turn::Turn;
use crate::{
    config::Rights,
    passwords,
    people::{self, PeopleError, Person},
    program::say,
    settings::Settings,
};

type All = BTreeMap<String, Person>;

/// Letters that a new password has at least.
const SHORTEST: usize = 8;

/// Who may log in.
#[derive(Debug, Subcommand)]
pub enum User {
    #[command(flatten)]
    Change(Change),
    /// List names and roles
    List,
}

/// What can be done with somebody.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Add somebody; the password is asked for, or is the first line of the input
    Add {
        /// His name: letters, digits, . - _ @
        name: String,
        /// What he is, such as admin, user or guest; may be given again
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
    },
    /// Set another password
    Password {
        /// Whose
        name: String,
    },
    /// Lock somebody out: at once, with the tokens that his clients could refresh
    Disable {
        /// Whom
        name: String,
    },
    /// Let somebody in again
    Enable {
        /// Whom
        name: String,
    },
    /// Remove somebody
    Remove {
        /// Whom
        name: String,
    },
}

impl User {
    /// Does it, in the file of people.
    ///
    /// # Errors
    /// One sentence; the file is as it was then.
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Some(file) = &settings.service.people else {
            bail!(
                "name the file of people with --people FILE; `user add` makes it if it is not there"
            );
        };
        match self {
            Self::Change(change) => change.run(file, &settings.rights),
            Self::List => say(&listed(file, "")?),
        }
    }
}

impl Change {
    fn run(self, file: &Path, rights: &Rights) -> anyhow::Result<()> {
        // what cannot be is said before a password is asked for
        self.apply(&mut self.read(file)?, rights, file, String::new())?;
        let asks = matches!(self, Self::Add { .. } | Self::Password { .. });
        let hash = if asks { passwords::hash(&password()?)? } else { String::new() };
        let turn = Turn::take(file)?;
        let mut all = self.read(file)?;
        let said = self.apply(&mut all, rights, file, hash)?;
        let text = serde_json::to_string_pretty(&all)? + "\n";
        disk::replace(file, &text, true)?;
        drop(turn);
        say(&format!("{said}\n")).context(said)
    }

    /// Those of the file; nobody, where the first is added.
    fn read(&self, file: &Path) -> Result<All, PeopleError> {
        match people::read(file) {
            Err(PeopleError::Missing(_)) if matches!(self, Self::Add { .. }) => Ok(All::new()),
            all => all,
        }
    }

    /// Does it with these people, and says what was done.
    fn apply(
        &self,
        all: &mut All,
        rights: &Rights,
        file: &Path,
        hash: String,
    ) -> anyhow::Result<String> {
        let unknown = |name: &str| format!("there is nobody called {name:?} in {}", file.display());
        let said = match self {
            Self::Add { name, roles } => {
                if all.contains_key(name) {
                    bail!(
                        "{name} is there already; `authorization user password {name}` sets another password"
                    );
                }
                people::check_name(name)?;
                let known = &rights.roles;
                if let Some(role) = roles.iter().find(|role| !known.contains_key(*role)) {
                    let known: Vec<_> = known.keys().map(String::as_str).collect();
                    bail!(
                        "there is no role {role:?}; there are {} (--config FILE)",
                        known.join(", ")
                    );
                }
                let said = format!("{name} can log in as {}", roles.join(", "));
                let (roles, stamp) = (roles.clone(), disk::random());
                all.insert(name.clone(), Person { password: hash, roles, disabled: false, stamp });
                said
            }
            Self::Password { name } => {
                let person = all.get_mut(name).with_context(|| unknown(name))?;
                (person.password, person.stamp) = (hash, disk::random());
                format!("{name} has another password; sessions and tokens from before have ended")
            }
            Self::Disable { name } => {
                let person = all.get_mut(name).with_context(|| unknown(name))?;
                (person.disabled, person.stamp) = (true, disk::random());
                format!("{name} is locked out")
            }
            Self::Enable { name } => {
                all.get_mut(name).with_context(|| unknown(name))?.disabled = false;
                format!("{name} can log in again")
            }
            Self::Remove { name } => {
                all.remove(name).with_context(|| unknown(name))?;
                format!("{name} is removed")
            }
        };
        Ok(said)
    }
}

/// Names and roles, a line each.
pub(crate) fn listed(file: &Path, before: &str) -> anyhow::Result<String> {
    let mut lines = String::new();
    for (name, person) in people::read(file)? {
        let state = if person.disabled { "  (locked out)" } else { "" };
        let _ = writeln!(lines, "{before}{name}  {}{state}", person.roles.join(", "));
    }
    Ok(lines)
}

/// A new password, typed twice or read from the input.
fn password() -> anyhow::Result<String> {
    let password = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("password: ")?;
        if rpassword::prompt_password("once more: ")? != first {
            bail!("these were two different passwords; nothing was changed");
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.chars().count() < SHORTEST {
        bail!("a password has at least {SHORTEST} letters; nothing was changed");
    }
    Ok(password)
}
