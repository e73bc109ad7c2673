//! All of it as one tower layer: who is calling, may he, and what is he told if not?

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use metrics::counter;
use tower::{BoxError, Layer, Service};
use tracing::{debug, info, warn};

use crate::{
    Clock, Identity, Needs, ScopeSet, bearer,
    cache::Cache,
    call::{Decide, Operation, Rights, wanted},
    challenge::Challenge,
    limits::Limits,
    metadata::ProtectedResource,
    refusal::shown,
    session::Sessions,
    unread::throw_away,
    unverified::Unverified,
    verify::{Verify, VerifyError},
};

/// Guards a service: asks every request for a token, leaves the [`Identity`] of the caller in its extensions, and
/// answers whoever may not pass.
///
/// ```
/// # use std::sync::Arc;
/// # use axum::{Extension, Router, routing::post};
/// # use mcp_auth::{AuthLayer, Identity, jwt::Verifier, metadata::ProtectedResource, testing::Issuer};
/// # let issuer = Issuer::new("https://login.example.com", "https://mcp.example.com/mcp")?;
/// # let keys = issuer.key_set();
/// let (resource, login) = ("https://mcp.example.com/mcp", "https://login.example.com");
/// let metadata = ProtectedResource::new(resource, login, "mcp:read mcp:tools".parse()?)?;
/// let verifier = Verifier::new(keys, login.into(), resource.into(), issuer.leeway());
/// let auth = AuthLayer::new(metadata, verifier)?.scope("mcp:read");
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
/// * An answer of the service with [`Needs`] in its extensions becomes a 403 of the layer with body and challenge, whatever
///   it was before; or the layer itself asks for scopes, with [`mcp_scopes`](Self::mcp_scopes).
#[derive(Clone)]
pub struct AuthLayer {
    door: Arc<Door>,
}

#[derive(Clone)]
struct Door {
    verify: Arc<dyn Verify>,
    cache: Option<Arc<Cache>>,
    decide: Option<Arc<dyn Decide>>,
    challenge: Challenge,
    metadata: Arc<ProtectedResource>,
    sessions: Sessions,
    limits: Limits,
    clock: Clock,
    max_authorization: usize,
}

/// The system has no random numbers, so there is no key to hash with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

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
            verify: Arc::new(verify),
            cache: Some(Arc::new(Cache::standard().map_err(|_| NoRandomness)?)),
            decide: None,
            challenge: Challenge { resource_metadata: Some(url), scope: None },
            metadata: Arc::new(metadata),
            sessions: Sessions::new().map_err(|_| NoRandomness)?,
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

    /// The scopes that a caller without a good token is told to ask for: the least that is good for anything (A4).
    /// Defaults to none.
    #[must_use]
    pub fn scope(self, scope: &str) -> Self {
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

    /// The limits for a body that is read. Defaults to [`Limits::default`].
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        self.with(|door| door.limits = limits)
    }

    /// Keeps verdicts in this cache, which several layers may share if they have the same verifier.
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

type Answer = Box<Response<Body>>;

impl Door {
    /// The caller, or the answer to whoever may not pass.
    async fn enter(&self, request: &mut Request<Body>) -> Result<Identity, Answer> {
        if let Some(document) = self.document(request) {
            return Err(Box::new(document));
        }
        let caller = match self.identify(request.uri(), request.headers()).await {
            Ok(caller) => caller,
            Err(answer) => {
                let (parts, body) = mem::take(request).into_parts();
                throw_away(&parts.headers, body);
                return Err(answer);
            }
        };
        debug!(subject = caller.subject(), client = caller.client(), "let in");
        if let Some(token) = request.headers_mut().get_mut(header::AUTHORIZATION) {
            token.set_sensitive(true); // whoever prints the request prints no token
        }
        self.sessions.open(request.headers_mut(), &caller);
        if let Some(decide) = &self.decide {
            request.extensions_mut().insert(Rights::new(decide.clone(), caller.clone()));
            let given = mem::take(request);
            // apart: it is large, and a request that needs none of it should not carry it about
            *request = Box::pin(self.decide(decide.as_ref(), given, &caller)).await?;
        }
        request.extensions_mut().insert(caller.clone());
        Ok(caller)
    }

    /// The metadata, at its addresses.
    fn document(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        (is_read && self.metadata.is_at(request.uri().path())).then(|| self.metadata.response())
    }

    /// Who is calling?
    async fn identify(&self, uri: &Uri, headers: &HeaderMap) -> Result<Identity, Answer> {
        let token = bearer::token(uri, headers, self.max_authorization);
        let token = token.map_err(|error| {
            info!("refused: {error}");
            counter!("mcp_auth_refusals_total", "reason" => error.reason()).increment(1);
            self.challenge.bearer(error)
        })?;
        self.verified(token).await.map_err(|error| {
            match &error {
                VerifyError::Invalid(cause) => {
                    info!("refused the token: {cause}{}", Unverified::hint(token, *cause));
                }
                unavailable @ VerifyError::Unavailable { .. } => warn!("refused: {unavailable}"),
            }
            counter!("mcp_auth_refusals_total", "reason" => error.reason()).increment(1);
            Box::new(self.challenge.verify(&error))
        })
    }

    async fn verified(&self, token: &str) -> Result<Identity, VerifyError> {
        let now = self.clock.now();
        let Some(cache) = &self.cache else { return self.verify.verify(token, now).await };
        // asked before the keys are: a verdict of old keys must not be kept as one of the new
        let name = cache.name(token, self.verify.generation());
        if let Some(caller) = cache.get(&name, now) {
            counter!("mcp_auth_cache_hits_total").increment(1);
            return Ok(caller);
        }
        let caller = self.verify.verify(token, now).await?;
        cache.keep(name, token.len(), &caller, now);
        Ok(caller)
    }

    /// May he do what the body wants? Gives the request back if so.
    async fn decide(
        &self,
        decide: &dyn Decide,
        request: Request<Body>,
        caller: &Identity,
    ) -> Result<Request<Body>, Answer> {
        if request.method() != Method::POST {
            return Ok(without_body(request));
        }
        let (parts, body) =
            self.limits.read(request).await.map_err(|exceeded| exceeded.into_response())?;
        let wanted = wanted(&parts.headers, &body).map_err(|unreadable| {
            info!("refused: {unreadable}");
            unreadable.into_response()
        })?;
        if let Some(envelope) = &wanted
            && let Some(method) = &envelope.method
        {
            let is_notification = envelope.id.is_none();
            if is_notification && !method.starts_with("notifications/") {
                // it gets 202 and runs nothing (T5): so nobody need see it who might run it all the same
                info!("{} came as a notification, and was not passed on", shown(method));
                return Err(Box::new(StatusCode::ACCEPTED.into_response()));
            }
            if !is_notification {
                let operation = Operation::new(method, envelope.name());
                decide.decide(caller, &operation).map_err(|needs| {
                    info!("refused: {} needs {:?}", shown(method), needs.0.to_string());
                    self.insufficient(&needs)
                })?;
            }
        }
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    /// The answer as the caller gets it.
    fn leave(&self, mut response: Response<Body>, caller: &Identity) -> Response<Body> {
        if let Some(needs) = response.extensions_mut().remove::<Needs>() {
            return *self.insufficient(&needs);
        }
        self.sessions.close(response.headers_mut(), caller);
        response
    }

    fn insufficient(&self, needs: &Needs) -> Answer {
        counter!("mcp_auth_refusals_total", "reason" => "insufficient_scope").increment(1);
        Box::new(self.challenge.insufficient(needs))
    }
}

/// A request whose body is not passed on, with headers that say so.
fn without_body(request: Request<Body>) -> Request<Body> {
    let mut request = request.map(|_| Body::empty());
    let headers: &mut HeaderMap = request.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    request
}
