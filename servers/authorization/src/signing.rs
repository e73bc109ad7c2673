//! Which key signs, and who has been told of it? A key is published for a while before it signs, so that no server meets a
//! token whose key it could not have fetched.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use mcp_auth::{
    Clock,
    issuer::{
        files::{FileError, KeyFiles},
        keys::{Alg, KeyError, SigningKey},
    },
};
use serde_json::Value;
use tracing::{error, info};

/// Seconds that a key is published before it signs. The key set may be kept for as long by whoever has fetched it.
pub const PUBLISHED: i64 = 60;
/// Seconds that a key stays published after a rotation: it signs for a while still, and what it has signed has to end.
pub const OVERLAP: i64 = 3600 + PUBLISHED;
/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The key that signs, parsed once.
#[derive(Debug)]
pub struct Signer {
    files: KeyFiles,
    clock: Clock,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<SigningKey>,
    looked: Instant,
    is_broken: bool,
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
        let key = Arc::new(files.signing_key_published(PUBLISHED, clock.now())?);
        let current = Mutex::new(Current { key, looked: Instant::now(), is_broken: false });
        Ok(Self { files, clock, current })
    }

    /// The public keys, a file.
    #[must_use]
    pub fn jwks(&self) -> PathBuf {
        self.files.jwks()
    }

    /// The key that signs. Looks once a second whether it is another one by now; when the folder cannot be read, the key from
    /// before goes on.
    pub fn key(&self) -> Arc<SigningKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() < LOOK {
            return current.key.clone();
        }
        current.looked = Instant::now();
        match self.files.signing_key_published(PUBLISHED, self.clock.now()) {
            Ok(key) => {
                current.is_broken = false;
                if key.kid() != current.key.kid() {
                    info!(kid = key.kid(), "another key signs from now on");
                    current.key = Arc::new(key);
                }
            }
            Err(why) => {
                if !current.is_broken {
                    error!(
                        "the folder of keys cannot be used, so the key from before signs: {why}"
                    );
                }
                current.is_broken = true;
            }
        }
        current.key.clone()
    }

    /// Is the folder as it should be?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.key();
        !self.current.lock().unwrap_or_else(PoisonError::into_inner).is_broken
    }

    /// An access token of these claims (RFC 9068).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        self.key().token("at+jwt", claims)
    }
}
