//! Who can tell whether this token is good? One server may take the tokens of several issuers, each with rules of its own.

use std::{collections::HashMap, fmt, sync::Arc};

use crate::{
    unverified::Unverified,
    verify::{Cause, Verdict, Verify, VerifyError},
};

/// Several issuers, each with its own verifier. A token is checked by that of the issuer that it names, and by no other:
/// who signs for one cannot make tokens of another.
#[derive(Clone, Default)]
pub struct Issuers(HashMap<String, Arc<dyn Verify>>);

/// An issuer stands twice, and its tokens could be checked by either rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer {0:?} stands twice")]
pub struct StandsTwice(String);

impl Issuers {
    /// No issuer, so every token is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tokens of this issuer, compared to the last letter, are checked by this verifier.
    ///
    /// # Errors
    /// [`StandsTwice`].
    pub fn with(
        mut self,
        issuer: &str,
        verify: impl Verify + 'static,
    ) -> Result<Self, StandsTwice> {
        match self.0.insert(issuer.to_owned(), Arc::new(verify)) {
            None => Ok(self),
            Some(_) => Err(StandsTwice(issuer.to_owned())),
        }
    }
}

impl Verify for Issuers {
    fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a> {
        let named = Unverified::issuer(token)
            .and_then(|issuer| self.0.get(&issuer).ok_or(Cause::Issuer))
            .map_err(VerifyError::Invalid);
        match named {
            Ok(verify) => verify.verify(token, now),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    /// The sum of all: it grows when one of them grows.
    fn generation(&self) -> u64 {
        self.0.values().fold(0, |sum, verify| sum.wrapping_add(verify.generation()))
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
