//! How many signatures are checked at a time? Fewer than there are cores, so that a flood of bad ones leaves room for
//! callers whose token is known already.

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::verify::VerifyError;

/// Checks that may wait for their turn.
const QUEUE: usize = 512;

/// Checks one after the other before whoever waits for nothing comes first again. With one alone, who is new would wait as often as
/// there are others who are new, each time for all who are known.
const IN_A_ROW: usize = 8;

/// Lets so many through at a time; some more may wait, and the rest is told to come again.
pub(crate) struct Gate {
    turns: Semaphore,
    checks: AtomicUsize,
    queue: Semaphore,
}

impl Default for Gate {
    /// Half of the cores, at least one.
    fn default() -> Self {
        Self::new(thread::available_parallelism().map_or(1, NonZero::get) / 2)
    }
}

impl Gate {
    pub(crate) fn new(at_a_time: usize) -> Self {
        let turns = at_a_time.max(1);
        Self {
            turns: Semaphore::new(turns),
            checks: AtomicUsize::new(0),
            queue: Semaphore::new(QUEUE.saturating_add(turns)),
        }
    }

    /// Does this when its turn has come.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`], at once, when too many wait already.
    pub(crate) async fn through<R>(&self, check: impl FnOnce() -> R) -> Result<R, VerifyError> {
        let busy = VerifyError::Unavailable { retry_after: Duration::from_secs(1) };
        let _place = self.queue.try_acquire().map_err(|_| busy.clone())?;
        let _turn = self.turns.acquire().await.map_err(|_| busy)?;
        // on one core, turns alone would let the whole queue through in one go
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(IN_A_ROW) {
            tokio::task::yield_now().await;
        }
        Ok(check())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_is_let_through_some_wait_and_the_rest_is_sent_away() {
        let (gate, barrier) = (Arc::new(Gate::new(1)), Arc::new(Barrier::new(2)));
        let checks = |gate: Arc<Gate>, barrier: Option<Arc<Barrier>>| async move {
            gate.through(|| barrier.map(|barrier| barrier.wait())).await.is_ok()
        };
        let first = tokio::spawn(checks(gate.clone(), Some(barrier.clone())));
        let is_in = async {
            while gate.turns.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
        };
        is_in.await;
        let waiting: Vec<_> =
            (0..QUEUE).map(|_| tokio::spawn(checks(gate.clone(), None))).collect();
        while gate.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        assert!(!checks(gate.clone(), None).await, "one too many");
        barrier.wait();
        assert!(first.await.unwrap());
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }
        assert!(checks(gate, None).await);
    }

    /// What is refused without its signature needs no turn.
    #[cfg(all(feature = "remote", feature = "testing"))]
    #[tokio::test]
    async fn a_signature_is_checked_when_its_turn_has_come_and_nothing_else_waits() {
        use crate::{
            Cause,
            jwt::{Policy, Verifier},
            remote::RemoteVerifier,
            testing::Issuer,
            verify::Verify,
        };
        let (name, audience) = ("https://login.example.com", "https://mcp.example.com/mcp");
        let issuer = Issuer::new(name, audience).unwrap();
        let policy = Policy::new(name, audience);
        let local = Verifier::with_policy(issuer.key_set(), policy.clone()).at_a_time(3);
        let keys = issuer.key_set().current().unwrap();
        let remote = RemoteVerifier::holding(policy, keys).unwrap().at_a_time(3);
        let now = issuer.clock().now();
        let good = issuer.token("alice").mint().unwrap();
        let bad = |kind: &str| issuer.token("a").bad(kind.parse().unwrap()).mint().unwrap();
        let gates = [local.gate.clone(), remote.gate.clone()];
        let verifiers: [&dyn Verify; 2] = [&local, &remote];
        for (gate, verifier) in gates.iter().zip(verifiers) {
            assert_eq!(gate.turns.available_permits(), 3);
            assert!(verifier.verify(&good, now).await.is_ok());
            gate.turns.close(); // nobody's turn comes
            for token in [&good, &bad("claims-changed")] {
                let answer = verifier.verify(token, now).await;
                assert!(matches!(answer, Err(VerifyError::Unavailable { .. })), "{answer:?}");
            }
            for (kind, cause) in [
                ("opaque", Cause::Malformed("there are not three parts")),
                ("alg-none", Cause::Algorithm),
                ("typ-id", Cause::Type("header")),
                ("iss-other", Cause::Issuer),
                ("aud-other", Cause::Audience),
                ("expired", Cause::Expired),
            ] {
                let answer = verifier.verify(&bad(kind), now).await;
                assert_eq!(answer.unwrap_err(), VerifyError::Invalid(cause), "{kind}");
            }
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_nothing_comes_before_the_queue() {
        let (gate, checked) = (Arc::new(Gate::new(1)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let (gate, checked) = (gate.clone(), checked.clone());
            tokio::spawn(
                async move { gate.through(|| checked.fetch_add(1, Ordering::Relaxed)).await },
            );
        }
        let before_me = tokio::spawn(async move { checked.load(Ordering::Relaxed) }).await.unwrap();
        assert!(before_me <= IN_A_ROW, "{before_me} signatures were checked first");
    }

    #[tokio::test]
    async fn whoever_is_new_does_not_wait_for_all_who_are_known_as_often_as_others_are_new() {
        const NEW: usize = 80;
        let (gate, passes) = (Arc::new(Gate::new(1)), Arc::new(AtomicUsize::new(0)));
        let counted = passes.clone();
        let known = tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed); // once in each pass over all who can go on
                tokio::task::yield_now().await;
            }
        });
        let new: Vec<_> = (0..NEW)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.through(|| ()).await.is_ok() })
            })
            .collect();
        for new in new {
            assert!(new.await.unwrap());
        }
        known.abort();
        let passes = passes.load(Ordering::Relaxed);
        assert!(passes <= NEW / 2, "{passes} passes for {NEW} who are new");
    }
}
