//! How fast can somebody guess passwords? A few attempts are free; then each failure doubles the time until the next.
//! A name that nobody has counts like any other, so that nobody learns which names there are.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::Instant;

/// Things that are remembered; each takes some 60 bytes.
const MOST: usize = 100_000;
/// Addresses at which somebody has logged in that are remembered for a name.
const HOMES: usize = 8;

type Name = [u8; 32];

/// What is counted: the name as it was typed, by its hash, because people type their password there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Counted {
    Both(Name, Option<IpAddr>),
    Address(Option<IpAddr>),
    Name(Name),
}

impl Counted {
    /// How many failures are free, and the longest time in seconds that one has to wait then.
    fn limits(self) -> (u32, i64) {
        match self {
            Self::Both(..) => (3, 900),
            Self::Address(_) => (20, 900),
            // nobody may lock somebody else out for long by guessing from everywhere
            Self::Name(_) => (50, 30),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    next: i64,
    forgotten: i64,
}

/// Failed attempts to log in.
#[derive(Debug)]
pub struct Throttle {
    /// Times are counted from here, because somebody may set the clock.
    begun: Instant,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    failures: HashMap<Counted, Failures>,
    /// Where whoever has a name has logged in, the last place last. Only the right password gets anything in here, so strangers
    /// can neither fill it nor push anybody out.
    homes: HashMap<Name, VecDeque<Option<IpAddr>>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { begun: Instant::now(), remembered: Mutex::default() }
    }
}

impl Remembered {
    /// What an attempt counts for. What others do with somebody's name does not keep him out where he has logged in before.
    fn counted(&self, name: &str, address: Option<IpAddr>) -> Vec<Counted> {
        let name = hash(name);
        let mut counted = vec![Counted::Both(name, address), Counted::Address(address)];
        if !self.homes.get(&name).is_some_and(|homes| homes.contains(&address)) {
            counted.push(Counted::Name(name));
        }
        counted
    }
}

fn hash(name: &str) -> Name {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, name.as_bytes()).as_ref());
    hash
}

impl Throttle {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an attempt as failed before it is made, so that many at once do not get through together. A right password
    /// gives it back: [`succeeded`](Self::succeeded).
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn attempt(&self, name: &str, address: Option<IpAddr>) -> Result<(), i64> {
        let now = i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX);
        self.attempt_at(name, address, now)
    }

    fn attempt_at(&self, name: &str, address: Option<IpAddr>, now: i64) -> Result<(), i64> {
        let mut remembered = self.remembered();
        let counted = remembered.counted(name, address);
        let all = &mut remembered.failures;
        let wait =
            counted.iter().filter_map(|one| all.get(one)).map(|failures| failures.next - now);
        if let Some(wait) = wait.max().filter(|wait| *wait > 0) {
            return Err(wait);
        }
        if all.len() + counted.len() > MOST {
            all.retain(|_, failures| failures.forgotten > now);
        }
        while all.len() + counted.len() > MOST {
            // somebody is guessing with a hundred thousand names: whoever would wait the shortest is forgotten
            let Some(least) = all.iter().min_by_key(|(_, failures)| failures.next) else { break };
            let least = *least.0;
            all.remove(&least);
        }
        for one in counted {
            let (free, longest) = one.limits();
            let failures = all.entry(one).or_insert(Failures { count: 0, next: 0, forgotten: 0 });
            if failures.forgotten <= now {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            let doubled = failures.count.checked_sub(free).map_or(0, |over| 1 << over.min(20));
            failures.next = now + longest.min(doubled);
            failures.forgotten = failures.next + 3600;
        }
        Ok(())
    }

    /// Forgets the failures of this name at this address, and gives the others this one back: somebody with an account must not
    /// wipe out by it what he has tried with other names.
    pub fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut remembered = self.remembered();
        for one in remembered.counted(name, address) {
            if let Counted::Both(..) = one {
                remembered.failures.remove(&one);
            } else if let Some(failures) = remembered.failures.get_mut(&one) {
                failures.count = failures.count.saturating_sub(1);
                failures.next = 0;
            }
        }
        let homes = remembered.homes.entry(hash(name)).or_default();
        homes.retain(|home| *home != address);
        homes.push_back(address);
        if homes.len() > HOMES {
            homes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some([10, 0, 0, last].into())
    }

    #[test]
    fn each_failure_after_the_third_doubles_the_time_until_the_next() {
        let throttle = Throttle::default();
        let mut now = 1000;
        for _ in 0..3 {
            assert_eq!(throttle.attempt_at("alice", address(1), now), Ok(()));
        }
        let mut waits = Vec::new();
        while waits.len() < 12 {
            match throttle.attempt_at("alice", address(1), now) {
                Ok(()) => {}
                Err(wait) => {
                    waits.push(wait);
                    now += wait;
                }
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(
            throttle.attempt_at("alice", address(2), now),
            Ok(()),
            "alice herself, elsewhere"
        );
        assert!(throttle.attempt_at("alice", address(1), now).is_ok());
        assert_eq!(throttle.attempt_at("alice", address(1), now + 899), Err(1));
    }

    #[test]
    fn an_address_that_tries_many_names_waits_too_and_an_account_of_ones_own_does_not_help() {
        let throttle = Throttle::default();
        for n in 0..19 {
            assert_eq!(throttle.attempt_at(&format!("name {n}"), address(1), 0), Ok(()), "{n}");
            assert_eq!(throttle.attempt_at("mallory", address(1), 0), Ok(()), "{n}");
            throttle.succeeded("mallory", address(1));
        }
        assert_eq!(throttle.attempt_at("the twentieth", address(1), 0), Ok(()));
        assert_eq!(throttle.attempt_at("another name", address(1), 0), Err(1));
        assert_eq!(throttle.attempt_at("another name", address(2), 0), Ok(()));
    }

    #[test]
    fn whom_many_addresses_guess_at_waits_half_a_minute_at_most() {
        let throttle = Throttle::default();
        for n in 0..200 {
            let _ = throttle.attempt_at("alice", address(n), i64::from(n) * 31);
        }
        assert!(throttle.attempt_at("alice", address(250), 199 * 31 + 30).is_ok());
        assert_eq!(throttle.attempt_at("alice", address(251), 199 * 31 + 31), Err(29));
    }

    #[test]
    fn guesses_from_everywhere_keep_nobody_out_where_he_has_logged_in_before() {
        let throttle = Throttle::default();
        assert_eq!(throttle.attempt_at("alice", address(1), 0), Ok(()));
        throttle.succeeded("alice", address(1));
        for n in 2..=255 {
            let _ = throttle.attempt_at("alice", address(n), 0);
        }
        assert!(throttle.attempt_at("alice", address(77), 0).is_err(), "guesses wait");
        assert_eq!(throttle.attempt_at("alice", address(1), 0), Ok(()), "she does not");
        assert_eq!(throttle.attempt_at("alice", address(1), 0), Ok(()));
        assert_eq!(throttle.attempt_at("alice", address(1), 0), Ok(()));
        assert!(
            throttle.attempt_at("alice", address(1), 0).is_err(),
            "where she is guesses are few"
        );
        for n in 10..18 {
            throttle.succeeded("alice", address(n));
        }
        assert_eq!(throttle.remembered().homes[&hash("alice")].len(), HOMES);
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let throttle = Throttle::default();
        for n in 0..40_000 {
            let from = IpAddr::V4(Ipv4Addr::from_bits(n));
            assert_eq!(throttle.attempt_at(&n.to_string(), Some(from), n.into()), Ok(()));
        }
        assert!(throttle.remembered().failures.len() <= MOST);
    }
}
