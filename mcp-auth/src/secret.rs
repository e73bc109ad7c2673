//! What does nobody else know? A key to hash with, for as long as the program runs.

use aws_lc_rs::hmac;

/// The system has no random numbers, so there is no key to hash with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random numbers")]
pub struct NoRandomness;

/// A new key for HMAC-SHA-256, from the system itself: the library's own generator needs 25 ms for its first number.
pub(crate) fn key() -> Result<hmac::Key, NoRandomness> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| NoRandomness)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &secret))
}
