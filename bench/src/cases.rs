//! The hot functions, each ready to be called: for the clock of Criterion and for the counter of Callgrind alike.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, Request, Response, StatusCode, Uri, header},
};
use mcp_auth::{
    Clock, Identity,
    algorithm::Algorithm,
    call::{Decide as _, Operation},
    issuer::keys::{Alg, SigningKey},
    jwks::{KeySet, parse_foreign},
    jwt::{Policy, Verifier},
    layer::Auth,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::{Layer as _, Service as _, service_fn};

use crate::{
    inside::{cache::Cache, envelope::Envelope},
    servers,
    tokens::{ISSUER, RESOURCE, claims, forged, now},
};

/// The message of a client of the current revision that calls a tool.
pub const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Keys and tokens, which a process can make and another one read.
#[derive(Serialize, Deserialize)]
pub struct Material {
    now: i64,
    keys: String,
    /// Signed RS256.
    pub good: String,
    /// Signed ES256.
    pub good_es256: String,
    /// For another server.
    pub wrong_audience: String,
    /// With an algorithm that is not taken.
    pub wrong_algorithm: String,
    /// With the signature of another token.
    pub bad_signature: String,
}

impl Material {
    /// New keys, and tokens signed with them.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn new() -> anyhow::Result<Self> {
        let ours = SigningKey::generate(Alg::Rs256, 2048)?;
        let es256 = SigningKey::generate(Alg::Es256, 0)?;
        let now = now()?;
        let (good, foreign) =
            (claims(1, RESOURCE, now), claims(1, "https://other.example.com/mcp", now));
        let good_token = ours.token("at+jwt", &good)?;
        Ok(Self {
            now: i64::try_from(now)?,
            keys: json!({"keys": [ours.jwk()?, es256.jwk()?]}).to_string(),
            good_es256: es256.token("at+jwt", &good)?,
            wrong_audience: ours.token("at+jwt", &foreign)?,
            // {"alg":"none"}
            wrong_algorithm: good_token
                .split_once('.')
                .map(|(_, rest)| format!("eyJhbGciOiJub25lIn0.{rest}"))
                .unwrap_or_default(),
            bad_signature: forged(&ours, 1, now)?,
            good: good_token,
        })
    }

    /// A verifier that takes RS256 and ES256.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn verifier(&self) -> anyhow::Result<Verifier> {
        let keys = KeySet::fixed(parse_foreign(self.keys.as_bytes())?, Clock::default());
        let policy = Policy::new(ISSUER, RESOURCE).algorithms([Algorithm::Rs256, Algorithm::Es256]);
        Ok(Verifier::with_policy(keys, policy))
    }

    /// Who calls with the good token.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn caller(&self) -> anyhow::Result<Identity> {
        Ok(self.verifier()?.verify(&self.good, self.now)?)
    }

    /// Takes this token, or not.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn verify<'a>(&'a self, token: &'a str) -> anyhow::Result<impl FnMut() -> bool + 'a> {
        let verifier = self.verifier()?;
        Ok(move || verifier.verify(black_box(token), self.now).is_ok())
    }

    /// Finds the token of a request.
    ///
    /// # Errors
    /// When it cannot be written into a header.
    pub fn bearer(&self) -> anyhow::Result<impl FnMut() -> bool + use<>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {}", self.good).parse()?);
        let uri = Uri::from_static("/mcp");
        Ok(move || mcp_auth::bearer::token(black_box(&uri), black_box(&headers), 8192).is_ok())
    }

    /// Finds a token in the cache.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn cached(&self) -> anyhow::Result<impl FnMut() -> bool + '_> {
        let cache = Cache::new(10_000, 32 << 20, Duration::from_secs(60))?;
        cache.keep(cache.name(&self.good, 0, 0), self.good.len(), &self.caller()?, self.now);
        Ok(move || cache.get(&cache.name(black_box(&self.good), 0, 0), self.now).is_some())
    }

    /// Asks the table of scopes.
    ///
    /// # Errors
    /// When the token is not taken.
    pub fn decide(&self) -> anyhow::Result<impl FnMut() -> bool + use<>> {
        let (caller, table) = (self.caller()?, servers::scopes());
        Ok(move || {
            table.decide(black_box(&caller), &Operation::new("tools/call", Some("echo"))).is_ok()
        })
    }

    /// A request with this token.
    ///
    /// # Errors
    /// When the token cannot be written into a header.
    pub fn request(&self, token: &str) -> anyhow::Result<Request<Body>> {
        let request = Request::post("/mcp")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "echo");
        Ok(request.body(Body::from(BODY))?)
    }

    /// The layer around a service that does nothing, which has seen the good token already.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub fn guarded(&self, scopes: Scopes) -> anyhow::Result<Guarded> {
        let now = self.now;
        let layer = servers::layer_of(self.verifier()?)?.clock(Clock::new(move || now));
        let layer = match scopes {
            Scopes::Asked => layer.mcp_scopes(servers::scopes()),
            Scopes::NotAsked => layer,
        };
        let mut guarded = Guarded(layer.layer(service_fn(nothing as Nothing)));
        anyhow::ensure!(guarded.call(self.request(&self.good)?) == 200, "the token is not taken");
        Ok(guarded)
    }
}

/// Does the layer read the message and ask for scopes?
#[derive(Clone, Copy)]
pub enum Scopes {
    /// It does.
    Asked,
    /// It asks for a token alone.
    NotAsked,
}

/// Reads what a message wants.
#[must_use]
pub fn envelope() -> bool {
    Envelope::parse(black_box(BODY.as_bytes())).is_ok()
}

type Nothing = fn(Request<Body>) -> Ready<Result<Response<Body>, Infallible>>;

fn nothing(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::empty())))
}

/// A guarded service.
pub struct Guarded(Auth<tower::util::ServiceFn<Nothing>>);

impl Guarded {
    /// The status of its answer to this request.
    pub fn call(&mut self, request: Request<Body>) -> StatusCode {
        let mut answer = pin!(self.0.call(request));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(Ok(answer)) = answer.as_mut().poll(&mut context) {
                return answer.status();
            }
        }
    }
}
