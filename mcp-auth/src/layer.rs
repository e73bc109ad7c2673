//! All of it as one tower layer: who is calling, may he, and what is he told if not?

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{Request, Response},
};
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service};

use crate::{
    Clock, ScopeSet, cache::Cache, call::Decide, challenge::Challenge, door::Door, limits::Limits,
    metadata::ProtectedResource, secret::NoRandomness, session::Sessions, verify::Verify,
};

/// How many layers there have been: each has a number of its own.
static DOORS: AtomicU64 = AtomicU64::new(0);

/// Guards a service: asks every request for a token, leaves the [`Identity`](crate::Identity) of the caller in its extensions, and
/// answers whoever may not pass.
///
/// ```
/// use axum::{Extension, Router, routing::post};
/// use mcp_auth::{
///     AuthLayer, Clock, Identity, jwks::KeySet, jwt::{Policy, Verifier}, metadata::ProtectedResource,
/// };
///
/// let (resource, login) = ("https://mcp.example.com/mcp", "https://login.example.com");
/// let metadata = ProtectedResource::new(resource, login, "mcp:read mcp:tools".parse()?)?;
/// let keys = KeySet::of_any_kind("jwks.json".into(), Clock::default()); // `Remote` fetches them instead
/// let verifier = Verifier::with_policy(keys, Policy::new(login, resource));
/// let auth = AuthLayer::new(metadata, verifier)?.first_scope("mcp:read");
///
/// let app: Router = Router::new()
///     .route("/mcp", post(|Extension(caller): Extension<Identity>| async move {
///         format!("hello {}", caller.subject())
///     }))
///     .layer(auth);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// * No token, a bad token, too little scope: 401, 401 and 403, with a challenge that says where to get a better one.
/// * `GET` of the metadata's addresses is answered by the layer itself, for everybody.
/// * Everything else that it wraps needs a token, whatever the method; routes for everybody stay outside of it. It
///   wraps any service that takes axum's [`Body`], and never returns an error of its own.
/// * An answer of the service with [`Needs`](crate::Needs) in its extensions becomes a 403 of the layer with body and challenge, whatever
///   it was before; or the layer itself asks for scopes, with [`mcp_scopes`](Self::mcp_scopes).
#[derive(Clone)]
pub struct AuthLayer {
    door: Arc<Door>,
}

/// For so many the token may be looked at: of the places of a server half.
fn half(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((limits.max_requests / 2).max(1)))
}

impl AuthLayer {
    /// Guards the server that this metadata describes, with tokens that this verifier takes. Verdicts are kept for 60 s, at most
    /// 10,000 of them in 32 MiB; a header `Authorization` has at most 8192 bytes.
    ///
    /// # Errors
    /// [`NoRandomness`], on a system that is out of order.
    pub fn new(
        metadata: ProtectedResource,
        verify: impl Verify + 'static,
    ) -> Result<Self, NoRandomness> {
        let url = metadata.url();
        let door = Door {
            number: DOORS.fetch_add(1, Ordering::Relaxed),
            verify: Arc::new(verify),
            cache: Some(Arc::new(Cache::standard()?)),
            decide: None,
            challenge: Challenge { resource_metadata: Some(url), scope: None },
            metadata,
            sessions: Sessions::new()?,
            unknown: half(&Limits::default()),
            limits: Limits::default(),
            clock: Clock::default(),
            max_authorization: 8192,
        };
        Ok(Self { door: Arc::new(door) })
    }

    fn with(mut self, change: impl FnOnce(&mut Door)) -> Self {
        change(Arc::make_mut(&mut self.door));
        self
    }

    /// The scopes that a caller without a good token is told to ask for first: the least that is good for anything (A4).
    /// Defaults to none. It demands nothing: a good token without them gets in, unless [`mcp_scopes`](Self::mcp_scopes) or
    /// the service asks for them.
    #[must_use]
    pub fn first_scope(self, scope: &str) -> Self {
        let scope: ScopeSet = scope.split(' ').collect();
        let named = (!scope.is_empty()).then(|| scope.to_string());
        self.with(|door| door.challenge.scope = named)
    }

    /// Asks whether the caller may do what the body of each `POST` wants, before the service gets it: with a
    /// [`ScopeTable`](crate::call::ScopeTable) or a policy of your own. For a layer that wraps the MCP endpoint alone.
    ///
    /// The body is read once, within the [`limits`](Self::limits), and given back; an answer streams through untouched. A body that
    /// comes with another method than `POST` is not passed on.
    #[must_use]
    pub fn mcp_scopes(self, decide: impl Decide + 'static) -> Self {
        self.with(|door| door.decide = Some(Arc::new(decide)))
    }

    /// The limits for a body that is read. Defaults to [`Limits::default`]. Of the requests that are answered at a time half may
    /// wait for a token to be checked that is not known yet; one more gets 503. So strangers with bad ones leave room for
    /// callers who are known: let it be the number for which [`concurrency`](crate::limits::concurrency) has places.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.with(|door| {
            door.unknown = half(&limits);
            door.limits = limits;
        })
    }

    /// Keeps verdicts in this cache. Several layers may share one, which then is as large as it is for all of them; no layer
    /// believes a verdict of another one, but for its own clones.
    #[must_use]
    pub fn cache(self, cache: Arc<Cache>) -> Self {
        self.with(|door| door.cache = Some(cache))
    }

    /// Checks every token anew.
    #[must_use]
    pub fn no_cache(self) -> Self {
        self.with(|door| door.cache = None)
    }

    /// The key that binds old-era sessions to their owner, for servers of several instances that share their sessions.
    /// Defaults to a random one.
    #[must_use]
    pub fn session_key(self, key: &[u8; 32]) -> Self {
        self.with(|door| door.sessions = Sessions::with_key(key))
    }

    /// The bytes that a header `Authorization` may have. Defaults to 8192.
    #[must_use]
    pub fn max_authorization(self, bytes: usize) -> Self {
        self.with(|door| door.max_authorization = bytes)
    }

    /// What time it is. Defaults to the system's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|door| door.clock = clock)
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("metadata", &self.door.metadata).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, door: self.door.clone() }
    }
}

/// A guarded service; made by [`AuthLayer`].
#[derive(Clone)]
pub struct Auth<S> {
    inner: S,
    door: Arc<Door>,
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let fresh = self.inner.clone(); // the one that was polled ready serves this request
        let mut inner = mem::replace(&mut self.inner, fresh);
        let door = self.door.clone();
        let mut request = request.map(Body::new);
        Box::pin(async move {
            let caller = match door.enter(&mut request).await {
                Ok(caller) => caller,
                Err(answer) => return Ok(*answer),
            };
            let response = inner.call(request).await?;
            Ok(door.leave(response.map(Body::new), &caller))
        })
    }
}
