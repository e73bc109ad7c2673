//! Why does a folder of keys not do what it was asked for?

use std::path::{Path, PathBuf};

use crate::issuer::{
    disk::DiskError,
    keys::{Alg, KeyError},
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
         cargo run --bin mcp-auth -- keys {verb} --alg {alg} --dir {word}", dir = dir.display(), word = word(dir)
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The algorithm that was asked for.
        alg: Alg,
        /// What makes such a key: `generate`, or `rotate` where there are keys of another kind.
        verb: &'static str,
    },
    /// The key that signs is published, but its private half is not there.
    #[error(
        "{path} is not there, but {list} says that this key signs; bring it back, or make a new one with: \
         cargo run --bin mcp-auth -- keys rotate --alg {alg} --dir {dir}",
        path = path.display(), list = dir.join("jwks.json").display(), dir = word(dir)
    )]
    Lost {
        /// The folder.
        dir: PathBuf,
        /// The private key.
        path: PathBuf,
        /// What it signed with.
        alg: Alg,
    },
    /// `jwks.json` is not what this module writes.
    #[error("{0} is not a list of keys as `mcp-auth keys` writes it")]
    Malformed(PathBuf),
    /// Another process changes the keys at this moment, or one was stopped while it did.
    #[error(
        "another process is changing these keys: try again in a moment; if there is none, an earlier one was \
         stopped halfway: remove {0} and try again"
    )]
    Busy(PathBuf),
    /// What the file system says, or a secret that others can read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A path as one word of a command line.
fn word(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) { format!("\"{path}\"") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_blanks_is_one_word_of_the_command_that_is_advised() {
        for (dir, word) in [("/keys", "--dir /keys"), ("/my keys", "--dir \"/my keys\"")] {
            let (dir, path) = (PathBuf::from(dir), PathBuf::new());
            let missing =
                FileError::Missing { dir: dir.clone(), alg: Alg::Rs256, verb: "generate" };
            assert!(missing.to_string().ends_with(word), "{missing}");
            let lost = FileError::Lost { dir, path, alg: Alg::Rs256 };
            assert!(lost.to_string().ends_with(word), "{lost}");
        }
    }
}
