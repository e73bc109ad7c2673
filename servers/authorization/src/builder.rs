//! How is a server put together, and which one is not built?

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::error::Unspecified;
use mcp_auth::{
    Clock, ScopeSet,
    algorithm::Algorithm,
    cache::Cache,
    issuer::{
        files::{FileError, KeyFiles},
        keys::Alg,
    },
    jwks::KeySet,
    jwt::{Policy, Verifier},
    origin::{Origins, Rule},
};

use crate::{
    AuthorizationServer, Server,
    audit::Audit,
    authorize::Offer,
    caller::Proxies,
    client::{Client, document::Documents},
    cookie::Cookies,
    people::People,
    rate::Rates,
    redirect,
    roster::Roster,
    signing::{self, Signer},
    store::{Store, StoreError},
    throttle::Throttle,
    token,
};

/// Verdicts on signatures of tokens that are kept for each resource, and about how many bytes they may take.
const VERDICTS: u32 = 2_000;
const VERDICTS_BYTES: u64 = 8 << 20;

/// How an authorization server is to be.
pub struct Builder {
    issuer: String,
    resources: Vec<String>,
    scopes: ScopeSet,
    words: HashMap<String, String>,
    clock: Clock,
    alg: Alg,
    people: Roster,
    demo: Vec<(&'static str, &'static str)>,
    clients: HashMap<String, Client>,
    documents: Option<Documents>,
    hosts: Vec<String>,
    audit: Audit,
    rates: Option<Rates>,
    proxies: Proxies,
    access: i64,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer is not a URL that can be one.
    #[error(
        "an issuer is https:// or http://, a host and perhaps a path, without a slash at the end, query and fragment, not {0:?}"
    )]
    Issuer(String),
    /// A name of something that tokens are for cannot be one.
    #[error(
        "a resource is the https:// URL of an MCP server (http:// on this machine), without user, query and fragment, not {0:?}"
    )]
    ResourceName(String),
    /// There is nothing that tokens could be for.
    #[error(
        "name at least one resource, the URL of an MCP server, that tokens are for (--resource URL)"
    )]
    Resource,
    /// The keys.
    #[error("{}", signing::why(.0))]
    Keys(FileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system.
    #[error("the system has no random numbers")]
    NoRandomness(#[from] Unspecified),
}

impl Builder {
    pub(crate) fn new(
        issuer: &str,
        resources: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            issuer: issuer.to_owned(),
            resources: resources.into_iter().map(Into::into).collect(),
            scopes: ScopeSet::default(),
            words: HashMap::new(),
            clock: Clock::default(),
            alg: Alg::Es256,
            people: Roster::fixed(People::default()),
            demo: Vec::new(),
            clients: HashMap::new(),
            documents: None,
            hosts: Vec::new(),
            audit: Audit::default(),
            rates: Some(Rates::default()),
            proxies: 0,
            access: token::ACCESS,
        }
    }

    /// A scope, and what it allows in words that end the sentence "It could then …".
    #[must_use]
    pub fn scope(mut self, name: &str, words: &str) -> Self {
        self.scopes.extend([name.to_owned()]);
        self.words.insert(name.to_owned(), words.to_owned());
        self
    }

    /// Who can log in.
    #[must_use]
    pub fn people(self, people: People) -> Self {
        self.roster(Roster::fixed(people))
    }

    /// Who can log in, where that may change.
    #[must_use]
    pub fn roster(self, people: Roster) -> Self {
        Self { people, ..self }
    }

    /// People whose passwords the login page shows: for development.
    #[must_use]
    pub fn demo(self, demo: Vec<(&'static str, &'static str)>) -> Self {
        Self { demo, ..self }
    }

    /// Clients that are known beforehand.
    #[must_use]
    pub fn clients(self, clients: HashMap<String, Client>) -> Self {
        Self { clients, ..self }
    }

    /// Clients that are documents (CIMD). Defaults to none.
    #[must_use]
    pub fn documents(self, documents: Documents) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// What access tokens are signed with. Defaults to ES256.
    #[must_use]
    pub fn algorithm(self, alg: Alg) -> Self {
        Self { alg, ..self }
    }

    /// Names beside that of the issuer by which this server may be called, as they stand in `Host`.
    #[must_use]
    pub fn hosts(self, hosts: Vec<String>) -> Self {
        Self { hosts, ..self }
    }

    /// Where decisions are written down. Defaults to the log.
    #[must_use]
    pub fn audit(self, audit: Audit) -> Self {
        Self { audit, ..self }
    }

    /// Counts no requests per address: for measurements, or where something in front of this server counts. Attempts to log in
    /// are counted all the same.
    #[must_use]
    pub fn without_rates(self) -> Self {
        Self { rates: None, ..self }
    }

    /// How many proxies in front of this server add to `X-Forwarded-For`. Defaults to none, and the header is not read.
    #[must_use]
    pub fn proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Seconds that an access token is good for. Defaults to 300.
    #[must_use]
    pub fn access_tokens_last(self, seconds: i64) -> Self {
        Self { access: seconds, ..self }
    }

    /// What time it is. Defaults to the system's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The server, with its keys in this folder and its memory in this store.
    ///
    /// # Errors
    /// [`BuildError`].
    pub async fn build(
        self,
        keys: KeyFiles,
        store: Store,
    ) -> Result<AuthorizationServer, BuildError> {
        let Self { issuer, resources, scopes, words, clock, alg, people, demo, clients, .. } = self;
        let Self { documents, mut hosts, audit, rates, proxies, access, .. } = self;
        let (is_secure, base) = base(&issuer).ok_or(BuildError::Issuer(issuer.clone()))?;
        if resources.is_empty() {
            return Err(BuildError::Resource);
        }
        if let Some(bad) = resources.iter().find(|resource| !redirect::is_resource(resource)) {
            return Err(BuildError::ResourceName(bad.clone()));
        }
        let signer = Signer::open(keys, alg, clock.clone()).map_err(BuildError::Keys)?;
        let keys = KeySet::of_any_kind(signer.jwks(), clock.clone());
        // a key of before may be of another kind, and what it has signed is good until it ends
        let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
        let origin = issuer.strip_suffix(base).unwrap_or(&issuer).to_owned();
        hosts.extend(origin.split_once("://").map(|(_, host)| host.to_owned()));
        let mut knocking = Rule::new(hosts, origin, &Origins::default());
        for public in
            ["/.well-known/", "/jwks.json", "/token", "/revoke", "/register", "/register/"]
        {
            knocking = knocking.public(format!("{base}{public}"));
        }
        for form in ["/login", "/consent"] {
            knocking = knocking.form(format!("{base}{form}"));
        }
        let verifier = |resource: &String| {
            let policy = Policy::new(&issuer, resource).algorithms(algorithms);
            let verifier = Verifier::with_policy(keys.clone(), policy.leeway(Duration::ZERO));
            let cache = Cache::new(VERDICTS, VERDICTS_BYTES, Duration::from_secs(60))?;
            Ok((resource.clone(), verifier, cache))
        };
        let verifiers = resources.iter().map(verifier).collect::<Result<_, Unspecified>>()?;
        let secret = store.secret("forms").await?;
        let server = Server {
            base: base.to_owned(),
            offer: Offer { resources, scopes },
            words,
            clock,
            store,
            signer,
            keys,
            verifiers,
            people,
            demo,
            clients: clients.into_iter().map(|(id, client)| (id, Arc::new(client))).collect(),
            documents,
            cookies: Cookies::new(is_secure, &secret),
            audit,
            throttle: Throttle::default(),
            rates,
            proxies,
            knocking,
            access,
            passwords: Arc::default(),
            issuer,
        };
        Ok(AuthorizationServer { server: Arc::new(server) })
    }
}

/// Is it https, and which path has it?
fn base(issuer: &str) -> Option<(bool, &str)> {
    let (is_secure, rest) = match issuer.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, issuer.strip_prefix("http://")?),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_good = !authority.is_empty()
        && !issuer.ends_with('/')
        && issuer.bytes().all(|b| b.is_ascii_alphanumeric() || b":/-._~[]".contains(&b));
    is_good.then_some((is_secure, path))
}
