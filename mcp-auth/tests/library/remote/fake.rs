//! An issuer that does what it is told, also what no issuer should.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    serve::Listener,
};
use futures_util::{StreamExt as _, stream};
use mcp_auth::issuer::keys::{Alg, SigningKey};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

pub const AUDIENCE: &str = "https://mcp.example.com/mcp";
pub const NOW: i64 = 1_800_000_000;

/// What it does when it is asked for its keys, or for anything.
#[derive(Clone)]
pub enum Mood {
    /// As it should.
    Good,
    /// It never answers.
    Hangs,
    /// It begins to answer, and never ends.
    Drips,
    /// It sends this, whatever is asked.
    Says(StatusCode, Vec<u8>),
    /// It sends whoever asks elsewhere.
    Redirects(String),
}

pub struct Fake {
    /// Its name.
    pub issuer: String,
    /// Where it is.
    pub origin: String,
    state: Arc<Served>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

struct Served {
    at: String,
    metadata: Mutex<Value>,
    keys: Mutex<Vec<u8>>,
    mood: Mutex<Mood>,
    key_fetches: AtomicUsize,
    requests: AtomicUsize,
}

impl Fake {
    pub async fn new(keys: &[&SigningKey]) -> Self {
        Self::at("", "/.well-known/oauth-authorization-server", keys).await
    }

    /// With this path in its name, and its metadata at this one.
    pub async fn at(path: &str, at: &str, keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, format!("{origin}{path}"), origin, at, keys)
    }

    /// By this name, wherever it is.
    pub async fn called(issuer: &str, keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let path = issuer.splitn(4, '/').nth(3).unwrap();
        let at = format!("/{path}/.well-known/openid-configuration");
        Self::serve(listener, issuer.to_owned(), origin, &at, keys)
    }

    /// Somewhere where somebody listens from now on.
    pub fn serve<L: Listener<Addr: std::fmt::Debug>>(
        listener: L,
        issuer: String,
        origin: String,
        at: &str,
        keys: &[&SigningKey],
    ) -> Self {
        let public = issuer.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{public}/keys")});
        let state = Arc::new(Served {
            at: at.to_owned(),
            metadata: metadata.into(),
            keys: Mutex::default(),
            mood: Mood::Good.into(),
            key_fetches: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let app = Router::new().fallback(answer).with_state(state.clone());
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let served = axum::serve(listener, app);
        let served = served.with_graceful_shutdown(async move { stopped.notified().await });
        let task = tokio::spawn(async move { served.await.unwrap() });
        let fake = Self { issuer, origin, state, stop, task };
        fake.sign_with(keys);
        fake
    }

    /// Goes down: nobody listens there any more, and no connection is kept.
    pub async fn down(mut self) {
        self.stop.notify_one();
        (&mut self.task).await.unwrap();
    }

    pub fn sign_with(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk().unwrap()).collect();
        self.publish(&json!({"keys": keys}));
    }

    pub fn publish(&self, document: &Value) {
        *self.state.keys.lock().unwrap() = document.to_string().into_bytes();
    }

    /// Changes a member of its metadata.
    pub fn say(&self, name: &str, value: &str) {
        self.state.metadata.lock().unwrap()[name] = value.into();
    }

    pub fn is(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    pub fn key_fetches(&self) -> usize {
        self.state.key_fetches.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response {
    served.requests.fetch_add(1, Ordering::SeqCst);
    if request.headers().get("accept").is_none_or(|accept| accept != "application/json") {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    let path = request.uri().path();
    if path == "/keys" {
        served.key_fetches.fetch_add(1, Ordering::SeqCst);
    }
    let mood = served.mood.lock().unwrap().clone();
    match mood {
        Mood::Good if path == "/keys" => {
            Body::from(served.keys.lock().unwrap().clone()).into_response()
        }
        Mood::Good if path == served.at => {
            axum::Json(served.metadata.lock().unwrap().clone()).into_response()
        }
        Mood::Good => StatusCode::NOT_FOUND.into_response(),
        Mood::Hangs => std::future::pending().await,
        Mood::Drips => {
            let drops = stream::repeat(()).then(async |()| {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                Ok::<_, std::convert::Infallible>(" ")
            });
            Body::from_stream(drops).into_response()
        }
        Mood::Says(status, body) => (status, body).into_response(),
        Mood::Redirects(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
    }
}

pub fn key() -> SigningKey {
    SigningKey::generate(Alg::Rs256, 2048).unwrap()
}

/// A good token of alice.
pub fn token(fake: &Fake, key: &SigningKey) -> String {
    key.token("at+jwt", &claims(fake)).unwrap()
}

/// One that names another key than the one it is signed with.
pub fn named_token(fake: &Fake, key: &SigningKey, kid: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": kid});
    key.sign(&format!("{}.{}", part(&header), part(&claims(fake)))).unwrap()
}

fn claims(fake: &Fake) -> Value {
    json!({
        "iss": fake.issuer, "aud": AUDIENCE, "sub": "alice", "client_id": "c",
        "iat": NOW, "exp": NOW + 300, "scope": "mcp:read",
    })
}
