//! A server and an issuer in one that answer as they should, but for what a test wants to be different.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    browser,
    world::{Done, Logins, with_browser},
};
use crate::support::{Seen, Server, modern};

pub const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
pub const ISSUER: &str = "/.well-known/oauth-authorization-server";

/// The server, and a folder for the logins there.
pub struct Fake {
    pub server: Server,
    pub logins: Logins,
}

/// What the server says of itself.
pub fn resource(origin: &str) -> Value {
    json!({
        "resource": format!("{origin}/mcp"), "authorization_servers": [origin],
        "scopes_supported": ["mcp:read", "mcp:tools"],
    })
}

/// What the issuer says of itself.
pub fn issuer(origin: &str) -> Value {
    json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize?kept=1"),
        "token_endpoint": format!("{origin}/token"),
        "registration_endpoint": format!("{origin}/register"),
        "revocation_endpoint": format!("{origin}/revoke"),
        "scopes_supported": ["mcp:read", "mcp:tools"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

pub fn origin(seen: &Seen) -> String {
    format!("http://{}", seen.header("host"))
}

pub fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// A 401 with this challenge.
pub fn challenge(text: &str) -> Response {
    (StatusCode::UNAUTHORIZED, [("www-authenticate", text.to_owned())]).into_response()
}

/// What a server answers a caller with a token that has too little: a 403 that names this scope.
pub fn wants(scope: &str, seen: &Seen) -> Option<Response> {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    (seen.path == "/mcp" && !seen.header("authorization").is_empty())
        .then(|| (StatusCode::FORBIDDEN, [("www-authenticate", challenge)]).into_response())
}

fn usual(seen: &Seen) -> Response {
    let origin = origin(seen);
    match seen.path.split('?').next().unwrap() {
        "/mcp" if seen.header("authorization") == "Bearer at-1" => modern(seen),
        "/mcp" => challenge(&format!("Bearer resource_metadata=\"{origin}{RESOURCE}\"")),
        RESOURCE => answer(200, resource(&origin)),
        ISSUER => answer(200, issuer(&origin)),
        "/register" => answer(201, json!({"client_id": "c-1"})),
        "/authorize" => StatusCode::OK.into_response(),
        "/token" => answer(200, token()),
        "/revoke" => StatusCode::OK.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A good answer of the token endpoint.
pub fn token() -> Value {
    json!({"access_token": "at-1", "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt-1"})
}

impl Fake {
    /// With something different.
    pub fn new(
        different: impl Fn(&Seen) -> Option<Response> + Clone + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(move |seen| different(seen).unwrap_or_else(|| usual(seen)));
        Self { server, logins: Logins::new() }
    }

    /// With other metadata of the issuer.
    pub fn with_issuer(change: impl Fn(&mut Value) + Clone + Send + Sync + 'static) -> Self {
        Self::new(move |seen| {
            (seen.path == ISSUER).then(|| {
                let mut document = issuer(&origin(seen));
                change(&mut document);
                answer(200, document)
            })
        })
    }

    /// With other metadata of the server.
    pub fn with_resource(change: impl Fn(&mut Value) + Clone + Send + Sync + 'static) -> Self {
        Self::new(move |seen| {
            (seen.path == RESOURCE).then(|| {
                let mut document = resource(&origin(seen));
                change(&mut document);
                answer(200, document)
            })
        })
    }

    /// With another answer of the token endpoint.
    pub fn with_token(say: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Self {
        Self::new(move |seen| (seen.path == "/token").then(&say))
    }

    /// Logs in; whoever is asked allows it.
    pub fn login(&self, args: &[&str]) -> Done {
        self.login_with(args, |link| back(link, |_| ()))
    }

    /// Logs in; `browser` opens the link.
    pub fn login_with(
        &self,
        args: &[&str],
        browser: impl FnOnce(&str) -> String + Send + 'static,
    ) -> Done {
        let mut command = self.logins.command("login");
        command.args([&self.server.url(), "--no-browser"]).args(args);
        with_browser(command, browser)
    }

    pub fn call(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.logins.command("call");
        command.arg(self.server.url()).args(args);
        command
    }

    /// The requests to this path so far.
    pub fn asked(&self, path: &str) -> Vec<Seen> {
        self.server
            .seen()
            .into_iter()
            .filter(|seen| seen.path.split('?').next() == Some(path))
            .collect()
    }

    /// That nobody was asked for a token: the login ended before.
    pub fn no_token_asked(&self) {
        assert!(self.asked("/token").is_empty(), "{:?}", self.server.seen());
        assert!(self.logins.files("logins").is_empty());
    }
}

/// The parameters of a link.
pub fn parameters(link: &str) -> Vec<(String, String)> {
    Url::parse(link).unwrap().query_pairs().into_owned().collect()
}

/// The value of one of them.
pub fn parameter(link: &str, name: &str) -> String {
    let found = parameters(link).into_iter().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{name} is missing in {link}")).1
}

/// Where the browser is sent back to, with a code; with something different.
pub fn back_to(link: &str, different: impl FnOnce(&mut Vec<(String, String)>)) -> String {
    let issuer = Url::parse(link).unwrap().origin().ascii_serialization();
    let state = parameter(link, "state");
    let pairs = [("code", "code-1".to_owned()), ("state", state), ("iss", issuer)];
    let mut pairs = pairs.map(|(name, value)| (name.to_owned(), value)).to_vec();
    different(&mut pairs);
    let mut url = Url::parse(&parameter(link, "redirect_uri")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// Goes there; the page.
pub fn back(link: &str, different: impl FnOnce(&mut Vec<(String, String)>)) -> String {
    browser::get(&back_to(link, different)).1
}

/// Gives a parameter another value.
pub fn set(pairs: &mut [(String, String)], name: &str, value: &str) {
    let pair = pairs.iter_mut().find(|(key, _)| key == name).unwrap();
    value.clone_into(&mut pair.1);
}
