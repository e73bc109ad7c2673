//! Is the database still where it was opened? Whoever deletes its file, or puts a backup in its place, while the server runs, has it
//! write where nobody will ever read.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::StoreError;

/// A file, and by what it is known again.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    known: Known,
}

/// Device and number on Unix. Elsewhere a file that is open cannot be deleted.
#[cfg(unix)]
type Known = (u64, u64);
#[cfg(not(unix))]
type Known = ();

#[cfg(unix)]
fn known(file: &Path) -> io::Result<Known> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(file)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn known(file: &Path) -> io::Result<Known> {
    std::fs::metadata(file).map(drop)
}

impl Place {
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        Ok(Self { file: file.to_owned(), known: known(file)? })
    }

    /// # Errors
    /// [`StoreError::Gone`].
    pub(super) fn is_the_same(&self) -> Result<(), StoreError> {
        match known(&self.file) {
            Ok(found) if found == self.known => Ok(()),
            _ => Err(StoreError::Gone(self.file.clone())),
        }
    }
}
