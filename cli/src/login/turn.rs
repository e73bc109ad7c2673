//! Who may change a login now? One command at a time: of two that use the same refresh token the issuer hears the second as a
//! thief, and ends the login (S9).

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mcp_auth::issuer::disk::{DiskError, write_new};

use crate::{exit::Failure, output};

/// How long a command waits for another one: as long as that may wait for the issuer.
const PATIENCE: Duration = Duration::from_secs(40);
/// When the person is told.
const SILENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// The right to change a file, as long as this value lives: another file, which only one process can make.
pub struct Turn(PathBuf);

impl Turn {
    /// Waits until nobody else changes this file.
    pub async fn take(file: &Path) -> Result<Self, Failure> {
        let (lock, began) = (file.with_extension("lock"), Instant::now());
        let mut silent = true;
        loop {
            match write_new(&lock, "", true) {
                Ok(()) => return Ok(Self(lock)),
                Err(DiskError::Io { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::other(format!(
                    "another command is changing this login: try again in a moment; if there is none, an earlier one \
                     was stopped halfway: remove {} and try again",
                    lock.display()
                )));
            }
            if silent && began.elapsed() > SILENCE {
                silent = false;
                output::note("waiting for another command that changes this login; Ctrl-C stops");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
