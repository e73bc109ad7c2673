//! An OAuth 2.1 authorization server that MCP clients can log in to, for development and small teams.
//!
//! [`AuthorizationServer::builder`] makes one that lives in somebody else's program; the binary `authorization` is one by itself.

pub mod authorize;
pub mod client;
mod cookie;
mod flow;
mod http;
mod introspect;
mod metadata;
mod pages;
pub mod people;
pub mod redirect;
pub mod refused;
pub mod settings;
mod signing;
pub mod store;
pub mod token;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    routing::{any, get, post},
};
use mcp_auth::{
    Clock, ScopeSet,
    algorithm::Algorithm,
    issuer::{files::KeyFiles, keys::Alg},
    jwks::{self, KeySet},
    jwt::{Policy, Verifier},
};
use tokio::sync::Semaphore;

use crate::{
    authorize::Offer,
    client::{Client, document::Documents, registered},
    cookie::Cookies,
    people::People,
    signing::Signer,
    store::Store,
};

/// All that the endpoints share.
pub struct Server {
    issuer: String,
    base: String,
    offer: Offer,
    words: HashMap<String, String>,
    clock: Clock,
    store: Store,
    signer: Signer,
    keys: Arc<KeySet>,
    verifiers: Vec<(String, Verifier)>,
    people: Arc<People>,
    demo: Vec<(&'static str, &'static str)>,
    clients: HashMap<String, Arc<Client>>,
    documents: Option<Documents>,
    cookies: Cookies,
    /// Passwords that are checked at a time: each takes a core and 19 MiB for a moment.
    logins: Semaphore,
}

impl Server {
    /// What a scope allows, for people.
    fn words(&self, scope: &str) -> String {
        self.words.get(scope).cloned().unwrap_or_else(|| format!("use {scope}"))
    }
}

/// An authorization server, as a library.
pub struct AuthorizationServer {
    server: Arc<Server>,
}

/// How an authorization server is to be.
pub struct Builder {
    issuer: String,
    resources: Vec<String>,
    scopes: ScopeSet,
    words: HashMap<String, String>,
    clock: Clock,
    alg: Alg,
    people: People,
    demo: Vec<(&'static str, &'static str)>,
    clients: HashMap<String, Client>,
    documents: Option<Documents>,
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
    /// There is nothing that tokens could be for.
    #[error("name at least one resource, the URL of an MCP server, that tokens are for")]
    Resource,
    /// The keys.
    #[error(transparent)]
    Keys(#[from] mcp_auth::issuer::files::FileError),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl AuthorizationServer {
    /// A server of this name, which is its URL (S3), for tokens for these resources.
    #[must_use]
    pub fn builder(
        issuer: &str,
        resources: impl IntoIterator<Item = impl Into<String>>,
    ) -> Builder {
        Builder {
            issuer: issuer.to_owned(),
            resources: resources.into_iter().map(Into::into).collect(),
            scopes: ScopeSet::default(),
            words: HashMap::new(),
            clock: Clock::default(),
            alg: Alg::Es256,
            people: People::default(),
            demo: Vec::new(),
            clients: HashMap::new(),
            documents: None,
        }
    }

    /// All endpoints, at the paths that the metadata names.
    pub fn routes(&self) -> Router {
        let Server { base, keys, .. } = &*self.server;
        let metadata = get(http::metadata);
        let router = Router::new()
            .route(&format!("/.well-known/oauth-authorization-server{base}"), metadata.clone())
            .route(&format!("{base}/authorize"), get(flow::authorize))
            .route(&format!("{base}/login"), post(flow::login))
            .route(&format!("{base}/consent"), post(flow::consent))
            .route(&format!("{base}/token"), post(http::token))
            .route(&format!("{base}/introspect"), post(http::introspect))
            .route(&format!("{base}/revoke"), post(http::revoke))
            .route(&format!("{base}/register"), post(registered::register))
            .route(&format!("{base}/register/{{id}}"), any(registered::manage))
            .route("/ready", get(http::ready));
        let router = if base.is_empty() {
            router
        } else {
            router.route(&format!("{base}/.well-known/oauth-authorization-server"), metadata)
        };
        let keys = get(jwks::publish).with_state(keys.clone());
        router.with_state(self.server.clone()).route(&format!("{base}/jwks.json"), keys)
    }
}

impl Builder {
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

    /// What time it is. Defaults to the system's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The server, with its keys in this folder and its memory in this store.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self, keys: KeyFiles, store: Store) -> Result<AuthorizationServer, BuildError> {
        let Self { issuer, resources, scopes, words, clock, alg, people, demo, clients, documents } =
            self;
        let (is_secure, base) = base(&issuer).ok_or(BuildError::Issuer(issuer.clone()))?;
        if resources.is_empty() {
            return Err(BuildError::Resource);
        }
        let signer = Signer::open(keys, alg)?;
        let keys = KeySet::of_any_kind(signer.jwks(), clock.clone());
        let algorithm = match alg {
            Alg::Rs256 => Algorithm::Rs256,
            Alg::Es256 => Algorithm::Es256,
            Alg::EdDsa => Algorithm::EdDsa,
        };
        let verifier = |resource: &String| {
            let policy = Policy::new(&issuer, resource).algorithms([algorithm]);
            (
                resource.clone(),
                Verifier::with_policy(keys.clone(), policy.leeway(std::time::Duration::ZERO)),
            )
        };
        let verifiers = resources.iter().map(verifier).collect();
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| BuildError::Random)?;
        let server = Server {
            base: base.to_owned(),
            offer: Offer { resources, scopes },
            words,
            clock,
            store,
            signer,
            keys,
            verifiers,
            people: Arc::new(people),
            demo,
            clients: clients.into_iter().map(|(id, client)| (id, Arc::new(client))).collect(),
            documents,
            cookies: Cookies::new(is_secure, &secret),
            logins: Semaphore::new(2),
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
