//! Is this token genuine, current, and meant for us? (RFC 7519, RFC 8725, RFC 9068)

use std::{sync::Arc, time::Duration};

use tracing::error;

pub use crate::policy::Policy;
use crate::{
    Identity,
    cache::Cache,
    gate::Gate,
    jwks::{KeySet, Keys},
    unverified::Unverified,
    verify::{Verdict, Verify, VerifyError},
};

/// The number of a verifier that has a cache to itself, and no door.
const ALONE: u64 = u64::MAX;

/// Checks tokens with keys that are at hand.
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<KeySet>,
    policy: Policy,
    pub(crate) gate: Arc<Gate>,
}

impl Verifier {
    /// Tokens of this `issuer` for this `audience`, both compared as strings, signed RS256 with one of these keys.
    /// Times are taken as if the clock were wrong by `leeway` in favour of the token.
    #[must_use]
    pub fn new(keys: Arc<KeySet>, issuer: String, audience: String, leeway: Duration) -> Self {
        Self::with_policy(keys, Policy::new(issuer, audience).leeway(leeway))
    }

    /// Tokens as this policy wants them, signed with one of these keys.
    #[must_use]
    pub fn with_policy(keys: Arc<KeySet>, policy: Policy) -> Self {
        Self { keys, policy, gate: Arc::default() }
    }

    /// How many signatures are checked at a time when it is used as a [`Verify`]; some hundreds may wait, more are told to come again.
    /// Defaults to half of the cores, so that callers whose token is known already get through a flood of bad ones.
    #[must_use]
    pub fn at_a_time(self, checks: usize) -> Self {
        Self { gate: Arc::new(Gate::new(checks)), ..self }
    }

    /// Whose tokens it takes.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.policy.issuer()
    }

    /// Checks a token at a time, in seconds since 1970. What is cheap comes first.
    ///
    /// # Errors
    /// [`VerifyError::Invalid`] with the cause; [`VerifyError::Unavailable`] when there are no keys.
    pub fn verify(&self, token: &str, now: i64) -> Result<Identity, VerifyError> {
        let token = Unverified::parse(token)?;
        let (kid, algorithm) = self.policy.check(&token, now)?;
        let keys = self.keys()?;
        let key = keys.choose(kid, now);
        Ok(self.policy.identify(token, algorithm, key)?)
    }

    /// The same, where a verdict in this cache counts: signature and claims of a token do not change. Not more than one verifier may
    /// use a cache, as a verdict says nothing of whose it is; and a token that was revoked is asked for elsewhere.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); a refusal is not kept.
    pub fn verify_with(
        &self,
        cache: &Cache,
        token: &str,
        now: i64,
    ) -> Result<Identity, VerifyError> {
        let name = cache.name(token, ALONE, self.keys.generation());
        if let Some(identity) = cache.get(&name, now) {
            return Ok(identity);
        }
        let identity = self.verify(token, now)?;
        cache.keep(name, token.len(), &identity, now);
        Ok(identity)
    }

    fn keys(&self) -> Result<Arc<Keys>, VerifyError> {
        self.keys.current().map_err(|error| {
            error!("{error}");
            VerifyError::Unavailable { retry_after: Duration::from_secs(5) }
        })
    }
}

impl Verify for Verifier {
    fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a> {
        Box::pin(async move {
            let token = Unverified::parse(token)?;
            let (kid, algorithm) = self.policy.check(&token, now)?;
            let keys = self.keys()?;
            let key = keys.choose(kid, now);
            Ok(self.gate.through(|| self.policy.identify(token, algorithm, key)).await??)
        })
    }

    fn generation(&self) -> u64 {
        self.keys.generation()
    }
}
