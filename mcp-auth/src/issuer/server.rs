//! How does a program get a token? A small authorization server: metadata (RFC 8414) and tokens for programs that
//! know a secret (`client_credentials`, RFC 6749 §4.4). Nobody logs in here.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::from_fn_with_state,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::{error, info};

use super::{
    client::{Client, Credentials},
    disk::random,
    files::KeyFiles,
    form::{Form, Twice},
    keys::Alg,
};
use crate::{Clock, ScopeSet, limits, metadata::origin_and_path, refusal::refuse};

/// Bytes that a token request may have.
const MAX_FORM: usize = 16 * 1024;

/// Time that a client has to send a token request.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Token requests that are answered at a time. Anybody may send one, so those who send theirs slowly must not take
/// all the places of the server.
const PLACES: usize = 32;

/// Seconds that a token is good for.
pub const LIFETIME: i64 = 300;

/// A small authorization server.
#[derive(Clone, Debug)]
pub struct Issuer {
    issuer: String,
    origin: String,
    base: String,
    resource: String,
    scopes: ScopeSet,
    client: Client,
    keys: KeyFiles,
    clock: Clock,
}

/// The issuer is not a URL that can have metadata (RFC 8414 §2).
#[derive(Debug, thiserror::Error)]
#[error(
    "an issuer is http:// or https://, a host and perhaps a path, without query and fragment, not {0:?}"
)]
pub struct IssuerError(String);

impl Issuer {
    /// The issuer of this URL, compared as a string by everybody (S3), which gives tokens for this one `resource`, their
    /// audience, and with at most these `scopes`, to this one client.
    ///
    /// # Errors
    /// [`IssuerError`] when `issuer` is not such a URL.
    pub fn new(
        issuer: String,
        resource: String,
        scopes: ScopeSet,
        client: Client,
        keys: KeyFiles,
        clock: Clock,
    ) -> Result<Self, IssuerError> {
        let Some((origin, base)) = origin_and_path(&issuer) else {
            return Err(IssuerError(issuer));
        };
        Ok(Self { issuer, origin, base, resource, scopes, client, keys, clock })
    }

    /// The metadata: exactly what works (RFC 8414 §2).
    ///
    /// RFC 8414 §3.2 says that a member without elements is left out, but official clients refuse a document without
    /// `response_types_supported` or without `authorization_endpoint`. So the first is empty, and the second
    /// is a page that says that nobody logs in here.
    #[must_use]
    pub fn metadata(&self) -> Value {
        let Self { issuer, origin, base, .. } = self;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{origin}{base}/authorize"),
            "token_endpoint": format!("{origin}{base}/token"),
            "jwks_uri": format!("{origin}/.well-known/jwks.json"),
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": self.scopes.iter().collect::<Vec<_>>(),
        })
    }

    /// Metadata, token endpoint and the page, at the paths that the metadata names.
    pub fn routes(self) -> Router {
        let (metadata, base) = (self.metadata(), self.base.clone());
        let document =
            async move || ([(header::CACHE_CONTROL, "public, max-age=300")], Json(metadata));
        let places = Arc::new(Semaphore::new(PLACES));
        let tokens = post(token).layer(from_fn_with_state(places, limits::concurrency));
        Router::new()
            .route(&format!("/.well-known/oauth-authorization-server{base}"), get(document))
            .route(&format!("{base}/token"), tokens)
            .route(&format!("{base}/authorize"), get(authorize))
            .with_state(Arc::new(self))
    }

    /// Answers a token request.
    fn answer(&self, headers: &HeaderMap, form: &Form) -> Result<Value, Refused> {
        let twice = |twice: Twice| Refused::new("invalid_request", twice.to_string());
        let one = |name| form.one(name).map_err(twice);
        let Some(grant) = one("grant_type")? else {
            return Err(Refused::new("invalid_request", "grant_type is missing"));
        };
        let credentials = Credentials::find(headers, form).map_err(twice)?;
        if !credentials.as_ref().is_some_and(|credentials| self.client.is(credentials)) {
            let in_header = headers.contains_key(header::AUTHORIZATION);
            return Err(Refused::Client { in_header });
        }
        if grant != "client_credentials" {
            return Err(Refused::new(
                "unsupported_grant_type",
                "this server knows client_credentials alone",
            ));
        }
        if form.all("resource").any(|resource| resource != self.resource) {
            let text = format!("tokens are to be had for {} alone", self.resource);
            return Err(Refused::new("invalid_target", text)); // RFC 8707 §2
        }
        let asked: ScopeSet = one("scope")?.unwrap_or_default().split(' ').collect();
        if !asked.is_subset(&self.scopes) {
            let text = format!("this client may have: {}", self.scopes);
            return Err(Refused::new("invalid_scope", text));
        }
        let scopes = if asked.is_empty() { &self.scopes } else { &asked };
        let now = self.clock.now();
        let key = self.keys.signing_key(Alg::Rs256).map_err(Refused::broken)?;
        let claims = json!({
            "iss": self.issuer, "aud": self.resource, "sub": self.client.id(), "client_id": self.client.id(),
            "scope": scopes.to_string(), "iat": now, "exp": now.saturating_add(LIFETIME), "jti": random(),
        });
        let token = key.token("at+jwt", &claims).map_err(Refused::broken)?;
        info!(client = self.client.id(), %scopes, "token issued");
        Ok(json!({
            "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME, "scope": scopes.to_string(),
        }))
    }
}

/// Why there is no token (RFC 6749 §5.2).
enum Refused {
    Request { error: &'static str, description: String },
    Client { in_header: bool },
    Broken,
}

impl Refused {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self::Request { error, description: description.into() }
    }

    /// What the log learns: the cause, and nothing that the client wrote.
    fn log(&self) {
        match self {
            Self::Request { error, description } => info!("no token: {error}, {description}"),
            Self::Client { .. } => info!("no token: an unknown client, or not its secret"),
            Self::Broken => {} // said where it broke
        }
    }

    /// Our fault: the log learns why.
    fn broken(cause: impl std::fmt::Display) -> Self {
        error!("no token can be made: {cause}");
        Self::Broken
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Request { error, description } => {
                refuse(StatusCode::BAD_REQUEST, error, &description)
            }
            Self::Client { in_header } => {
                let text = "the client is unknown, or this is not its secret";
                let refusal = refuse(StatusCode::UNAUTHORIZED, "invalid_client", text);
                if !in_header {
                    return refusal;
                }
                ([(header::WWW_AUTHENTICATE, "Basic realm=\"token\"")], refusal).into_response()
            }
            Self::Broken => {
                let text = "no token can be made at the moment";
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error", text)
            }
        }
    }
}

/// `POST /token`. What comes out must not be kept by anybody between us and the client (S12).
async fn token(State(issuer): State<Arc<Issuer>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match limits::collect(body, MAX_FORM, FORM_TIME).await {
        Ok(body) => form(&parts.headers, &body)
            .and_then(|form| issuer.answer(&parts.headers, &form))
            .inspect_err(Refused::log)
            .map(Json)
            .into_response(),
        Err(exceeded) => {
            info!("no token: {exceeded}");
            exceeded.into_response()
        }
    };
    let no_store = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (no_store, answer).into_response()
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, Refused> {
    let is_form = limits::is_type(headers, "application/x-www-form-urlencoded");
    let form = if is_form { Form::parse(body) } else { None };
    let text = "the body must be a form, application/x-www-form-urlencoded";
    form.ok_or_else(|| Refused::new("invalid_request", text))
}

/// `GET /authorize`: a page for the person whose client has sent him here.
async fn authorize() -> Response {
    let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Nobody logs in here</title>\
        <h1>Nobody logs in here</h1><p>This server gives tokens to programs that know a client id and a secret \
        (<code>client_credentials</code>), and to nobody else.</p></html>";
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}
