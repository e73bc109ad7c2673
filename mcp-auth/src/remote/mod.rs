//! Whose tokens are these? Those of an issuer elsewhere: its metadata and keys are found, fetched, and kept up to date.

mod bucket;
mod discovery;
mod http;
mod keys;

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use reqwest::{Proxy, Url, tls::Certificate};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

pub use self::http::FetchError;
use self::{http::Http, keys::RemoteKeys};
use crate::{
    Identity,
    gate::Gate,
    jwt::Policy,
    refusal,
    unverified::Unverified,
    verify::{Verdict, Verify, VerifyError},
};

/// How an issuer is reached.
///
/// ```no_run
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// use mcp_auth::{jwt::Policy, remote::Remote};
/// let (issuer, resource) = ("https://login.example.com/realms/mcp", "https://mcp.example.com/mcp");
/// let verifier = Remote::new(Policy::new(issuer, resource)).connect().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Remote {
    policy: Policy,
    inside: Option<Url>,
    authorities: Option<Vec<Certificate>>,
    proxy: Option<Proxy>,
    refresh: Duration,
    outage: Duration,
    timeout: Duration,
    wait: Duration,
}

/// Why there is no connection to an issuer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting cannot work.
    #[error("{0}")]
    Setting(String),
    /// It did not answer, or not as an issuer does, for all of the time that there was.
    #[error("{issuer} gave no keys within {} s: {why}", waited.as_secs())]
    Issuer {
        /// Whom we waited for.
        issuer: String,
        /// For how long.
        waited: Duration,
        /// What happened last.
        why: FetchError,
    },
}

impl Remote {
    /// The issuer of this policy, found by its name, over https or on this machine. Keys are fetched every 5 minutes and used for 24
    /// hours after the last time that this succeeded; a fetch takes at most 5 s; the start waits for the issuer for 60 s.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            inside: None,
            authorities: None,
            proxy: None,
            refresh: Duration::from_secs(300),
            outage: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(5),
            wait: Duration::from_secs(60),
        }
    }

    /// Reaches the issuer at another origin than that of its name, as from inside of a cluster; plain http is allowed here, as
    /// the operator answers for what is in between. Everything is fetched from there; its name stays what it is.
    ///
    /// # Errors
    /// [`ConnectError::Setting`] when this is no http or https URL, or has a path that is not that of the issuer.
    pub fn internal_url(self, url: &str) -> Result<Self, ConnectError> {
        let wrong = |why: &str| ConnectError::Setting(format!("the internal URL {url:?} {why}"));
        let inside = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(inside.scheme(), "http" | "https") || !inside.username().is_empty() {
            return Err(wrong("is not http:// or https://, a host and if needed a port"));
        }
        let path = Url::parse(self.policy.issuer()).map(|issuer| issuer.path().to_owned());
        let is_known =
            |known: &str| inside.path().trim_end_matches('/') == known.trim_end_matches('/');
        if !is_known("") && !path.is_ok_and(|path| is_known(&path)) {
            return Err(wrong(
                "has another path than the issuer; its origin is all that is needed",
            ));
        }
        Ok(Self { inside: Some(inside), ..self })
    }

    /// Trusts the certificate authorities in this PEM text, and no others.
    ///
    /// # Errors
    /// [`ConnectError::Setting`] when there is no certificate in it.
    pub fn authorities(self, pem: &[u8]) -> Result<Self, ConnectError> {
        let found = Certificate::from_pem_bundle(pem).ok().filter(|found| !found.is_empty());
        let found = found.ok_or_else(|| {
            ConnectError::Setting("there is no certificate in PEM among the authorities".into())
        })?;
        Ok(Self { authorities: Some(found), ..self })
    }

    /// Goes through this proxy. Defaults to what the environment says (`HTTPS_PROXY`, `NO_PROXY`), and to none for what is on
    /// this machine.
    ///
    /// # Errors
    /// [`ConnectError::Setting`] when this is no URL of a proxy.
    pub fn proxy(self, url: &str) -> Result<Self, ConnectError> {
        let proxy = Proxy::all(url)
            .map_err(|_| ConnectError::Setting(format!("{url:?} is not the URL of a proxy")))?;
        Ok(Self { proxy: Some(proxy), ..self })
    }

    /// How often the keys are fetched, at most once a second. Defaults to 5 minutes.
    #[must_use]
    pub fn refresh(self, every: Duration) -> Self {
        Self { refresh: every.max(Duration::from_secs(1)), ..self }
    }

    /// How long keys are used after the last time they could be fetched. Defaults to 24 hours.
    #[must_use]
    pub fn outage(self, limit: Duration) -> Self {
        Self { outage: limit, ..self }
    }

    /// How long one fetch may take. Defaults to 5 s.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        Self { timeout: time, ..self }
    }

    /// How long the start waits for the issuer. Defaults to 60 s.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Fetches the keys, waits for the issuer if need be, and says in the log whom it waits for. From then on keys are kept up to date until the
    /// last clone of the verifier is dropped. Needs tokio's runtime.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(self) -> Result<RemoteVerifier, ConnectError> {
        let Self { policy, inside, authorities, proxy, refresh, outage, timeout, wait } = self;
        let http = Http::new(inside, authorities, proxy, timeout)
            .map_err(|error| ConnectError::Setting(error.to_string()))?;
        // what no answer can mend is not waited for
        discovery::addresses(policy.issuer())
            .and_then(|all| all.iter().try_for_each(|address| http.place(address).map(drop)))
            .map_err(|error| ConnectError::Setting(error.to_string()))?;
        let keys = RemoteKeys::new(policy.issuer().to_owned(), http, outage);
        let begun = Instant::now();
        let mut pause = Duration::from_millis(250);
        while let Err(why) = keys.refresh().await {
            if begun.elapsed() + pause >= wait {
                let (issuer, waited) = (policy.issuer().to_owned(), begun.elapsed());
                return Err(ConnectError::Issuer { issuer, waited, why });
            }
            info!("waiting for {}, at most {} s", policy.issuer(), wait.as_secs());
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        tokio::spawn(keep_up_to_date(Arc::downgrade(&keys), refresh));
        Ok(RemoteVerifier { policy: Arc::new(policy), keys, gate: Arc::default() })
    }
}

async fn keep_up_to_date(keys: Weak<RemoteKeys>, every: Duration) {
    loop {
        sleep(every).await;
        let Some(keys) = keys.upgrade() else { return };
        let _ = keys.refresh().await; // why not is in the log
        if keys.age().is_none() {
            warn!("there are no keys left that may be used");
        }
    }
}

/// Checks tokens with keys that are fetched. Cheap to clone.
#[derive(Clone)]
pub struct RemoteVerifier {
    policy: Arc<Policy>,
    keys: Arc<RemoteKeys>,
    pub(crate) gate: Arc<Gate>,
}

impl RemoteVerifier {
    /// Whose tokens it takes.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.policy.issuer()
    }

    /// How many signatures are checked at a time; some hundreds may wait, more are told to come again. Defaults to half
    /// of the cores.
    #[must_use]
    pub fn at_a_time(self, checks: usize) -> Self {
        Self { gate: Arc::new(Gate::new(checks)), ..self }
    }

    /// How long ago the keys were fetched; `None` when there are none that may be used.
    #[must_use]
    pub fn key_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    /// One that has these keys and never fetches others.
    #[cfg(all(test, feature = "testing"))]
    pub(crate) fn holding(
        policy: Policy,
        keys: Arc<crate::jwks::Keys>,
    ) -> Result<Self, reqwest::Error> {
        let (policy, keys) = (Arc::new(policy), RemoteKeys::holding(keys)?);
        Ok(Self { policy, keys, gate: Arc::default() })
    }

    async fn check(&self, token: &str, now: i64) -> Result<Identity, VerifyError> {
        let token = Unverified::parse(token)?;
        let (kid, algorithm) = self.policy.check(&token, now)?;
        let keys = self.keys.knowing(kid, now).await?;
        let key = keys.choose(kid, now);
        Ok(self.gate.through(|| self.policy.identify(token, algorithm, key)).await??)
    }
}

impl Verify for RemoteVerifier {
    fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a> {
        Box::pin(self.check(token, now))
    }

    fn generation(&self) -> u64 {
        self.keys.generation()
    }
}

impl fmt::Debug for RemoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteVerifier").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

/// `GET /ready`: 200 while there are keys that may be used, with their age in seconds, during an outage too; else 503.
pub async fn ready(State(verifier): State<RemoteVerifier>) -> Response {
    match verifier.key_age() {
        Some(age) => Json(json!({"status": "ready", "key_age": age.as_secs()})).into_response(),
        None => {
            let text = "there are no keys of the issuer that may be used";
            refusal::unavailable(Duration::from_secs(5), text)
        }
    }
}
