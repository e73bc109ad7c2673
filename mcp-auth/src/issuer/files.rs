//! Where do keys live? In a folder, for a workshop or one small server: `<kid>.private.pem` (mode 0600),
//! `<kid>.public.pem`, and `jwks.json`, which says which keys are published, the one that signs first.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    disk::{
        create_private_dir, io, must_be_guarded, must_be_private, replace, write_new, write_once,
    },
    keys::{Alg, SigningKey},
};

mod error;
mod turn;

pub use error::FileError;
use turn::Turn;

/// A folder of keys. On Unix it is used only while no other user of the machine can write into it; on Windows that is
/// left to its access list.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    dir: PathBuf,
}

/// One key of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub kid: String,
    /// What it signs with, such as `RS256`.
    pub alg: String,
    /// When it is no longer published, in seconds since 1970; `None` for the key that signs.
    pub retires: Option<i64>,
}

impl KeyFiles {
    /// The keys in this folder, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The published keys, a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> PathBuf {
        self.dir.join("jwks.json")
    }

    /// Makes the first key.
    ///
    /// # Errors
    /// [`FileError::Exists`], also when another process was first; what the system says.
    pub fn generate(&self, alg: Alg, bits: u32) -> Result<SigningKey, FileError> {
        if self.jwks().exists() {
            return Err(FileError::Exists(self.dir.clone()));
        }
        create_private_dir(&self.dir)?;
        must_be_guarded(&self.dir)?;
        let key = SigningKey::generate(alg, bits)?;
        self.store(&key)?;
        let list = json!({"keys": [key.jwk()?]});
        if let Err(error) = self.publish_first(&list) {
            self.forget(key.kid()); // somebody else was first, and his key counts
            return Err(error);
        }
        Ok(key)
    }

    /// The key that signs; makes an RS256 key of 2048 bits if there is none. Two processes that start
    /// together agree on one key. The second value says whether it was made now.
    ///
    /// # Errors
    /// As [`generate`](Self::generate) and [`signing_key`](Self::signing_key).
    pub fn ensure(&self) -> Result<(SigningKey, bool), FileError> {
        match self.generate(Alg::Rs256, 2048) {
            Ok(key) => Ok((key, true)),
            Err(FileError::Exists(_)) => Ok((self.signing_key(Alg::Rs256)?, false)),
            Err(error) => Err(error),
        }
    }

    /// Makes a new key, which signs from now on. The others stay published until `now + overlap` seconds, or for
    /// as long as they had; a key that is past its time goes, with its files.
    ///
    /// # Errors
    /// [`FileError::Missing`] when there is nothing to rotate; [`FileError::Busy`]; what the system says.
    pub fn rotate(
        &self,
        alg: Alg,
        bits: u32,
        overlap: i64,
        now: i64,
    ) -> Result<SigningKey, FileError> {
        self.entries()?; // nothing to rotate is said before a key is made
        let key = SigningKey::generate(alg, bits)?; // this takes long, so nobody has to wait for it
        let _turn = Turn::take(&self.dir)?;
        let mut keys = self.entries()?;
        self.store(&key)?;
        for old in &mut keys {
            let until = now.saturating_add(overlap);
            let until = old.get("exp").and_then(Value::as_i64).map_or(until, |exp| exp.min(until));
            old["exp"] = until.into();
        }
        let (kept, gone): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|old| old["exp"].as_i64().is_some_and(|exp| now < exp));
        let mut new = key.jwk()?;
        new["iat"] = now.into(); // since when it is published (a parameter of OpenID Federation)
        let list: Vec<_> = std::iter::once(new).chain(kept).collect();
        self.publish(&json!({"keys": list})).inspect_err(|_| self.forget(key.kid()))?;
        for old in gone {
            self.forget(old["kid"].as_str().unwrap_or_default());
        }
        Ok(key)
    }

    /// The keys of this folder, the one that signs first.
    ///
    /// # Errors
    /// [`FileError::Missing`], [`FileError::Malformed`], [`FileError::Disk`] also when others can write there.
    pub fn list(&self) -> Result<Vec<Listed>, FileError> {
        Ok(self.entries()?.iter().map(listed).collect())
    }

    /// The newest private key for this algorithm.
    ///
    /// # Errors
    /// As [`list`](Self::list); [`FileError::Missing`] or [`FileError::Lost`] when there is none; [`FileError::Disk`]
    /// also when others can read it.
    pub fn signing_key(&self, alg: Alg) -> Result<SigningKey, FileError> {
        let list = self.list()?;
        let signs = |key: &&Listed| key.alg == alg.name() && key.retires.is_none();
        let Some(newest) = list.iter().find(signs) else {
            return Err(FileError::Missing { dir: self.dir.clone(), alg, verb: "rotate" });
        };
        self.read(&newest.kid, alg)
    }

    /// The newest private key that has been published for so many seconds; the newest of all when there is none such.
    /// Whoever verifies tokens asks for keys now and then: a key that signs before he has asked is one that he does not know.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key).
    pub fn signing_key_published(&self, seconds: i64, now: i64) -> Result<SigningKey, FileError> {
        let entries = self.entries()?;
        let listed: Vec<_> = entries.iter().map(listed).collect();
        let since = |entry: &Value| entry.get("iat").and_then(Value::as_i64);
        let is_known = |entry: &Value| since(entry).is_none_or(|since| since <= now - seconds);
        let lasts = |key: &Listed| key.retires.is_none_or(|end| now < end);
        let mut all = entries.iter().zip(&listed).filter(|(_, key)| lasts(key));
        let chosen = all.find(|(entry, _)| is_known(entry)).map(|(_, key)| key).or(listed.first());
        let missing =
            || FileError::Missing { dir: self.dir.clone(), alg: Alg::Es256, verb: "rotate" };
        let chosen = chosen.ok_or_else(missing)?;
        let alg = chosen.alg.parse().map_err(|_| FileError::Malformed(self.jwks()))?;
        self.read(&chosen.kid, alg)
    }

    fn read(&self, kid: &str, alg: Alg) -> Result<SigningKey, FileError> {
        let path = self.private(kid);
        if !path.exists() {
            return Err(FileError::Lost { dir: self.dir.clone(), path, alg });
        }
        must_be_private(&path)?;
        let text = fs::read_to_string(&path).map_err(|error| io(&path, error))?;
        Ok(SigningKey::from_pem(&text)?)
    }

    /// Removes the keys of this folder, and nothing else that may be in it. Returns what it removed.
    ///
    /// # Errors
    /// [`FileError::Busy`]; what the system says.
    pub fn clean(&self) -> Result<Vec<PathBuf>, FileError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(&self.dir, error).into()),
        };
        let _turn = Turn::take(&self.dir)?; // or a rotation would publish again what is removed here
        let mut removed = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| io(&self.dir, error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ours = [".private.pem", ".public.pem"].iter().any(|end| name.ends_with(end));
            if ours || name.starts_with("jwks.json") {
                fs::remove_file(&path).map_err(|error| io(&path, error))?;
                removed.push(path);
            }
        }
        removed.sort();
        Ok(removed)
    }

    fn private(&self, kid: &str) -> PathBuf {
        self.dir.join(format!("{kid}.private.pem"))
    }

    fn public(&self, kid: &str) -> PathBuf {
        self.dir.join(format!("{kid}.public.pem"))
    }

    fn entries(&self) -> Result<Vec<Value>, FileError> {
        let path = self.jwks();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(FileError::Missing {
                    dir: self.dir.clone(),
                    alg: Alg::Rs256,
                    verb: "generate",
                });
            }
            Err(error) => return Err(io(&path, error).into()),
        };
        must_be_guarded(&self.dir)?; // whoever can write there can replace the list, whatever its own mode is
        must_be_guarded(&path)?;
        let list: Option<Value> = serde_json::from_slice(&bytes).ok();
        let keys = list.and_then(|mut list| list.get_mut("keys").map(Value::take));
        match keys {
            Some(Value::Array(keys)) if keys.iter().all(Value::is_object) => Ok(keys),
            _ => Err(FileError::Malformed(path)),
        }
    }

    fn store(&self, key: &SigningKey) -> Result<(), FileError> {
        write_new(&self.private(key.kid()), &key.to_pem()?, true)?;
        let public = key.public_pem()?;
        let written = write_new(&self.public(key.kid()), &public, false);
        Ok(written.inspect_err(|_| self.forget(key.kid()))?)
    }

    fn forget(&self, kid: &str) {
        let _ = fs::remove_file(self.private(kid));
        let _ = fs::remove_file(self.public(kid));
    }

    fn publish(&self, list: &Value) -> Result<(), FileError> {
        Ok(replace(&self.jwks(), &pretty(list), false)?)
    }

    /// Writes the list if there is none yet.
    fn publish_first(&self, list: &Value) -> Result<(), FileError> {
        if write_once(&self.jwks(), &pretty(list), false)? {
            Ok(())
        } else {
            Err(FileError::Exists(self.dir.clone()))
        }
    }
}

fn listed(entry: &Value) -> Listed {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let retires = entry.get("exp").and_then(Value::as_i64);
    Listed { kid: text("kid"), alg: text("alg"), retires }
}

fn pretty(list: &Value) -> String {
    format!("{list:#}\n")
}

#[cfg(test)]
mod tests;
