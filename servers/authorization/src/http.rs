//! What do programs ask for, and how are they answered? Tokens, introspection, revocation, metadata and keys.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use mcp_auth::{issuer::form::Form, jwks, limits, refusal::refuse};
use serde_json::{Value, json};
use tracing::warn;

use crate::{Server, audit::Event, pages, rate::Kind, refused::Refused, signing::PUBLISHED};

/// Bytes that a form may have.
const MAX_FORM: usize = 16 * 1024;
/// Time that a client has to send one.
const FORM_TIME: Duration = Duration::from_secs(10);

/// The form of a request.
///
/// # Errors
/// [`Refused`], when it is none, too large, too slow, or encoded in another way.
pub(crate) async fn form_of(request: Request) -> Result<(Parts, Form), Refused> {
    let (parts, body) = request.into_parts();
    if !limits::is_type(&parts.headers, "application/x-www-form-urlencoded") {
        return Err(Refused::request("the body must be a form, application/x-www-form-urlencoded"));
    }
    let body = limits::collect(body, MAX_FORM, FORM_TIME).await;
    let body = body.map_err(|_| Refused::request("the form is too large, or came too slowly"))?;
    let form = Form::parse(&body).ok_or(Refused::request("the form cannot be read"))?;
    Ok((parts, form))
}

/// An answer that nobody between us and the client may keep (S12).
fn unkept(answer: Result<Value, Refused>) -> Response {
    let answer = answer.map(Json).into_response();
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], answer).into_response()
}

/// Measures what is answered.
pub async fn measure(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let answer = next.run(request).await;
    let Some(path) = path.map(|path| path.as_str().to_owned()) else { return answer };
    let status = answer.status().as_u16().to_string();
    metrics::histogram!("authorization_request_seconds", "path" => path.clone())
        .record(begun.elapsed());
    metrics::counter!("authorization_requests_total", "path" => path, "status" => status)
        .increment(1);
    answer
}

/// `POST /token`.
pub async fn token(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answer = async {
        let (parts, form) = server.asked(Kind::Token, request).await?;
        server.token(&parts.headers, &form).await
    };
    unkept(answer.await.inspect_err(|refused| server.refusal("token", refused)))
}

/// `POST /introspect` (RFC 7662).
pub async fn introspect(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answer = async {
        let (parts, form) = server.asked(Kind::Introspect, request).await?;
        server.introspect(&parts.headers, &form).await
    };
    unkept(answer.await.inspect_err(|refused| server.refusal("introspect", refused)))
}

/// `POST /revoke` (RFC 7009): 200 for whatever is revoked, and for what is none of ours too.
pub async fn revoke(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answer = async {
        let (parts, form) = server.asked(Kind::Token, request).await?;
        server.revoke(&parts.headers, &form).await
    };
    match answer.await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(refused) => {
            server.refusal("revoke", &refused);
            unkept(Err(refused))
        }
    }
}

/// `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(server): State<Arc<Server>>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(server.metadata())).into_response()
}

/// `GET /`, below the issuer: for people who wonder what is here.
pub async fn front(State(server): State<Arc<Server>>) -> Response {
    let Server { issuer, base, .. } = &*server;
    let origin = issuer.strip_suffix(base.as_str()).unwrap_or(issuer);
    let metadata = format!("{origin}/.well-known/oauth-authorization-server{base}");
    pages::answer(StatusCode::OK, pages::front(issuer, &metadata), None)
}

/// `GET /jwks.json`: to be kept no longer than a new key waits before it signs.
pub async fn jwks(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let mut answer = jwks::publish(State(server.keys.clone()), headers).await;
    if let Ok(kept) = HeaderValue::try_from(format!("public, max-age={PUBLISHED}"))
        && answer.headers().contains_key(header::CACHE_CONTROL)
    {
        answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    answer
}

/// `GET /ready`: 200 when database and audit can be written, and keys and people can be read.
pub async fn ready(State(server): State<Arc<Server>>) -> Response {
    let not_ready = |why: &str| {
        let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", why);
        ([(header::RETRY_AFTER, "5")], refusal).into_response()
    };
    if let Err(error) = server.store.ping().await {
        warn!("not ready: {error}");
        return not_ready("the database does not answer");
    }
    if !server.signer.is_ready() {
        return not_ready("the keys cannot be read");
    }
    if !server.people.is_ready() {
        return not_ready("the file of people cannot be read");
    }
    if !server.audit.is_ready() {
        return not_ready("decisions cannot be written down");
    }
    Json(json!({"status": "ready"})).into_response()
}

impl Server {
    /// A form that a program has sent, counted.
    async fn asked(&self, kind: Kind, request: Request) -> Result<(Parts, Form), Refused> {
        self.count(kind)?;
        form_of(request).await
    }

    /// Writes down that a program was refused. That it has asked too often stands there already.
    pub(crate) fn refusal(&self, event: &'static str, refused: &Refused) {
        if let Refused::TooMany { .. } = refused {
            return;
        }
        self.audit(&Event::refused(event, refused.reason()));
    }
}
