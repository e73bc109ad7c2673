//! Who may change the file of people now? One command at a time: of two that have read the same file, the second would undo
//! what the first has written, and somebody who was locked out would be in again.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::bail;
use mcp_auth::issuer::disk::{DiskError, write_new};

/// How long a command waits for others.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right to change a file, as long as this value lives: another file, which only one process can make.
pub(super) struct Turn(PathBuf);

impl Turn {
    /// Waits until nobody else changes this file.
    pub(super) fn take(file: &Path) -> anyhow::Result<Self> {
        let mut lock = file.as_os_str().to_owned();
        lock.push(".lock");
        let (lock, end) = (PathBuf::from(lock), Instant::now() + PATIENCE);
        loop {
            match write_new(&lock, "", true) {
                Ok(()) => return Ok(Self(lock)),
                Err(DiskError::Io { error, .. }) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(DiskError::Io { path: file.to_owned(), error }.into());
                }
                Err(DiskError::Io { .. }) if Instant::now() < end => {
                    sleep(Duration::from_millis(10));
                }
                Err(DiskError::Io { .. }) => bail!(
                    "another command is changing {}: try again in a moment; if there is none, an earlier one was stopped halfway: remove {} and try again",
                    file.display(),
                    lock.display()
                ),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
