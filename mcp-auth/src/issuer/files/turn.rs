//! Who may change the keys now? One process at a time. Of two that rotate together each would publish a list that
//! lacks the key of the other, and tokens that it has signed would be refused.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::FileError;
use crate::issuer::disk::{DiskError, write_new};

/// The right to change the keys of a folder, as long as this value lives. It is a file that only one process can
/// make; it stays when its process is stopped halfway, and then the error of the next one says what to do.
pub(super) struct Turn(PathBuf);

impl Turn {
    /// Takes the turn in this folder, which must exist.
    pub(super) fn take(dir: &Path) -> Result<Self, FileError> {
        let path = dir.join("keys.lock");
        match write_new(&path, "", true) {
            Ok(()) => Ok(Self(path)),
            Err(DiskError::Io { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {
                Err(FileError::Busy(path))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
