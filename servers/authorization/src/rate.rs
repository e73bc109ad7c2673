//! How often may one address ask? In memory, for each kind of endpoint by itself.

use std::{net::IpAddr, num::NonZeroU32};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::keyed::HashMapStateStore,
};

use crate::{caller, refused::Refused};

/// Addresses that are remembered for each kind; when there are more, those that have not asked for a while are forgotten first.
const MOST: usize = 100_000;

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
}

type Limiter = RateLimiter<Option<IpAddr>, HashMapStateStore<Option<IpAddr>>, DefaultClock>;

/// All counters.
pub struct Rates([Limiter; 4]);

impl Default for Rates {
    fn default() -> Self {
        let a_minute = |requests| {
            let requests = NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
            RateLimiter::hashmap(Quota::per_minute(requests))
        };
        Self([a_minute(120), a_minute(600), a_minute(30), a_minute(6000)])
    }
}

impl Rates {
    /// Counts a request of whoever is being answered.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub fn count(&self, kind: Kind) -> Result<(), Refused> {
        let limiter = &self.0[kind as usize];
        if limiter.len() >= MOST {
            limiter.retain_recent();
        }
        limiter.check_key(&caller::household()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Refused::TooMany { retry_after: wait.as_secs() + 1 }
        })
    }

    /// Forgets who has not asked for a while.
    pub fn clean(&self) {
        for limiter in &self.0 {
            limiter.retain_recent();
        }
    }
}
