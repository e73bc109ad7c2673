//! What stands in a file of JSON that an operator has written?

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Why a file of JSON is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It says something else than it should.
    #[error("{path} is not {what}: {error}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        error: serde_json::Error,
    },
}

/// Reads a file, which is to be this.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
) -> Result<T, JsonFileError> {
    let text =
        std::fs::read(path).map_err(|error| JsonFileError::Io { path: path.to_owned(), error })?;
    let read = serde_json::from_slice(&text);
    read.map_err(|error| JsonFileError::Malformed { path: path.to_owned(), what, error })
}
