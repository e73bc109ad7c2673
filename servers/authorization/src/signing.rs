//! Which key signs, and who has been told of it? A key is published for a while before it signs, so that no server meets a
//! token whose key it could not have fetched.

use std::{path::PathBuf, sync::Arc};

use mcp_auth::{
    Clock,
    issuer::{
        files::{FileError, KeyFiles},
        keys::{Alg, KeyError, SigningKey},
    },
};
use serde_json::Value;
use tracing::info;

use crate::watched::{LOOK, Watched};

/// Seconds that a key is published before it signs. The key set may be kept for as long by whoever has fetched it.
pub const PUBLISHED: i64 = 60;
/// Seconds that a key stays published after a rotation: it signs for a while still, and what it has signed has to end.
pub const OVERLAP: i64 = 3600 + PUBLISHED;

/// The key that signs, parsed once.
#[derive(Debug)]
pub struct Signer {
    files: KeyFiles,
    key: Watched<SigningKey>,
}

/// Why there is no key, for the operator of this server: the commands that [`FileError`] names are others.
pub(crate) fn why(error: &FileError) -> String {
    match error {
        FileError::Missing { dir, .. } => {
            let dir = dir.display();
            format!(
                "there are no keys in {dir} yet: the server makes the first one when it starts; --data DIR names its folder"
            )
        }
        FileError::Lost { dir, path, .. } => format!(
            "{} is not there, but {} says that this key signs: bring it back, or make a new one with `authorization keys rotate`, which signs after {PUBLISHED} seconds",
            path.display(),
            dir.join("jwks.json").display()
        ),
        FileError::Malformed(list) => format!(
            "{} is no list of keys: bring back what stood there before, or move the folder away, and the server makes a new key when it starts",
            list.display()
        ),
        other => other.to_string(),
    }
}

impl Signer {
    /// The key in this folder. One is made if there is none, or if the newest is for another algorithm.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(files: KeyFiles, alg: Alg, clock: Clock) -> Result<Self, FileError> {
        match files.generate(alg, 2048) {
            Err(FileError::Exists(_)) => {
                let now = clock.now();
                let newest = files.list()?.into_iter().next();
                if newest.is_none_or(|newest| newest.alg != alg.name()) {
                    files.rotate(alg, 2048, OVERLAP, now)?;
                }
            }
            made => drop(made?),
        }
        let key = files.signing_key_published(PUBLISHED, clock.now())?;
        let folder = files.clone();
        let key = Watched::new(key, LOOK, move |before: &SigningKey| {
            let read = folder.signing_key_published(PUBLISHED, clock.now());
            let key = read.map_err(|error| {
                let why = why(&error);
                format!("the folder of keys cannot be used, so the key from before signs: {why}")
            })?;
            if key.kid() == before.kid() {
                return Ok(None);
            }
            info!(kid = key.kid(), "another key signs from now on");
            Ok(Some(key))
        });
        Ok(Self { files, key })
    }

    /// The public keys, a file.
    #[must_use]
    pub fn jwks(&self) -> PathBuf {
        self.files.jwks()
    }

    /// The key that signs. Looks once a second whether it is another one by now; when the folder cannot be read, the key from
    /// before goes on.
    pub fn key(&self) -> Arc<SigningKey> {
        self.key.now()
    }

    /// Is the folder as it should be?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.key.is_ready()
    }

    /// An access token of these claims (RFC 9068).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        self.key().token("at+jwt", claims)
    }
}
