//! How does a program get a token? A small authorization server: metadata (RFC 8414) and tokens for programs that
//! know a secret (`client_credentials`, RFC 6749 §4.4). Nobody logs in here.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{self, HeaderMap, StatusCode, Uri, header},
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
use crate::{Clock, ScopeSet, limits, refusal::refuse};

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

impl Issuer {
    /// The issuer of this URL, compared as a string by everybody (S3), which gives tokens for this one `resource`, their
    /// audience, and with at most these `scopes`, to this one client.
    ///
    /// # Errors
    /// When `issuer` is not a URL.
    pub fn new(
        issuer: String,
        resource: String,
        scopes: ScopeSet,
        client: Client,
        keys: KeyFiles,
        clock: Clock,
    ) -> Result<Self, http::Error> {
        let parts = issuer.parse::<Uri>()?.into_parts();
        let base = parts.path_and_query.as_ref().map_or("", |path| path.path());
        let base = base.trim_end_matches('/').to_owned();
        let origin = Uri::builder()
            .scheme(parts.scheme.map_or(String::new(), |scheme| scheme.to_string()).as_str())
            .authority(parts.authority.map_or(String::new(), |name| name.to_string()))
            .path_and_query("")
            .build()?;
        let origin = origin.to_string().trim_end_matches('/').to_owned();
        Ok(Self { issuer, origin, base, resource, scopes, client, keys, clock })
    }

    /// The metadata: exactly what works (RFC 8414 §2).
    ///
    /// RFC 8414 §3.2 says that a member without elements is left out, but official clients refuse a document without
    /// `response_types_supported` or without `authorization_endpoint`. So the first is empty, and the second
    /// is a page that says that nobody logs in here.
    #[must_use]
    pub fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{}/.well-known/jwks.json", self.origin),
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
        Ok(body) => match form(&parts.headers, &body) {
            Some(form) => issuer.answer(&parts.headers, &form),
            None => {
                let text = "the body must be a form, application/x-www-form-urlencoded";
                Err(Refused::new("invalid_request", text))
            }
        }
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

fn form(headers: &HeaderMap, body: &[u8]) -> Option<Form> {
    let is_form = limits::is_type(headers, "application/x-www-form-urlencoded");
    if is_form { Form::parse(body) } else { None }
}

/// `GET /authorize`: a page for the person whose client has sent him here.
async fn authorize() -> Response {
    let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Nobody logs in here</title>\
        <h1>Nobody logs in here</h1><p>This server gives tokens to programs that know a client id and a secret \
        (<code>client_credentials</code>), and to nobody else.</p></html>";
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{jwks::KeySet, jwt::Verifier};

    const SECRET: &str = "a secret of a good length";

    fn issuer(dir: &std::path::Path) -> Issuer {
        let keys = KeyFiles::new(dir);
        keys.ensure().unwrap();
        let (url, resource) = ("http://localhost:9000", "http://localhost:9000/mcp");
        let scopes = "mcp:read mcp:tools".parse().unwrap();
        let client = Client::new("it", SECRET).unwrap();
        let clock = Clock::new(|| 1000);
        Issuer::new(url.into(), resource.into(), scopes, client, keys, clock).unwrap()
    }

    #[test]
    fn the_well_known_path_stands_between_host_and_path_of_an_issuer() {
        let mut it = issuer(tempfile::tempdir().unwrap().path());
        assert_eq!(it.metadata()["jwks_uri"], "http://localhost:9000/.well-known/jwks.json");
        it = Issuer::new(
            "https://a.example/b".into(),
            it.resource,
            it.scopes,
            it.client,
            it.keys,
            it.clock,
        )
        .unwrap();
        assert_eq!((&*it.origin, &*it.base), ("https://a.example", "/b"));
        assert_eq!(it.metadata()["token_endpoint"], "https://a.example/b/token");
    }

    async fn ask(form: &str, basic: Option<&str>) -> (StatusCode, HeaderMap, Value) {
        use base64::Engine as _;
        let dir = tempfile::tempdir().unwrap();
        let mut request =
            Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        if let Some(basic) = basic {
            let coded = base64::engine::general_purpose::STANDARD.encode(basic);
            request = request.header("authorization", format!("Basic {coded}"));
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let response = issuer(dir.path()).routes().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_client_that_knows_its_secret_gets_a_token_that_the_verifier_takes() {
        let dir = tempfile::tempdir().unwrap();
        let issuer = issuer(dir.path());
        let form = format!(
            "grant_type=client_credentials&client_id=it&client_secret={}&scope=mcp%3Aread",
            SECRET.replace(' ', "+")
        );
        let answer = issuer.answer(&HeaderMap::new(), &Form::parse(form.as_bytes()).unwrap());
        let Ok(answer) = answer else { panic!("no token") };
        let set = KeySet::new(issuer.keys.jwks(), issuer.clock.clone());
        let verifier =
            Verifier::new(set, issuer.issuer, issuer.resource, std::time::Duration::ZERO);
        let identity =
            verifier.verify(answer["access_token"].as_str().unwrap(), 1000 + LIFETIME - 1).unwrap();
        assert_eq!((identity.subject(), identity.client()), ("it", Some("it")));
        assert_eq!(identity.scopes().to_string(), "mcp:read");
        assert_eq!(answer["expires_in"], LIFETIME);
    }

    #[tokio::test]
    async fn who_does_not_know_the_secret_is_invalid_client() {
        let basic = format!("it:{SECRET}");
        for (form, header) in [
            ("grant_type=client_credentials", None),
            ("grant_type=client_credentials", Some("it:a secret of a bad length")),
            ("grant_type=client_credentials", Some("other:a secret of a good length")),
            ("grant_type=client_credentials&client_id=it&client_secret=wrong", None),
            ("grant_type=client_credentials&client_id=other", Some(&*basic)),
            ("grant_type=password&client_id=it&client_secret=wrong", None),
        ] {
            let (status, headers, body) = ask(form, header).await;
            assert_eq!(
                (status, &body["error"]),
                (StatusCode::UNAUTHORIZED, &"invalid_client".into()),
                "{form}"
            );
            assert_eq!(headers.contains_key("www-authenticate"), header.is_some(), "{form}");
            assert_eq!(headers["cache-control"], "no-store");
        }
    }

    #[tokio::test]
    async fn every_other_mistake_has_its_own_error() {
        let basic = format!("it:{SECRET}");
        for (form, error) in [
            ("scope=mcp:read", "invalid_request"),
            ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
            ("grant_type=client_credentials&scope=a&scope=b", "invalid_request"),
            ("grant_type=client_credentials&client_id=it&client_id=it", "invalid_request"),
            ("grant_type=client_credentials&client_id=it&client_secret=x", "invalid_request"),
            ("grant_type=password", "unsupported_grant_type"),
            (
                "grant_type=client_credentials&resource=http://localhost:9000/other",
                "invalid_target",
            ),
            (
                "grant_type=client_credentials&resource=http://localhost:9000/mcp&resource=x",
                "invalid_target",
            ),
            ("grant_type=client_credentials&scope=mcp:read+mcp:prompts", "invalid_scope"),
        ] {
            let (status, _, body) = ask(form, Some(&basic)).await;
            assert_eq!(
                (status, &body["error"]),
                (StatusCode::BAD_REQUEST, &error.into()),
                "{form}"
            );
        }
        let all =
            ask("grant_type=client_credentials&resource=http://localhost:9000/mcp", Some(&basic))
                .await;
        assert_eq!(all.2["scope"], "mcp:read mcp:tools", "no scope asked is all that is allowed");
    }
}
