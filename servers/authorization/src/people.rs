//! Who can log in, and what may he have? A file of names, hashes of passwords (argon2id) and roles; scopes per role.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use mcp_auth::{
    ScopeSet,
    issuer::disk::{DiskError, must_be_private},
};
use serde::{Deserialize, Serialize};

use crate::{
    json_file::{self, JsonFileError},
    passwords::{PasswordError, hash, is_hash},
};

/// A person.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// argon2id, in the PHC format.
    pub password: String,
    /// What he is; a role opens scopes.
    #[serde(default)]
    pub roles: Vec<String>,
    /// He cannot log in, and his sessions and refresh tokens are of no use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// What began under another one has ended: sessions, and what his clients were given. Another password is another stamp.
    #[serde(default)]
    pub stamp: String,
}

/// All people, by name.
#[derive(Clone, Debug, Default)]
pub struct People {
    people: BTreeMap<String, Person>,
    rights: BTreeMap<String, ScopeSet>,
}

/// Why there are no people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// It is not there.
    #[error("there is no file {}: bring it back, or make one with `authorization user add`", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read, or is not what this module writes.
    #[error(transparent)]
    File(#[from] JsonFileError),
    /// Others can read it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// What stands for a password is no hash of one.
    #[error("the password of {0:?} is no hash as `authorization user add` writes it")]
    Hash(String),
    /// A name that cannot be typed, or that could be taken for another one.
    #[error("a name has 1 to 64 letters, digits, `.`, `-`, `_` or `@`, not {0:?}")]
    Name(String),
}

impl People {
    /// Nobody, where a role opens these scopes.
    #[must_use]
    pub fn new(rights: impl IntoIterator<Item = (String, ScopeSet)>) -> Self {
        Self { people: BTreeMap::new(), rights: rights.into_iter().collect() }
    }

    /// With one more, or with other data of one that is there.
    ///
    /// # Errors
    /// [`PeopleError::Name`], [`PeopleError::Password`].
    pub fn with(mut self, name: &str, password: &str, roles: &[&str]) -> Result<Self, PeopleError> {
        check_name(name)?;
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let person =
            Person { password: hash(password)?, roles, disabled: false, stamp: String::new() };
        self.people.insert(name.to_owned(), person);
        Ok(self)
    }

    /// Adds those in this file.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub fn read(mut self, path: &Path) -> Result<Self, PeopleError> {
        self.people.extend(read(path)?);
        Ok(self)
    }

    /// The person of this name, if he may be here.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Person> {
        self.people.get(name).filter(|person| !person.disabled)
    }

    /// The person of this name, if he may be here, and nothing has ended since.
    #[must_use]
    pub fn under(&self, name: &str, stamp: &str) -> Option<&Person> {
        self.get(name).filter(|person| person.stamp == stamp)
    }

    /// What a person may have at most; nothing for nobody.
    #[must_use]
    pub fn rights(&self, name: &str) -> ScopeSet {
        let roles = self.get(name).map(|person| &person.roles[..]).unwrap_or_default();
        let scopes = roles.iter().filter_map(|role| self.rights.get(role));
        scopes.flat_map(ScopeSet::iter).collect()
    }

    /// Roles that open nothing because nobody has said what they open, each with one who has it.
    pub(crate) fn unknown_roles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.people.iter().flat_map(|(name, person)| {
            let unknown = person.roles.iter().filter(|role| !self.rights.contains_key(*role));
            unknown.map(move |role| (role.as_str(), name.as_str()))
        })
    }
}

/// The people of a file, by name.
///
/// # Errors
/// [`PeopleError`].
pub fn read(path: &Path) -> Result<BTreeMap<String, Person>, PeopleError> {
    match must_be_private(path) {
        Err(DiskError::Io { error, .. }) if error.kind() == ErrorKind::NotFound => {
            return Err(PeopleError::Missing(path.to_owned()));
        }
        is_private => is_private?,
    }
    let read: BTreeMap<String, Person> = json_file::read(path, "a file of people")?;
    for (name, person) in &read {
        check_name(name)?;
        if !is_hash(&person.password) {
            return Err(PeopleError::Hash(name.clone()));
        }
    }
    Ok(read)
}

/// Can this be a name?
///
/// # Errors
/// [`PeopleError::Name`].
pub fn check_name(name: &str) -> Result<(), PeopleError> {
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    if is_good { Ok(()) } else { Err(PeopleError::Name(name.to_owned())) }
}
