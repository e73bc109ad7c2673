//! How often may one address ask, and how many times at once? In memory, for each kind of endpoint by itself.

use std::{net::IpAddr, num::NonZeroU32};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock, QuantaInstant},
    state::keyed::HashMapStateStore,
};

use crate::{caller, each::Each, refused::Refused};

/// Addresses that are remembered for each kind; when there are more, those that have not asked for a while are forgotten first.
const MOST: usize = 100_000;
/// Requests of one address that are answered at a time: one of eight places.
const AT_ONCE: usize = 32;

/// The kinds of endpoints, and the requests a minute that one address has, all of which it may send at once.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Pages for people.
    Page,
    /// Tokens, and their revocation.
    Token,
    /// Registration.
    Register,
    /// Introspection, which servers ask for each of their callers.
    Introspect,
    /// Whatever is not let in. Only so many lines of the audit are counted by it.
    Knock,
}

impl Kind {
    /// For the audit.
    pub fn too_many(self) -> &'static str {
        match self {
            Self::Page => "too many pages",
            Self::Token => "too many requests for tokens or to revoke them",
            Self::Register => "too many registrations, or requests about one",
            Self::Introspect => "too many introspections",
            Self::Knock => "too many requests under a foreign name, or from pages of others",
        }
    }
}

type Limiter = RateLimiter<Option<IpAddr>, HashMapStateStore<Option<IpAddr>>, DefaultClock>;

/// All counters.
pub struct Rates {
    kinds: [Limiter; 5],
    /// Addresses of which it was told that they ask too often: once a minute.
    told: Limiter,
    /// How many each address may have answered at a time.
    pub at_once: Each,
}

impl Default for Rates {
    fn default() -> Self {
        let a_minute = |requests| {
            let requests = NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
            RateLimiter::hashmap(Quota::per_minute(requests))
        };
        let kinds = [120, 600, 30, 6000, 10].map(a_minute);
        Self { kinds, told: a_minute(1), at_once: Each::new(AT_ONCE) }
    }
}

impl Rates {
    /// Counts a request of whoever is being answered.
    pub fn count(&self, kind: Kind) -> Result<(), Refused> {
        check(&self.kinds[kind as usize]).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Refused::TooMany { retry_after: wait.as_secs() + 1 }
        })
    }

    /// Is it news that this address asks too often? Once a minute.
    pub fn is_news(&self) -> bool {
        check(&self.told).is_ok()
    }

    /// Forgets who has not asked for a while.
    pub fn clean(&self) {
        for limiter in self.kinds.iter().chain([&self.told]) {
            limiter.retain_recent();
        }
    }
}

fn check(limiter: &Limiter) -> Result<(), NotUntil<QuantaInstant>> {
    if limiter.len() >= MOST {
        limiter.retain_recent();
    }
    limiter.check_key(&caller::household())
}
