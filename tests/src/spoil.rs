//! Would anybody notice? A proxy that relays and breaks exactly one promise, to check the checks.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{Answer, Target, contracts};

pub mod eras;
pub mod headers;
pub mod http;
pub mod jsonrpc;
pub mod keys;
pub mod knocking;
pub mod lists;
pub mod people;
pub mod scopes;

/// A way to break one promise.
#[derive(Clone, Copy, Debug)]
pub struct Breakage {
    /// A name for the command line: `no-allow`.
    pub name: &'static str,
    /// What it does.
    pub says: &'static str,
    /// From this step on there is something to break.
    pub from: u8,
    /// A promise that must notice.
    pub noticed_by: &'static str,
    /// Where it takes hold.
    pub how: How,
}

/// Shortens the tables of breakages.
const fn breakage(
    from: u8,
    name: &'static str,
    noticed_by: &'static str,
    says: &'static str,
    how: How,
) -> Breakage {
    Breakage { name, says, from, noticed_by, how }
}

/// Where a breakage takes hold.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// On the way in.
    Asked(fn(&mut Asked)),
    /// On the way out.
    Answered(fn(&Asked, &mut Answer)),
}

/// A request on its way through.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// The scheme, host and port that the server calls its own.
    pub origin: String,
    /// How many requests came before.
    pub number: u64,
}

impl Asked {
    /// The body, if it is JSON.
    #[must_use]
    pub fn message(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The claims of its token, believed without a look at the signature.
    #[must_use]
    pub fn claims(&self) -> Value {
        let token = self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let part = token.and_then(|token| token.split('.').nth(1));
        let json = part.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Does it say that it is of the current revision?
    #[must_use]
    pub fn is_modern(&self) -> bool {
        self.header("mcp-protocol-version") == Some(crate::target::MODERN)
    }
}

/// Breakages that are too fine for a few requests with curl: the contracts notice them, the scripts need not.
pub const FINE: &[&str] = &[
    "any-notification",
    "half-a-marker",
    "lists-of-everybody",
    "method-header-is-modern",
    "no-leeway",
    "old-headers-compared",
    "oldest-refused",
    "one-host",
    "parameters-first",
    "shapeless-calls-are-400",
    "size-first",
];

/// All breakages.
#[must_use]
pub fn all() -> Vec<&'static Breakage> {
    let lists = [
        http::BREAKAGES,
        knocking::BREAKAGES,
        jsonrpc::BREAKAGES,
        headers::BREAKAGES,
        eras::BREAKAGES,
        lists::BREAKAGES,
        keys::BREAKAGES,
        scopes::BREAKAGES,
        people::BREAKAGES,
    ];
    lists.into_iter().flatten().collect()
}

/// The breakages of what is promised at this step: a promise that has ended cannot be broken.
pub fn at(step: u8) -> impl Iterator<Item = &'static Breakage> {
    let promised = move |breakage: &&Breakage| {
        let promise = contracts::of(breakage.from)
            .into_iter()
            .find(|promise| promise.name == breakage.noticed_by);
        breakage.from <= step
            && promise.is_some_and(|promise| !contracts::ended::has_ended(step, promise))
    };
    all().into_iter().filter(promised)
}

/// The breakage of this name.
///
/// # Errors
/// A sentence, if there is none.
pub fn named(name: &str) -> Result<&'static Breakage, String> {
    all()
        .into_iter()
        .find(|breakage| breakage.name == name)
        .ok_or_else(|| format!("there is no breakage {name:?}; --break list shows all there are"))
}

struct Relay {
    upstream: Target,
    own: Option<String>,
    breakage: Option<&'static Breakage>,
    number: AtomicU64,
}

/// The proxy as a router. `own` is the host and port it listens on: a `Host` or `Origin` that names
/// them is made to name the upstream's, all others go through as they are. Without a breakage it
/// only relays.
pub fn proxy(upstream: Target, own: Option<String>, breakage: Option<&'static Breakage>) -> Router {
    let relay = Relay { upstream, own, breakage, number: AtomicU64::new(0) };
    Router::new().fallback(relay_one).with_state(Arc::new(relay))
}

async fn relay_one(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 16 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut asked = Asked {
        method: parts.method,
        path,
        headers: parts.headers,
        body: body.to_vec(),
        origin: relay.upstream.origin(),
        number: relay.number.fetch_add(1, Ordering::Relaxed),
    };
    relay.rename(&mut asked.headers);
    if let Some(Breakage { how: How::Asked(change), .. }) = relay.breakage {
        change(&mut asked);
    }
    let mut answer = match relay.forward(&asked).await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error).into_response(),
    };
    if let Some(Breakage { how: How::Answered(change), .. }) = relay.breakage {
        change(&asked, &mut answer);
    }
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        answer.headers.remove(name);
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

impl Relay {
    /// Makes headers that name the proxy name the upstream.
    fn rename(&self, headers: &mut HeaderMap) {
        let Some(own) = &self.own else { return };
        let port = own.rsplit_once(':').map(|(_, port)| port).unwrap_or_default();
        let names = [own.clone(), format!("localhost:{port}"), format!("[::1]:{port}")];
        let (authority, origin) = (self.upstream.authority(), self.upstream.origin());
        for (name, prefix, to) in [("host", "", authority), ("origin", "http://", origin)] {
            let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
            headers.remove(name);
            for value in values {
                let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
                let ours = names.iter().any(|own| text == format!("{prefix}{own}"));
                let renamed = to.parse().ok().filter(|_| ours);
                if let Ok(name) = axum::http::HeaderName::from_bytes(name.as_bytes()) {
                    headers.append(name, renamed.unwrap_or(value));
                }
            }
        }
    }

    async fn forward(&self, asked: &Asked) -> Result<Answer, String> {
        let mut request = axum::http::Request::new(asked.body.clone());
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = asked.path.parse().map_err(|_| "this path cannot be relayed")?;
        *request.headers_mut() = asked.headers.clone();
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            request.headers_mut().remove(name);
        }
        self.upstream.send(request, "the upstream".into()).await
    }
}

impl Answer {
    /// Another body of JSON.
    fn put(&mut self, body: &Value) {
        self.body = body.to_string().into();
    }

    /// The body, if it is JSON.
    fn message(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A changed body of JSON.
    fn change(&mut self, change: impl FnOnce(&mut Value)) {
        let mut message = self.message();
        if !message.is_null() {
            change(&mut message);
            self.put(&message);
        }
    }

    /// A refusal with this status instead.
    fn refuse(&mut self, status: StatusCode) {
        self.status = status;
        self.put(&serde_json::json!({"error": "spoiled", "error_description": "spoiled"}));
        self.say("content-type", "application/json");
    }

    /// Another header.
    fn say(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
}
