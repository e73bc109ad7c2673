//! The endpoints that programs ask: tokens, introspection, revocation, metadata and keys.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use mcp_auth::{
    issuer::{client::Credentials, form::Form},
    limits,
};
use serde_json::{Value, json};

use crate::{
    Server,
    client::{Client, Proof, document::Documents, registered},
    refused::Refused,
    store::StoreError,
};

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
    let is_form = limits::is_type(&parts.headers, "application/x-www-form-urlencoded");
    if !is_form || parts.headers.contains_key(header::CONTENT_ENCODING) {
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

/// `POST /token`.
pub async fn token(State(server): State<Arc<Server>>, request: Request) -> Response {
    unkept(match form_of(request).await {
        Ok((parts, form)) => server.token(&parts.headers, &form).await,
        Err(refused) => Err(refused),
    })
}

/// `POST /introspect` (RFC 7662).
pub async fn introspect(State(server): State<Arc<Server>>, request: Request) -> Response {
    unkept(match form_of(request).await {
        Ok((parts, form)) => server.introspect(&parts.headers, &form).await,
        Err(refused) => Err(refused),
    })
}

/// `POST /revoke` (RFC 7009): 200 for whatever is revoked, and for what is none of ours too.
pub async fn revoke(State(server): State<Arc<Server>>, request: Request) -> Response {
    let revoked = match form_of(request).await {
        Ok((parts, form)) => server.revoke(&parts.headers, &form).await,
        Err(refused) => Err(refused),
    };
    match revoked {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(refused) => unkept(Err(refused)),
    }
}

/// `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(server): State<Arc<Server>>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(server.metadata())).into_response()
}

/// `GET /ready`: 200 when the database answers.
pub async fn ready(State(server): State<Arc<Server>>) -> Response {
    match server.store.ping().await {
        Ok(()) => Json(json!({"status": "ready"})).into_response(),
        Err(error) => Refused::broken(error).into_response(),
    }
}

impl Server {
    /// The client of this id, wherever it is from.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client.clone()));
        }
        if Documents::is_address(id) {
            return Ok(match &self.documents {
                Some(documents) => documents.get(id).await,
                None => None,
            });
        }
        let Some(stored) = self.store.registered(id).await? else { return Ok(None) };
        self.store.is_in_use(id, self.clock.now()).await?;
        Ok(registered::client(stored).map(Arc::new))
    }

    /// The client that has sent this request, if it shows who it is.
    ///
    /// # Errors
    /// [`Refused::Client`].
    pub(crate) async fn client(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<Arc<Client>, Refused> {
        let unknown = Refused::Client { in_header: headers.contains_key(header::AUTHORIZATION) };
        match Credentials::find(headers, form)? {
            Some(credentials) => {
                let client = self.find(credentials.id()).await?;
                client.filter(|client| client.knows(credentials.secret())).ok_or(unknown)
            }
            // no credentials, and none that cannot be read either: a public client says who it is, and proves nothing
            None if !headers.contains_key(header::AUTHORIZATION) => {
                let id = form.one("client_id")?.unwrap_or_default();
                let client = self.find(id).await?;
                client.filter(|client| client.proof == Proof::Public).ok_or(unknown)
            }
            None => Err(unknown),
        }
    }
}
