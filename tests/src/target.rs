//! What does a contract talk to? A router in this process, or a URL.

use std::fmt;

use axum::{
    Router,
    http::{Method, Uri},
};
use serde_json::{Value, json};

use crate::{
    Answer, Call,
    issuer::Issuer,
    reach::{Reach, client},
};

/// The current protocol revision.
pub const MODERN: &str = "2026-07-28";
/// The newest revision of the old wire format.
pub const LEGACY: &str = "2025-11-25";

/// A bearer token. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A server under test.
#[derive(Clone, Debug)]
pub struct Target {
    reach: Reach,
    resource: Uri,
    issuer: Option<Issuer>,
    proxied: bool,
    /// Sent with every request, unless a promise is about something else. For a server with a door:
    /// a token with all scopes.
    pub caller: Option<Token>,
    /// It is to keep the contracts 1 to this one.
    pub step: u8,
}

impl Target {
    /// A router in this process, whose endpoint clients would know as `resource`.
    ///
    /// # Errors
    /// When `resource` is not an absolute URL.
    pub fn app(router: Router, resource: &str, step: u8) -> Result<Self, String> {
        Self::new(Reach::App(router), resource, step)
    }

    /// A server somewhere, by the URL of its MCP endpoint.
    ///
    /// # Errors
    /// When that is not an absolute URL.
    pub fn url(endpoint: &str, step: u8) -> Result<Self, String> {
        let uri = absolute(endpoint)?;
        let client = client(uri.scheme_str() == Some("http"))?;
        let root = root(&uri);
        Self::new(Reach::Url { client, root }, endpoint, step)
    }

    fn new(reach: Reach, resource: &str, step: u8) -> Result<Self, String> {
        Ok(Self {
            reach,
            resource: absolute(resource)?,
            caller: None,
            issuer: None,
            proxied: false,
            step,
        })
    }

    /// The same server, which calls itself `resource`: for one behind a proxy. What the wire shows is then the
    /// proxy's, and is not asked.
    ///
    /// # Errors
    /// When that is not an absolute URL.
    pub fn known_as(self, resource: &str) -> Result<Self, String> {
        Ok(Self { resource: absolute(resource)?, proxied: true, ..self })
    }

    /// The same server, reached through this router.
    #[must_use]
    pub fn through(self, proxy: Router) -> Self {
        Self { reach: Reach::App(proxy), ..self }
    }

    /// The same server, asked with this token.
    pub fn with_caller(self, caller: Option<Token>) -> Self {
        Self { caller, ..self }
    }

    /// The same server, which trusts the keys of this issuer.
    #[must_use]
    pub fn with_issuer(self, issuer: Issuer) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Who signs tokens that the server trusts, if we can.
    #[must_use]
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The endpoint as clients know it, and the audience of their tokens.
    pub fn resource(&self) -> String {
        format!("{}{}", self.origin(), self.endpoint_path())
    }

    /// Scheme, host and port, as a browser writes them into `Origin`.
    pub fn origin(&self) -> String {
        root(&self.resource)
    }

    /// The server as clients know it: its endpoint without `/mcp`.
    #[must_use]
    pub fn public_url(&self) -> String {
        let resource = self.resource();
        resource.strip_suffix("/mcp").unwrap_or(&resource).to_owned()
    }

    /// The host, without its port.
    #[must_use]
    pub fn host(&self) -> String {
        self.resource.host().unwrap_or_default().to_ascii_lowercase()
    }

    /// Host and port, as they stand in `Host`.
    pub fn authority(&self) -> String {
        self.resource.authority().map(ToString::to_string).unwrap_or_default()
    }

    /// The path of the endpoint; empty for a server whose URL has none.
    #[must_use]
    pub fn endpoint_path(&self) -> &str {
        let path = self.resource.path();
        if path == "/" { "" } else { path }
    }

    /// Where bytes can be sent to, for promises that only the wire can show: host and port of a
    /// plain HTTP URL.
    pub fn wire(&self) -> Option<String> {
        let Reach::Url { root, .. } = &self.reach else { return None };
        if self.proxied {
            return None;
        }
        let address = root.strip_prefix("http://")?;
        let has_port = address.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        Some(if has_port { address.to_owned() } else { format!("{address}:80") })
    }

    /// A request to a path of the server's root, such as `/health`.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// `GET` a path of the server's root.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A request to the endpoint.
    pub fn endpoint(&self, method: Method) -> Call<'_> {
        self.call(method, self.resource.path())
    }

    /// JSON posted to the endpoint, without any header of an era.
    pub fn post(&self, body: impl Into<String>) -> Call<'_> {
        self.endpoint(Method::POST)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.into())
    }

    /// A request in the current revision: `_meta` complete, and the headers that repeat it.
    pub fn modern(&self, method: &str, params: Value) -> Call<'_> {
        self.modern_message(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    }

    /// A notification in the current revision.
    pub fn modern_notification(&self, method: &str) -> Call<'_> {
        self.modern_message(json!({"jsonrpc": "2.0", "method": method, "params": {}}))
    }

    fn modern_message(&self, mut message: Value) -> Call<'_> {
        message["params"]["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let method = message["method"].as_str().unwrap_or_default();
        let named = if method == "resources/read" { "uri" } else { "name" };
        let name = message["params"][named].as_str().map(str::to_owned);
        let call = self
            .post(message.to_string())
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method)
            .named(format!("{method} ({MODERN})"));
        match name {
            Some(name) => call.header("mcp-name", name),
            None => call,
        }
    }

    /// A request in the wire format of 2025.
    pub fn legacy(&self, method: &str, params: Value) -> Call<'_> {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(message.to_string())
            .header("mcp-protocol-version", LEGACY)
            .named(format!("{method} ({LEGACY})"))
    }

    /// A notification in the wire format of 2025.
    pub fn legacy_notification(&self, method: &str) -> Call<'_> {
        self.post(json!({"jsonrpc": "2.0", "method": method}).to_string())
            .header("mcp-protocol-version", LEGACY)
            .named(format!("{method} without an id ({LEGACY})"))
    }

    /// Sends a finished request.
    pub(crate) async fn send(
        &self,
        request: axum::http::Request<Vec<u8>>,
        named: String,
    ) -> Result<Answer, String> {
        match self.reach.send(request).await {
            Err(error) => Err(format!("{named}: {error}")),
            Ok(answer) => Ok(Answer { to: named, ..answer }),
        }
    }
}

fn absolute(url: &str) -> Result<Uri, String> {
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
    })
    .ok_or_else(|| format!("{url:?} is not the URL of a server, such as http://localhost:9000/mcp"))
}

/// Scheme, host and port of a URL.
pub(crate) fn root_of(url: &str) -> Option<String> {
    absolute(url).ok().map(|uri| root(&uri))
}

fn root(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    format!("{scheme}://{}", uri.authority().map(|name| name.as_str()).unwrap_or_default())
}
