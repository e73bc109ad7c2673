//! Who may knock?
//!
//! A web page that somebody visits can send requests to a server on his own machine; with DNS
//! rebinding it can even pretend to be on that machine. Two headers it cannot forge: `Origin`
//! says where the page came from, `Host` which name it used. Both must be exactly known (T2).
//! A program that is no browser sends no `Origin`, and is not kept out by any of this.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header::*},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mcp_auth::{refusal::refuse, settings::Origins};
use tracing::info;

/// The hosts and the origins that we know.
pub struct Rule {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Rule {
    /// A server with these names of its own, with this origin, and with whom the settings let in.
    pub fn new(mut hosts: Vec<String>, origin: String, settings: &Origins) -> Arc<Self> {
        hosts.extend(settings.allow_host.iter().map(ToString::to_string));
        let mut origins = vec![origin];
        origins.extend(settings.allow_origin.iter().map(ToString::to_string));
        Arc::new(Self { hosts, origins })
    }

    /// Exactly one `Host`, exactly one of ours: `localhost.evil.com` begins with `localhost` too.
    fn knows_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let hosts: Vec<_> =
            headers.get_all(HOST).iter().map(|h| h.to_str().unwrap_or("")).collect();
        let known = |host: &str| self.hosts.contains(&host.to_ascii_lowercase());
        let authority = uri.authority().is_none_or(|name| known(name.as_str())); // GET http://other/
        hosts.len() == 1 && known(hosts[0]) && authority
    }

    /// No `Origin`, or exactly one of ours; `null` is nobody's.
    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let origins: Vec<_> = headers.get_all(ORIGIN).iter().map(HeaderValue::to_str).collect();
        match origins[..] {
            [] => true,
            [Ok(origin)] => self.origins.iter().any(|known| known == origin),
            _ => false,
        }
    }
}

/// Lets in who is known, answers a browser's preflight, and refuses everybody else with 403.
pub async fn check(State(rule): State<Arc<Rule>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let probe = request.uri().path() == "/health"; // asked under any name
    if !probe && !rule.knows_host(request.uri(), headers) {
        return forbidden("host", headers.get(HOST));
    }
    if !rule.knows_origin(headers) {
        return forbidden("origin", headers.get(ORIGIN));
    }
    let Some(origin) = headers.get(ORIGIN).cloned() else { return next.run(request).await };
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let preflight = headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if preflight && request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let methods = HeaderValue::from_static("GET, POST, OPTIONS");
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        if let Some(asked) = asked {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        return readable_by(origin, response);
    }
    readable_by(origin, next.run(request).await)
}

/// Lets a page of this origin, and of no other, read the answer. A refusal too: the page must see
/// why, and where to get a token.
fn readable_by(origin: HeaderValue, mut response: Response) -> Response {
    let exposed = HeaderValue::from_static("WWW-Authenticate, X-Request-Id");
    response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    response
}

/// The caller learns that he is refused, the log learns what would let him in.
fn forbidden(what: &str, value: Option<&HeaderValue>) -> Response {
    let value = value.map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"));
    let value: String = value.chars().take(200).collect(); // nobody shall fill the log
    info!("refused: the {what} is {value}; --allow-{what} lets one in");
    refuse(StatusCode::FORBIDDEN, &format!("forbidden_{what}"), "not allowed here")
}
