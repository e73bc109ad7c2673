//! Which keys does the issuer have now? Fetched at the start and every few minutes, and when a token names one that we do not
//! know; kept through an outage.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{counter, gauge};
use serde_json::Value;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore},
    time::Instant,
};
use tracing::{info, warn};

use super::{
    bucket::{Bucket, REFILL},
    discovery,
    http::{FetchError, Http},
};
use crate::{
    jwks::{self, JwksError, Keys},
    verify::VerifyError,
};

/// Callers who may wait for a fetch at a time; the rest is told to come again. The fetch may hang, and a token that names a key
/// that nobody has is easily made: they must not take all the room that a server has.
const WAITING: usize = 128;

/// How long it is believed where the keys are; then the metadata is asked first.
const YOUNG: Duration = Duration::from_secs(60);

/// The keys of one issuer, wherever it is.
pub(super) struct RemoteKeys {
    issuer: String,
    http: Http,
    /// How long keys are used after the last time they could be fetched.
    limit: Duration,
    held: RwLock<Option<Held>>,
    bucket: Mutex<Bucket>,
    /// How many fetches have begun.
    begun: AtomicU64,
    /// One at a time; whoever waits for one that began after he looked shares what it finds.
    fetches: Arc<AsyncMutex<Fetches>>,
    /// Places to wait in, for strangers too: fewer than a server has for all.
    waiting: Semaphore,
}

/// Keys that were fetched.
#[derive(Clone)]
struct Held {
    keys: Arc<Keys>,
    document: Arc<[u8]>,
    fetched: Instant,
    /// How often they have changed.
    generation: u64,
}

#[derive(Default)]
struct Fetches {
    /// Did the last one succeed?
    is_good: bool,
    /// Where the keys are, and when the metadata said so.
    address: Option<(String, Instant)>,
}

impl RemoteKeys {
    pub(super) fn new(issuer: String, http: Http, limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            http,
            limit,
            held: RwLock::default(),
            bucket: Mutex::new(Bucket::new(Instant::now())),
            begun: AtomicU64::new(0),
            fetches: Arc::default(),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// With these keys, as if they had been fetched just now.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn holding(keys: Arc<Keys>) -> Result<Arc<Self>, reqwest::Error> {
        let time = Duration::from_secs(60);
        let http = Http::new(None, None, None, time)?;
        let this = Self::new("https://login.example.com".into(), http, time);
        let held = Held { keys, document: Arc::default(), fetched: Instant::now(), generation: 1 };
        *this.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(this)
    }

    /// How often the keys have changed.
    pub(super) fn generation(&self) -> u64 {
        self.held().map_or(0, |held| held.generation)
    }

    /// How long ago the keys were fetched; `None` when there are none that may be used.
    pub(super) fn age(&self) -> Option<Duration> {
        let held = self.usable().ok().filter(|held| !held.keys.is_empty());
        held.map(|held| held.fetched.elapsed())
    }

    /// The keys that may be used, with the one of this name among them if the issuer has it.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when that cannot be told.
    pub(super) async fn knowing(
        self: &Arc<Self>,
        kid: &str,
        now: i64,
    ) -> Result<Arc<Keys>, VerifyError> {
        let begun = self.begun.load(Ordering::SeqCst);
        let is_known = |held: &Held| held.keys.choose(kid, now).is_some();
        let held = self.usable()?;
        if is_known(&held) {
            return Ok(held.keys);
        }
        let _place = self.waiting.try_acquire().map_err(|_| unavailable())?;
        let fetches = self.fetches.clone().lock_owned().await;
        let held = self.usable()?;
        if is_known(&held) {
            return Ok(held.keys);
        }
        if self.begun.load(Ordering::SeqCst) != begun {
            return if fetches.is_good { Ok(held.keys) } else { Err(unavailable()) };
        }
        if !self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()) {
            // shortly after a good fetch, a key that is not there is one that nobody has
            let is_fresh = held.fetched.elapsed() < REFILL;
            return if is_fresh { Ok(held.keys) } else { Err(unavailable()) };
        }
        info!("a token names a key that is not known: asking {} for its keys", self.issuer);
        match self.fetch(fetches).await {
            Ok(()) => Ok(self.usable()?.keys),
            Err(_) => Err(unavailable()),
        }
    }

    /// Fetches the keys, when nobody else does.
    ///
    /// # Errors
    /// Why there are none; the last ones stay in use.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), FetchError> {
        let fetches = self.fetches.clone().lock_owned().await;
        self.fetch(fetches).await
    }

    /// In a task of its own, which ends whether or not somebody still waits for it: or whoever hangs up would
    /// make us begin again.
    async fn fetch(
        self: &Arc<Self>,
        mut fetches: OwnedMutexGuard<Fetches>,
    ) -> Result<(), FetchError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let keys = self.clone();
        let task = tokio::spawn(async move {
            let fetched = keys.ask(&mut fetches).await;
            fetches.is_good = fetched.is_ok();
            let result = if fetches.is_good { "ok" } else { "failed" };
            let issuer = keys.issuer.clone();
            counter!("mcp_auth_key_fetches_total", "issuer" => issuer, "result" => result)
                .increment(1);
            if let Err(error) = &fetched {
                warn!("the keys of {} could not be fetched: {error}", keys.issuer);
            }
            fetched
        });
        task.await.unwrap_or_else(|error| {
            Err(FetchError::Malformed { url: self.issuer.clone(), why: error.to_string() })
        })
    }

    async fn ask(&self, fetches: &mut Fetches) -> Result<(), FetchError> {
        let last = fetches.address.take();
        let is_young = last.as_ref().is_some_and(|(_, read)| read.elapsed() < YOUNG);
        if let Some((address, _)) = &last
            && is_young
            && self.ask_at(address).await.is_ok()
        {
            fetches.address = last;
            return Ok(());
        }
        // they may have moved, and who has left an address does not answer for what stands there
        let found = match (discovery::keys_of(&self.issuer, &self.http).await, last) {
            (Ok(address), _) => (address, Instant::now()),
            (Err(_), Some(last)) if !is_young => last,
            (Err(error), _) => return Err(error),
        };
        self.ask_at(&found.0).await?;
        fetches.address = Some(found);
        Ok(())
    }

    async fn ask_at(&self, address: &str) -> Result<(), FetchError> {
        let document = self.http.get(address).await?;
        let last = self.held();
        let mut held = match last {
            // nothing new: and nothing to say again about the keys that are passed over
            Some(last) if is_same(&last.document, &document) => last,
            last => {
                let keys = match jwks::parse_foreign(&document) {
                    Ok(keys) => keys,
                    // to take keys back is no outage: they must not open anything from now on
                    Err(JwksError::Empty) if last.is_some() => Keys::default(),
                    Err(error) => {
                        let (url, why) = (address.to_owned(), error.to_string());
                        return Err(FetchError::Malformed { url, why });
                    }
                };
                info!("the keys of {} are here: {}", self.issuer, keys.len());
                let generation = last.map_or(0, |last| last.generation) + 1;
                let (keys, document) = (Arc::new(keys), document.into());
                Held { keys, document, fetched: Instant::now(), generation }
            }
        };
        held.fetched = Instant::now();
        let fetched = gauge!("mcp_auth_keys_fetched_seconds", "issuer" => self.issuer.clone());
        fetched.set(crate::Clock::default().now() as f64);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(())
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn usable(&self) -> Result<Held, VerifyError> {
        self.held().filter(|held| held.fetched.elapsed() < self.limit).ok_or_else(unavailable)
    }
}

/// Do these documents hold the same keys? Their order says nothing, and Keycloak's is another one from call to call.
fn is_same(last: &[u8], new: &[u8]) -> bool {
    let sorted = |document: &[u8]| {
        let document: Value = serde_json::from_slice(document).ok()?;
        let mut keys: Vec<_> = document["keys"].as_array()?.iter().map(Value::to_string).collect();
        keys.sort_unstable();
        Some(keys)
    };
    last == new || sorted(last).is_some_and(|last| Some(last) == sorted(new))
}

fn unavailable() -> VerifyError {
    VerifyError::Unavailable { retry_after: Duration::from_secs(5) }
}
