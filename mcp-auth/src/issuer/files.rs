//! Where do keys live? In a folder, for a workshop or one small server: `<kid>.private.pem` (mode 0600),
//! `<kid>.public.pem`, and `jwks.json`, which says which keys are published, the one that signs first.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    disk::{DiskError, create_dir, draft, io, must_be_private, write_new, write_once},
    keys::{Alg, KeyError, SigningKey},
};

/// Why the folder does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is a key already.
    #[error(
        "there is a key in {0} already: `mcp-auth keys rotate` adds one, `mcp-auth keys clean` removes all"
    )]
    Exists(PathBuf),
    /// There is no key for this algorithm, or none at all.
    #[error(
        "there is no {alg} key that signs in {dir}; make one with: \
         cargo run --bin mcp-auth -- keys {verb} --alg {alg} --dir {dir}", dir = dir.display()
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The algorithm that was asked for.
        alg: Alg,
        /// What makes such a key: `generate`, or `rotate` where there are keys of another kind.
        verb: &'static str,
    },
    /// `jwks.json` is not what this module writes.
    #[error("{0} is not a list of keys as `mcp-auth keys` writes it")]
    Malformed(PathBuf),
    /// What the file system says, or a secret that others can read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A folder of keys.
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
        create_dir(&self.dir)?;
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
    /// [`FileError::Missing`] when there is nothing to rotate; what the system says.
    pub fn rotate(
        &self,
        alg: Alg,
        bits: u32,
        overlap: i64,
        now: i64,
    ) -> Result<SigningKey, FileError> {
        let mut keys = self.entries()?;
        let key = SigningKey::generate(alg, bits)?;
        self.store(&key)?;
        for old in &mut keys {
            let until = now.saturating_add(overlap);
            let until = old.get("exp").and_then(Value::as_i64).map_or(until, |exp| exp.min(until));
            old["exp"] = until.into();
        }
        let (kept, gone): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|old| old["exp"].as_i64().is_some_and(|exp| now < exp));
        let list: Vec<_> = std::iter::once(key.jwk()?).chain(kept).collect();
        self.publish(&json!({"keys": list}))?;
        for old in gone {
            self.forget(old["kid"].as_str().unwrap_or_default());
        }
        Ok(key)
    }

    /// The keys of this folder, the one that signs first.
    ///
    /// # Errors
    /// [`FileError::Missing`], [`FileError::Malformed`], what the system says.
    pub fn list(&self) -> Result<Vec<Listed>, FileError> {
        let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
        let listed = |key: &Value| Listed {
            kid: text(key, "kid"),
            alg: text(key, "alg"),
            retires: key.get("exp").and_then(Value::as_i64),
        };
        Ok(self.entries()?.iter().map(listed).collect())
    }

    /// The newest private key for this algorithm.
    ///
    /// # Errors
    /// [`FileError::Missing`] when there is none, [`DiskError::Readable`] when others can read it.
    pub fn signing_key(&self, alg: Alg) -> Result<SigningKey, FileError> {
        let list = self.list()?;
        let signs = |key: &&Listed| key.alg == alg.name() && key.retires.is_none();
        let Some(newest) = list.iter().find(signs) else {
            return Err(FileError::Missing { dir: self.dir.clone(), alg, verb: "rotate" });
        };
        let path = self.private(&newest.kid);
        must_be_private(&path)?;
        let text = fs::read_to_string(&path).map_err(|error| io(&path, error))?;
        Ok(SigningKey::from_pem(&text)?)
    }

    /// Removes the keys of this folder, and nothing else that may be in it. Returns what it removed.
    ///
    /// # Errors
    /// What the system says.
    pub fn clean(&self) -> Result<Vec<PathBuf>, FileError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(&self.dir, error).into()),
        };
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
        let list: Option<Value> = serde_json::from_slice(&bytes).ok();
        let keys = list.and_then(|mut list| list.get_mut("keys").map(Value::take));
        match keys {
            Some(Value::Array(keys)) if keys.iter().all(Value::is_object) => Ok(keys),
            _ => Err(FileError::Malformed(path)),
        }
    }

    fn store(&self, key: &SigningKey) -> Result<(), FileError> {
        write_new(&self.private(key.kid()), &key.to_pem()?, true)?;
        Ok(write_new(&self.public(key.kid()), &key.public_pem()?, false)?)
    }

    fn forget(&self, kid: &str) {
        let _ = fs::remove_file(self.private(kid));
        let _ = fs::remove_file(self.public(kid));
    }

    /// Replaces the list in one step, so that no reader ever sees half of it.
    fn publish(&self, list: &Value) -> Result<(), FileError> {
        let path = self.jwks();
        let draft = draft(&path, &pretty(list), false)?;
        Ok(fs::rename(&draft, &path).map_err(|error| io(&path, error))?)
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

fn pretty(list: &Value) -> String {
    format!("{list:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks;

    fn folder() -> (tempfile::TempDir, KeyFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(dir.path().join("keys"));
        (dir, files)
    }

    fn published(files: &KeyFiles, now: i64) -> Vec<String> {
        let keys = jwks::parse(&fs::read(files.jwks()).unwrap()).unwrap().publish(now);
        let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
        keys["keys"].as_array().unwrap().iter().map(kid).collect()
    }

    #[test]
    fn a_second_key_is_never_made_over_the_first() {
        let (_dir, files) = folder();
        let first = files.generate(Alg::Rs256, 2048).unwrap();
        assert!(matches!(files.generate(Alg::Rs256, 2048), Err(FileError::Exists(_))));
        assert_eq!(files.signing_key(Alg::Rs256).unwrap().kid(), first.kid());
        assert_eq!(fs::read_dir(files.dir()).unwrap().count(), 3, "nothing is left lying about");
    }

    #[test]
    fn processes_that_start_together_agree_on_one_key() {
        let (_dir, files) = folder();
        let kids: Vec<_> = std::thread::scope(|scope| {
            let start = |_| scope.spawn(|| files.ensure().unwrap().0.kid().to_owned());
            let threads: Vec<_> = (0..4).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }

    #[test]
    fn after_a_rotation_the_new_key_signs_and_the_old_one_is_published_for_a_while() {
        let (_dir, files) = folder();
        let old = files.generate(Alg::Rs256, 2048).unwrap();
        let new = files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap();
        assert_eq!(files.signing_key(Alg::Rs256).unwrap().kid(), new.kid());
        assert_eq!(published(&files, 1099), [new.kid(), old.kid()]);
        assert_eq!(published(&files, 1100), [new.kid()]);
        let newest = files.rotate(Alg::Rs256, 2048, 100, 2000).unwrap();
        assert_eq!(published(&files, 2000), [newest.kid(), new.kid()]);
        assert!(!files.private(old.kid()).exists(), "the files of a key past its time go");
    }

    #[test]
    fn a_key_that_retires_signs_no_more_and_the_error_says_what_helps() {
        let (_dir, files) = folder();
        files.generate(Alg::Rs256, 2048).unwrap();
        files.rotate(Alg::Es256, 0, 100, 1000).unwrap();
        let error = files.signing_key(Alg::Rs256).unwrap_err().to_string();
        assert!(error.contains("keys rotate --alg RS256"), "{error}");
        files.rotate(Alg::Rs256, 2048, 100, 1000).unwrap();
        assert!(files.signing_key(Alg::Rs256).is_ok());
    }

    #[test]
    fn clean_removes_keys_and_nothing_else() {
        let (_dir, files) = folder();
        files.generate(Alg::EdDsa, 0).unwrap();
        fs::write(files.dir().join("client.json"), "{}").unwrap();
        assert_eq!(files.clean().unwrap().len(), 3);
        assert!(files.dir().join("client.json").exists());
        assert!(files.clean().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_private_key_is_made_private_and_refused_when_it_no_longer_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, files) = folder();
        let key = files.generate(Alg::Rs256, 2048).unwrap();
        let path = files.private(key.kid());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            files.signing_key(Alg::Rs256),
            Err(FileError::Disk(DiskError::Readable(_)))
        ));
    }
}
