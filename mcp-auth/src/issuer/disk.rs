//! How is a secret written down so that nobody else reads it, and nobody ever reads half of it?

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Why a file was not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// Others can read what is secret.
    #[error(
        "{0} can be read by other users of this machine: chmod 600 {0}; whoever has read it knows what \
         is secret in it"
    )]
    Readable(PathBuf),
    /// Others can write what decides which keys count.
    #[error(
        "{path} can be written by other users of this machine (mode {mode:o}): who can write there can put a key \
         or a secret of his own in place of yours; chmod go-w {path}, and look whether what is in it is yours"
    )]
    Writable {
        /// The file or folder.
        path: PathBuf,
        /// Its mode, the last three digits.
        mode: u32,
    },
    /// The new file would belong to somebody else, and its owner could not read it any more.
    #[error(
        "{path} belongs to user {uid} and group {gid}, and the system does not let us give them a new one ({error}): \
         run this as that user or as root; nothing was changed"
    )]
    Owner {
        /// The file, or the folder of a file that is not there yet.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
        /// And of which group.
        gid: u32,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file system said no.
    #[error("{path} cannot be read or written: {error}")]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

pub(crate) fn io(path: &Path, error: std::io::Error) -> DiskError {
    DiskError::Io { path: path.to_owned(), error }
}

/// Writes a file in one step, if there is none of this name; says whether it did. Of two processes that try
/// together one succeeds, because a hard link is made by one alone, and nobody ever sees half a file.
///
/// # Errors
/// What the system says.
pub fn write_once(path: &Path, text: &str, secret: bool) -> Result<bool, DiskError> {
    if path.exists() {
        return Ok(false);
    }
    if let Some(dir) = path.parent() {
        create_private_dir(dir)?;
    }
    let draft = draft(path, text, secret)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) => write_new(path, text, secret).map(|()| true), // no hard links on this file system
    }
}

/// Writes a file under another name, beside the one that it is to become.
fn draft(path: &Path, text: &str, secret: bool) -> Result<PathBuf, DiskError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", random()));
    let draft = PathBuf::from(name);
    write(&draft, text, secret, path)?;
    Ok(draft)
}

/// Replaces a file in one step, so that no reader ever sees half of it. The new one belongs to whom the old one did: when
/// root changes a file of a service, the service must be able to read it.
///
/// # Errors
/// [`DiskError::Owner`]; what the system says; the file from before is still there then.
pub fn replace(path: &Path, text: &str, secret: bool) -> Result<(), DiskError> {
    let draft = draft(path, text, secret)?;
    fs::rename(&draft, path).map_err(|error| {
        let _ = fs::remove_file(&draft);
        io(path, error)
    })
}

/// Creates a folder that only its owner may enter, and those above it that are missing.
///
/// # Errors
/// What the system says.
pub fn create_private_dir(dir: &Path) -> Result<(), DiskError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| io(dir, error))
}

/// Writes a new file; a secret one is never readable by others, not for a moment. What root writes belongs to whom its
/// folder belongs to. On Windows it inherits the access list of its folder.
///
/// # Errors
/// When the file exists, or the system says no.
pub fn write_new(path: &Path, text: &str, secret: bool) -> Result<(), DiskError> {
    write(path, text, secret, path)
}

/// Writes a new file that is to stand in this place.
fn write(path: &Path, text: &str, secret: bool, place: &Path) -> Result<(), DiskError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path).map_err(|error| io(place, error))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let done = written.map_err(|error| io(place, error)).and_then(|()| hand_over(&file, place));
    done.inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Gives a new file to whom the one belongs that stands in its place, and what root makes to whom the folder belongs.
#[cfg(unix)]
fn hand_over(file: &File, place: &Path) -> Result<(), DiskError> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata().map_err(|error| io(place, error))?;
    let (path, old) = match fs::metadata(place) {
        // not the new file itself, which stands there when it was not written as a draft
        Ok(old) if (old.dev(), old.ino()) != (new.dev(), new.ino()) => (place, old),
        _ if new.uid() != 0 => return Ok(()),
        _ => {
            let folder = place.parent().filter(|dir| !dir.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            match fs::metadata(folder).map_err(|error| io(folder, error))? {
                roots if roots.uid() == 0 => return Ok(()),
                other => (folder, other),
            }
        }
    };
    let (uid, gid) = (old.uid(), old.gid());
    if (new.uid(), new.gid()) == (uid, gid) {
        return Ok(());
    }
    fchown(file, Some(uid), Some(gid)).map_err(|error| DiskError::Owner {
        path: path.to_owned(),
        uid,
        gid,
        error,
    })
}

#[cfg(not(unix))]
fn hand_over(_: &File, _: &Path) -> Result<(), DiskError> {
    Ok(())
}

/// Refuses a secret that other users of this machine can read. On Windows the access list is the folder's.
///
/// # Errors
/// [`DiskError::Readable`]; what the system says.
pub fn must_be_private(path: &Path) -> Result<(), DiskError> {
    let metadata = fs::metadata(path).map_err(|error| io(path, error))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(DiskError::Readable(path.to_owned()));
    }
    #[cfg(not(unix))]
    let _ = metadata;
    Ok(())
}

/// Refuses a file or folder that other users of this machine can write. A folder of root's with the sticky bit passes: others
/// can add to it, and replace nothing (so are the secrets of Kubernetes mounted); of somebody else's he could replace what
/// is in it. Whose it is else is not looked at, for it may be somebody who puts things there for us, so it must be a folder of
/// somebody who is trusted. Windows has access lists instead, which are not looked at: there the folder must be one's own.
///
/// # Errors
/// [`DiskError::Writable`]; what the system says.
pub fn must_be_guarded(path: &Path) -> Result<(), DiskError> {
    let metadata = fs::metadata(path).map_err(|error| io(path, error))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        let is_roots = std::os::unix::fs::MetadataExt::uid(&metadata) == 0;
        let is_sticky = metadata.is_dir() && mode & 0o1000 != 0 && is_roots;
        if mode & 0o022 != 0 && !is_sticky {
            return Err(DiskError::Writable { path: path.to_owned(), mode: mode & 0o777 });
        }
    }
    #[cfg(not(unix))]
    let _ = metadata;
    Ok(())
}

/// 256 random bits as text.
#[must_use]
pub fn random() -> String {
    let mut bytes = [0; 32];
    // the operating system's generator does not fail on the systems that this builds for; if it did, a
    // secret of zeros must not come out
    match rand::fill(&mut bytes) {
        Ok(()) => URL_SAFE_NO_PAD.encode(bytes),
        Err(_) => std::process::abort(),
    }
}
