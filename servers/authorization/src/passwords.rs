//! Is this the password? A check takes a core and 19 MiB for a moment, so there are two at a time, and all others wait their turn.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{Output, PasswordHash, PasswordHasher as _, SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

/// Letters of a password: enough for a sentence, and a limit for the work that somebody can make us do.
const LONGEST: usize = 256;
/// Passwords that are checked at a time.
const AT_A_TIME: usize = 2;
/// A hash that no password has, made as [`hash`] makes them: to refuse a stranger takes as long as to refuse who has mistyped.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("a password has at most {LONGEST} letters, and one at least")]
pub struct PasswordError;

/// A password as it is kept: argon2id, in the PHC format.
///
/// # Errors
/// When it is too long, or empty.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if !(1..=LONGEST).contains(&password.chars().count()) {
        return Err(PasswordError);
    }
    let salt = SaltString::generate(&mut OsRng);
    let hashed = Argon2::default().hash_password(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| PasswordError)
}

/// Could this have been made by [`hash`]?
pub(crate) fn is_hash(kept: &str) -> bool {
    PasswordHash::new(kept).is_ok()
}

/// The place where passwords are checked.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// For one password each, used again: given back and asked for anew, allocators keep several times as much.
    memory: Mutex<Vec<Vec<Block>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_A_TIME)), memory: Mutex::default() }
    }
}

impl Passwords {
    /// Is this the password of which that is kept? Waits for its turn. Without anything kept it takes as long, and it is not.
    pub(crate) async fn is(self: &Arc<Self>, password: String, kept: Option<String>) -> bool {
        let (all, turn) = (self.clone(), self.turns.clone().acquire_owned().await);
        let check = move || {
            let _turn = turn; // until it is done: whoever hangs up frees no place while a core still works for him
            all.fits(&password, kept.as_deref())
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }

    /// The same at once. Slow on purpose: for a thread that may wait.
    pub(crate) fn fits(&self, password: &str, kept: Option<&str>) -> bool {
        let is_short = password.chars().nth(LONGEST).is_none();
        let made = PasswordHash::new(kept.unwrap_or(NOBODYS)).ok();
        let fits = made.filter(|_| is_short).and_then(|made| self.check(password, &made));
        fits.unwrap_or(false) && kept.is_some()
    }

    /// `None` when the hash is not one of argon2.
    fn check(&self, password: &str, kept: &PasswordHash<'_>) -> Option<bool> {
        let params = Params::try_from(kept).ok()?;
        let version =
            kept.version.and_then(|version| Version::try_from(version).ok()).unwrap_or_default();
        let (expected, mut bytes) = (kept.hash?, [0; 64]);
        let salt = kept.salt?.decode_b64(&mut bytes).ok()?.to_vec();
        let memory = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = memory().pop().unwrap_or_default();
        blocks.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new(Algorithm::try_from(kept.algorithm).ok()?, version, params);
        let made = Output::init_with(expected.len(), |out| {
            let password = password.as_bytes();
            Ok(argon2.hash_password_into_with_memory(password, &salt, out, &mut blocks)?)
        });
        memory().push(blocks);
        made.ok().map(|made| made == expected) // in constant time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_refused_by_as_much_work_as_somebody_known() {
        let kept = hash("a good password").unwrap();
        let (kept, nobodys) =
            (PasswordHash::new(&kept).unwrap(), PasswordHash::new(NOBODYS).unwrap());
        assert_eq!(kept.algorithm, nobodys.algorithm);
        assert_eq!((kept.version, &kept.params), (nobodys.version, &nobodys.params));
        let lengths = |made: &PasswordHash<'_>| {
            let mut bytes = [0; 64];
            (made.salt.unwrap().decode_b64(&mut bytes).unwrap().len(), made.hash.unwrap().len())
        };
        assert_eq!(lengths(&kept), lengths(&nobodys));
        let passwords = Passwords::default();
        assert!(!passwords.fits("a good password", None));
        assert_eq!(passwords.memory.lock().unwrap().len(), 1, "it was hashed all the same");
    }

    #[test]
    fn the_same_memory_serves_for_the_next_one() {
        let kept = hash("a good password").unwrap();
        let passwords = Passwords::default();
        for password in ["a good password", "another", "a good password"] {
            assert_eq!(passwords.fits(password, Some(&kept)), password == "a good password");
        }
        assert_eq!(passwords.memory.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_password_has_an_end() {
        let longest = "ü".repeat(LONGEST);
        let kept = hash(&longest).unwrap();
        assert!(Passwords::default().fits(&longest, Some(&kept)));
        assert!(hash(&format!("{longest}!")).is_err() && hash("").is_err());
    }
}
