//! What stands in a file of settings? The same names as the flags, and what flags cannot say: scopes, and roles that open them.
//! A flag wins over a variable of the environment, that over the file, and the file over what goes without saying.

use std::{collections::BTreeMap, path::Path};

use clap::{Arg, ArgAction, Command};
use mcp_auth::ScopeSet;
use serde::Deserialize;
use toml::{Table, Value};

/// The parts of the file that are no flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// Each scope, and what it allows in words that end the sentence "It could then …".
    #[serde(default = "scopes")]
    pub scopes: BTreeMap<String, String>,
    /// Each role, and the scopes that it opens.
    #[serde(default = "roles")]
    pub roles: BTreeMap<String, Vec<String>>,
}

impl Default for Rights {
    fn default() -> Self {
        Self { scopes: scopes(), roles: roles() }
    }
}

fn scopes() -> BTreeMap<String, String> {
    let all = [
        ("mcp:read", "see which tools and prompts the server has"),
        ("mcp:tools", "use its tools"),
        ("mcp:prompts", "use its prompts"),
    ];
    all.map(|(scope, words)| (scope.to_owned(), words.to_owned())).into()
}

fn roles() -> BTreeMap<String, Vec<String>> {
    let all = [
        ("admin", "mcp:read mcp:tools mcp:prompts"),
        ("user", "mcp:read mcp:tools"),
        ("guest", "mcp:read"),
    ];
    let opens = |scopes: &str| scopes.split(' ').map(str::to_owned).collect();
    all.map(|(role, scopes)| (role.to_owned(), opens(scopes))).into()
}

impl Rights {
    /// What each role opens.
    pub(crate) fn by_role(&self) -> impl Iterator<Item = (String, ScopeSet)> {
        let opens = |scopes: &Vec<String>| scopes.iter().map(String::as_str).collect();
        self.roles.iter().map(move |(role, scopes)| (role.clone(), opens(scopes)))
    }

    /// Is everything that is named there?
    fn check(&self) -> Result<(), String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
        };
        for scope in self.scopes.keys() {
            if !is_word(scope) {
                return Err(format!(
                    "{scope:?} cannot be a scope: it has blanks, quotes or letters beyond ASCII"
                ));
            }
        }
        for (role, opens) in &self.roles {
            if let Some(unknown) = opens.iter().find(|scope| !self.scopes.contains_key(*scope)) {
                return Err(format!(
                    "the role {role:?} opens {unknown:?}, which is not under [scopes]"
                ));
            }
        }
        Ok(())
    }
}

/// The file, read: the settings in it, and the rest.
pub fn read(path: &Path) -> Result<(Table, Rights), String> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("{file} is not TOML: {}", error.message()))?;
    let mut rest = Table::new();
    for name in ["scopes", "roles"] {
        if let Some(value) = table.remove(name) {
            rest.insert(name.to_owned(), value);
        }
    }
    let rights: Rights =
        rest.try_into().map_err(|error: toml::de::Error| format!("{file}: {}", error.message()))?;
    rights.check().map_err(|error| format!("{file}: {error}"))?;
    Ok((table, rights))
}

/// The command, in which what the file says is what goes without saying.
///
/// # Errors
/// One sentence, for a name that is no setting and a value that cannot be one.
pub fn defaults(mut command: Command, settings: Table) -> Result<Command, String> {
    for (name, value) in settings {
        let found = command.get_arguments().find(|arg| arg.get_long() == Some(&*name));
        let Some((id, action)) = found.map(|arg| (arg.get_id().clone(), arg.get_action().clone()))
        else {
            return Err(format!("{name:?} is no setting; --help lists all of them"));
        };
        let texts = texts(&name, value)?;
        if texts.len() > 1 && !matches!(action, ArgAction::Append) {
            return Err(format!("{name} has one value"));
        }
        command = command.mut_arg(id, |arg: Arg| arg.default_values(texts));
    }
    Ok(command)
}

fn texts(name: &str, value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Integer(number) => Ok(vec![number.to_string()]),
        Value::Boolean(is) => Ok(vec![is.to_string()]),
        Value::Array(list) if !list.is_empty() => {
            let all: Result<Vec<_>, _> = list.into_iter().map(|one| texts(name, one)).collect();
            Ok(all?.into_iter().flatten().collect())
        }
        _ => Err(format!("{name} is a text, a number, true, false, or a list of them")),
    }
}
