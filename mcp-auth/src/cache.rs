//! Which tokens were checked a moment ago? A signature is dear, and most callers come with the same token again.

use std::time::Duration;

use aws_lc_rs::hmac;
use quick_cache::{Weighter, sync};

use crate::{
    Identity,
    secret::{self, NoRandomness},
};

/// Verdicts on good tokens, kept for a while. A refusal is never kept: whoever is refused is asked again.
///
/// It holds no token, only a keyed hash (HMAC-SHA-256) of it and of the generation of the rules; so whoever reads the memory
/// of the program finds nothing to log in with, and a new generation finds nothing of the old one.
pub struct Cache {
    key: hmac::Key,
    entries: sync::Cache<[u8; 32], Entry, Share>,
    lifetime: i64,
}

#[derive(Clone)]
struct Entry {
    identity: Identity,
    /// When it was given and when it ends, in seconds since 1970.
    since: i64,
    until: i64,
    /// Bytes that it takes, roughly.
    bytes: u64,
}

/// How much of the whole an entry takes: never less than one of so many parts, so that one limit bounds bytes and
/// number.
#[derive(Clone)]
struct Share {
    least: u64,
}

impl Weighter<[u8; 32], Entry> for Share {
    fn weight(&self, _: &[u8; 32], entry: &Entry) -> u64 {
        entry.bytes.max(self.least)
    }
}

impl Cache {
    /// Keeps at most so many `entries` and about so many `bytes`, each for `lifetime` (whole seconds) at most. Nothing is kept
    /// when one of them is 0.
    ///
    /// # Errors
    /// [`NoRandomness`], on a system that is out of order.
    pub fn new(entries: u32, bytes: u64, lifetime: Duration) -> Result<Self, NoRandomness> {
        let least = bytes.checked_div(entries.into()).unwrap_or_default().max(1);
        let bytes = if entries == 0 { 0 } else { bytes };
        let guess = usize::try_from(entries.min(1024)).unwrap_or_default();
        Ok(Self {
            key: secret::key()?,
            entries: sync::Cache::with_weighter(guess, bytes, Share { least }),
            lifetime: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        })
    }

    /// 10,000 entries, 32 MiB, 60 s.
    pub(crate) fn standard() -> Result<Self, NoRandomness> {
        Self::new(10_000, 32 << 20, Duration::from_secs(60))
    }

    /// The name of a token at this door, by the rules of this generation. What it is looked up and kept by.
    pub(crate) fn name(&self, token: &str, door: u64, generation: u64) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&door.to_be_bytes());
        context.update(&generation.to_be_bytes());
        context.update(token.as_bytes());
        let mut name = [0; 32];
        name.copy_from_slice(context.sign().as_ref());
        name
    }

    /// Who called with the token of this name, if that was checked not long before `now`.
    pub(crate) fn get(&self, name: &[u8; 32], now: i64) -> Option<Identity> {
        let entry = self.entries.get(name)?;
        // before its time: the clock was set back, and how old it is cannot be told
        if (entry.since..entry.until).contains(&now) {
            return Some(entry.identity);
        }
        self.entries.remove(name);
        None
    }

    /// Keeps a verdict of `now` on a token of so many bytes, until the token ends at the latest.
    pub(crate) fn keep(&self, name: [u8; 32], token_bytes: usize, identity: &Identity, now: i64) {
        let until = now.saturating_add(self.lifetime).min(identity.expires());
        if until <= now {
            return;
        }
        // the claims as objects take about four times what they take as base64url
        let bytes = 1024 + 4 * token_bytes as u64;
        let identity = identity.clone();
        self.entries.insert(name, Entry { identity, since: now, until, bytes });
    }

    /// How many verdicts are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Are none kept?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn somebody(expires: i64) -> Identity {
        let claims = json!({"iss": "i", "sub": "s", "exp": expires});
        Identity::from_checked_claims(claims.as_object().unwrap().clone(), "k").unwrap()
    }

    fn cache(entries: u32, bytes: u64) -> Cache {
        Cache::new(entries, bytes, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_verdict_ends_with_its_time_with_the_token_and_with_its_generation() {
        let cache = cache(10, 1 << 20);
        let name = cache.name("token", 0, 1);
        cache.keep(name, 5, &somebody(2000), 1000);
        assert!(cache.get(&name, 1059).is_some());
        assert!(cache.get(&cache.name("token", 0, 2), 1000).is_none(), "another generation");
        assert!(cache.get(&cache.name("token", 1, 1), 1000).is_none(), "another door");
        assert!(cache.get(&cache.name("tokem", 0, 1), 1000).is_none(), "another token");
        assert!(cache.get(&name, 1060).is_none(), "its time is over");
        cache.keep(name, 5, &somebody(1030), 1000);
        assert!(cache.get(&name, 1029).is_some());
        assert!(cache.get(&name, 1030).is_none(), "the token has ended");
        cache.keep(name, 5, &somebody(2000), 1000);
        assert!(
            cache.get(&name, 999).is_none(),
            "the clock was set back: for how long, nobody knows"
        );
        cache.keep(name, 5, &somebody(1000), 1000);
        assert!(cache.is_empty(), "a token that has ended is not kept");
    }

    #[test]
    fn it_is_bounded_in_entries_and_in_bytes() {
        for (entries, bytes, token) in [(100, 1 << 30, 500), (1_000_000, 100 * 3024, 500)] {
            let cache = cache(entries, bytes);
            for number in 0..10_000 {
                let name = cache.name(&number.to_string(), 0, 0);
                cache.keep(name, token, &somebody(2000), 1000);
            }
            assert!((50..=100).contains(&cache.len()), "{}", cache.len());
        }
        let off = cache(0, 1 << 20);
        off.keep(off.name("t", 0, 0), 5, &somebody(2000), 1000);
        assert!(off.is_empty());
    }
}
