#![doc = include_str!("../README.md")]
#![allow(clippy::result_large_err)] // a refusal is an answer, made once for each request

mod admin;
mod app;
pub mod audit;
mod authorize;
mod builder;
mod caller;
pub mod client;
mod config;
mod cookie;
pub mod demo;
mod each;
mod flow;
mod guard;
mod http;
mod introspect;
mod json_file;
mod metadata;
mod pages;
mod passwords;
pub mod people;
pub mod program;
mod prometheus;
mod rate;
pub mod redirect;
mod refused;
pub mod roster;
mod settings;
mod shown;
pub mod signing;
pub mod store;
mod throttle;
mod token;
mod watched;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state, map_response},
    routing::{any, get, post},
};
use common::server::wrong_method;
use mcp_auth::{
    Clock,
    cache::Cache,
    jwks::KeySet,
    jwt::Verifier,
    limits,
    origin::{self, Rule},
};
use tokio::sync::Semaphore;
use tracing::error;

pub use crate::builder::{BuildError, Builder};
use crate::{
    audit::Audit,
    authorize::Offer,
    client::{Client, document::Documents, registered},
    cookie::Cookies,
    demo::Known,
    passwords::Passwords,
    rate::Rates,
    roster::Roster,
    signing::Signer,
    store::Store,
    throttle::Throttle,
};

/// Requests that are answered at a time.
const PLACES: usize = 256;

/// All that the endpoints share.
pub(crate) struct Server {
    issuer: String,
    base: String,
    offer: Offer,
    words: HashMap<String, String>,
    clock: Clock,
    store: Store,
    signer: Signer,
    keys: Arc<KeySet>,
    /// For each resource, whose tokens a resource server asks about again and again.
    verifiers: Vec<(String, Verifier, Cache)>,
    people: Roster,
    demo: &'static [Known],
    clients: HashMap<String, Arc<Client>>,
    documents: Option<Documents>,
    cookies: Cookies,
    audit: Audit,
    throttle: Throttle,
    rates: Option<Rates>,
    proxies: usize,
    knocking: Arc<Rule>,
    access: i64,
    passwords: Arc<Passwords>,
}

impl Server {
    /// What a scope allows, for people.
    fn words<'a>(&'a self, scope: &'a str) -> &'a str {
        self.words.get(scope).map_or(scope, String::as_str)
    }
}

/// An authorization server, as a library.
pub struct AuthorizationServer {
    server: Arc<Server>,
}

impl AuthorizationServer {
    /// A server of this name, which is its URL (S3), for tokens for these resources.
    #[must_use]
    pub fn builder(
        issuer: &str,
        resources: impl IntoIterator<Item = impl Into<String>>,
    ) -> Builder {
        Builder::new(issuer, resources)
    }

    /// All endpoints, at the paths that the metadata names, `/ready`, and at the issuer itself a page that says what it is. Each
    /// request is asked for its `Host` and `Origin`, and counted by the address that `ConnectInfo<SocketAddr>` says; 256 are
    /// answered at a time, and 32 of one address.
    ///
    /// Of an issuer without a path that page is `/`, and merged with a router that has a `/` of its own, `merge` panics: such a
    /// program gives the issuer a path, and its pages are below that.
    pub fn routes(&self) -> Router {
        let Server { base, proxies, knocking, .. } = &*self.server;
        let metadata = get(http::metadata);
        let router = Router::new()
            .route(&format!("/.well-known/oauth-authorization-server{base}"), metadata.clone())
            .route(&format!("{base}/jwks.json"), get(http::jwks))
            .route(&format!("{base}/authorize"), get(flow::authorize))
            .route(&format!("{base}/login"), post(flow::login))
            .route(&format!("{base}/consent"), post(flow::consent))
            .route(&format!("{base}/token"), post(http::token))
            .route(&format!("{base}/introspect"), post(http::introspect))
            .route(&format!("{base}/revoke"), post(http::revoke))
            .route(&format!("{base}/register"), post(registered::register))
            .route(&format!("{base}/register/{{id}}"), any(registered::manage))
            .route(&format!("{base}/"), get(http::front))
            .route("/ready", get(http::ready));
        let router = if base.is_empty() {
            router
        } else {
            router
                .route(base, get(http::front))
                .route(&format!("{base}/.well-known/oauth-authorization-server"), metadata)
        };
        router
            .method_not_allowed_fallback(wrong_method) // here, or a preflight would pass the layers by
            .with_state(self.server.clone())
            .layer(map_response(guard::let_in))
            .layer(from_fn_with_state(knocking.clone(), origin::check))
            .layer(from_fn_with_state(self.server.clone(), guard::knock))
            .layer(from_fn_with_state(self.server.clone(), guard::share))
            .layer(from_fn_with_state(*proxies, caller::remember))
            .layer(from_fn(guard::length))
            .layer(from_fn(http::measure))
            .layer(from_fn_with_state(Arc::new(Semaphore::new(PLACES)), limits::concurrency))
    }

    /// Lets go of the database, when nobody is served any more: what was written stands in its one file then.
    pub async fn close(&self) {
        self.server.store.close().await;
    }

    /// Forgets, every ten minutes, what has ended: expired codes, sessions and tokens, clients that registered themselves and
    /// got no token for 90 days, or none at all for a day. To be run beside the server, for as long as that runs.
    pub fn housekeeping(&self) -> impl Future<Output = ()> + Send + 'static {
        let server = self.server.clone();
        async move {
            loop {
                let now = server.clock.now();
                let (idle, new) = (now - registered::IDLE, now - registered::NEVER_USED);
                let cleaned = match server.store.clean(now).await {
                    Ok(()) => server.store.expire_clients(idle, new).await.map(drop),
                    error => error,
                };
                if let Err(error) = cleaned {
                    error!("what has ended cannot be forgotten: {error}");
                }
                if let Some(rates) = &server.rates {
                    rates.clean();
                }
                tokio::time::sleep(std::time::Duration::from_secs(600)).await;
            }
        }
    }
}
