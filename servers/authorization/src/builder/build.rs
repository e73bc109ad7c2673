//! How is a server put together, and which one is not built?

use std::{sync::Arc, time::Duration};

use mcp_auth::{
    NoRandomness,
    algorithm::Algorithm,
    cache::Cache,
    issuer::files::{FileError, KeyFiles},
    jwks::KeySet,
    jwt::{Policy, Verifier},
    origin::{Origins, Rule},
};

use super::Builder;
use crate::{
    AuthorizationServer, Server,
    authorize::Offer,
    cookie::Cookies,
    redirect,
    signing::{self, Signer},
    store::{Store, StoreError},
    throttle::Throttle,
};

/// Verdicts on signatures of tokens that are kept for each resource, and about how many bytes they may take.
const VERDICTS: u32 = 2_000;
const VERDICTS_BYTES: u64 = 8 << 20;

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
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl Builder {
    /// The server, with its keys in this folder and its memory in this store.
    ///
    /// # Errors
    /// [`BuildError`].
    pub async fn build(
        self,
        keys: KeyFiles,
        store: Store,
    ) -> Result<AuthorizationServer, BuildError> {
        let issuer = self.issuer;
        let (is_secure, base) = base(&issuer).ok_or(BuildError::Issuer(issuer.clone()))?;
        if self.resources.is_empty() {
            return Err(BuildError::Resource);
        }
        if let Some(bad) = self.resources.iter().find(|resource| !redirect::is_resource(resource)) {
            return Err(BuildError::ResourceName(bad.clone()));
        }
        let signer = Signer::open(keys, self.alg, self.clock.clone()).map_err(BuildError::Keys)?;
        let keys = KeySet::of_any_kind(signer.jwks(), self.clock.clone());
        // a key of before may be of another kind, and what it has signed is good until it ends
        let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
        let verifier = |resource: &String| {
            let policy = Policy::new(&issuer, resource).algorithms(algorithms);
            let verifier = Verifier::with_policy(keys.clone(), policy.leeway(Duration::ZERO));
            let cache = Cache::new(VERDICTS, VERDICTS_BYTES, Duration::from_secs(60))?;
            Ok((resource.clone(), verifier, cache))
        };
        let verifiers = self.resources.iter().map(verifier).collect::<Result<_, NoRandomness>>()?;
        let scopes = self.scopes.keys().map(String::as_str).collect();
        let secret = store.secret("forms").await?;
        let server = Server {
            base: base.to_owned(),
            offer: Offer { resources: self.resources, scopes },
            words: self.scopes,
            clock: self.clock,
            store,
            signer,
            keys,
            verifiers,
            people: self.people,
            demo: self.demo,
            clients: self.clients.into_iter().map(|(id, one)| (id, Arc::new(one))).collect(),
            documents: self.documents,
            cookies: Cookies::new(is_secure, &secret),
            audit: self.audit,
            throttle: Throttle::default(),
            rates: self.rates,
            proxies: self.proxies,
            knocking: knocking(&issuer, base, self.hosts),
            access: self.access,
            passwords: Arc::default(),
            issuer,
        };
        Ok(AuthorizationServer { server: Arc::new(server) })
    }
}

/// Who may knock where, at an issuer that has this path and these names beside its own?
fn knocking(issuer: &str, base: &str, mut hosts: Vec<String>) -> Arc<Rule> {
    let origin = issuer.strip_suffix(base).unwrap_or(issuer);
    hosts.extend(origin.split_once("://").map(|(_, host)| host.to_owned()));
    let mut rule = Rule::new(hosts, origin.to_owned(), &Origins::default());
    for public in ["/.well-known/", "/jwks.json", "/token", "/revoke", "/register", "/register/"] {
        rule = rule.public(format!("{base}{public}"));
    }
    for form in ["/login", "/consent"] {
        rule = rule.form(format!("{base}{form}"));
    }
    rule
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
