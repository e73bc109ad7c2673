//! Which key signs, and who has been told of it? A key is published for a while before it signs, so that no server meets a
//! token whose key it could not have fetched.

use std::sync::{Arc, RwLock};

use mcp_auth::issuer::{
    files::{FileError, KeyFiles},
    keys::{Alg, KeyError, SigningKey},
};
use serde_json::Value;

/// The key that signs, parsed once.
#[derive(Debug)]
pub struct Signer {
    files: KeyFiles,
    alg: Alg,
    current: RwLock<Arc<SigningKey>>,
}

impl Signer {
    /// The key in this folder, which is made if there is none.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(files: KeyFiles, alg: Alg) -> Result<Self, FileError> {
        let key = match files.generate(alg, 2048) {
            Err(FileError::Exists(_)) => files.signing_key(alg)?,
            made => made?,
        };
        Ok(Self { files, alg, current: RwLock::new(Arc::new(key)) })
    }

    /// The public keys, a file.
    #[must_use]
    pub fn jwks(&self) -> std::path::PathBuf {
        self.files.jwks()
    }

    /// The key that signs.
    #[must_use]
    pub fn key(&self) -> Arc<SigningKey> {
        self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Looks whether the folder has another key by now.
    ///
    /// # Errors
    /// [`FileError`]; the key from before goes on signing.
    pub fn refresh(&self) -> Result<(), FileError> {
        let key = self.files.signing_key(self.alg)?;
        if key.kid() != self.key().kid() {
            *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
                Arc::new(key);
        }
        Ok(())
    }

    /// An access token of these claims (RFC 9068).
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        self.key().token("at+jwt", claims)
    }
}
