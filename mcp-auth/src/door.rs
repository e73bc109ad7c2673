//! What is asked of a request, in order: is it for the metadata, who is calling, is the session his, and may he?

use std::{mem, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header},
    response::IntoResponse as _,
};
use metrics::counter;
use tokio::sync::Semaphore;
use tracing::{debug, info, warn};

use crate::{
    Clock, Identity, Needs, bearer,
    cache::Cache,
    call::{Decide, Operation, Rights},
    challenge::Challenge,
    limits::Limits,
    message,
    metadata::ProtectedResource,
    refusal::shown,
    session::Sessions,
    unread::throw_away,
    unverified::Unverified,
    verify::{Verify, VerifyError},
};

/// All that is needed to let somebody in, or not.
#[derive(Clone)]
pub(crate) struct Door {
    /// No other one has it. Clones have: they differ in settings, and have the same verifier.
    pub(crate) number: u64,
    pub(crate) verify: Arc<dyn Verify>,
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) decide: Option<Arc<dyn Decide>>,
    pub(crate) challenge: Challenge,
    pub(crate) metadata: ProtectedResource,
    pub(crate) sessions: Sessions,
    pub(crate) limits: Limits,
    /// Half of the requests that are answered at a time: so many may wait for a token to be checked.
    pub(crate) unknown: Arc<Semaphore>,
    pub(crate) clock: Clock,
    pub(crate) max_authorization: usize,
}

/// What whoever may not pass gets.
pub(crate) type Answer = Box<Response<Body>>;

impl Door {
    /// The caller, or the answer to whoever may not pass.
    pub(crate) async fn enter(&self, request: &mut Request<Body>) -> Result<Identity, Answer> {
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
            self.challenge.refused_header(error)
        })?;
        self.verified(token).await.map_err(|error| {
            match &error {
                VerifyError::Invalid(cause) => {
                    info!("refused the token: {cause}{}", Unverified::hint(token, *cause));
                }
                unavailable @ VerifyError::Unavailable { .. } => warn!("refused: {unavailable}"),
            }
            counter!("mcp_auth_refusals_total", "reason" => error.reason()).increment(1);
            Box::new(self.challenge.refused_token(&error))
        })
    }

    async fn verified(&self, token: &str) -> Result<Identity, VerifyError> {
        let now = self.clock.now();
        let Some(cache) = &self.cache else { return self.verify.verify(token, now).await };
        // asked before the keys are: a verdict of old keys must not be kept as one of the new
        let name = cache.name(token, self.number, self.verify.generation());
        if let Some(caller) = cache.get(&name, now) {
            counter!("mcp_auth_cache_hits_total").increment(1);
            return Ok(caller);
        }
        // who waits here has a place of the server: or strangers with bad tokens would have all of them, and who is known none
        let busy = |_| VerifyError::Unavailable { retry_after: Duration::from_secs(1) };
        let _waits = self.unknown.try_acquire().map_err(busy)?;
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
        let wanted = message::read(&parts.headers, &body).map_err(|unreadable| {
            info!("refused: {unreadable}");
            unreadable.into_response()
        })?;
        match (&wanted.method, &wanted.id) {
            (Some(method), Some(_)) => {
                let operation = Operation::new(method, wanted.name());
                decide.decide(caller, &operation).map_err(|needs| {
                    info!("refused: {} needs {:?}", shown(method), needs.0.to_string());
                    self.insufficient(&needs)
                })?;
            }
            (Some(method), None) if !method.starts_with("notifications/") => {
                // it gets 202 and runs nothing (T5): so nobody need see it who might run it all the same
                info!("{} came as a notification, and was not passed on", shown(method));
                return Err(Box::new(StatusCode::ACCEPTED.into_response()));
            }
            _ => {} // a notification, or an answer of the client: neither wants anything
        }
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    /// The answer as the caller gets it.
    pub(crate) fn leave(&self, mut response: Response<Body>, caller: &Identity) -> Response<Body> {
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
