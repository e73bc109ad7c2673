//! A server, and what it answers.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    Clock, ScopeSet,
    algorithm::Algorithm,
    issuer::files::KeyFiles,
    jwks::KeySet,
    jwt::{Policy, Verifier},
};
use mcp_auth_server::{
    AuthorizationServer, Builder,
    client::{Client, Proof, Source},
    people::People,
    store::{Store, hash},
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const ISSUER: &str = "http://localhost:9100";
pub const RESOURCE: &str = "http://localhost:9000/mcp";
pub const NOW: i64 = 1_800_000_000;
/// Of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const WEB: &str = "https://app.example/callback";
pub const LOCAL: &str = "http://localhost/callback";
/// Of the client `secret` and of the resource servers.
pub const SECRET: &str = "a secret that nobody else has heard of";
/// A resource server that no token here is for.
pub const OTHER: &str = "https://other.example/mcp";

pub struct World {
    /// What time it is there.
    now: Arc<AtomicI64>,
    issuer: String,
    pub app: Router,
    pub keys: Arc<KeySet>,
    folder: TempDir,
}

fn client(id: &str, redirect: &str, proof: Proof) -> (String, Client) {
    let client = Client {
        id: id.to_owned(),
        name: Some(format!("The {id} program")),
        redirects: vec![redirect.to_owned()],
        scope: None,
        proof,
        may_ask_people: true,
        may_refresh: true,
        may_act_alone: false,
        source: Source::File,
    };
    (id.to_owned(), client)
}

/// The PKCE challenge of a verifier.
pub fn challenge(verifier: &str) -> String {
    hash(verifier)
}

impl World {
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// With something different.
    pub async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::called(ISSUER, change).await
    }

    /// With another name, and something different.
    pub async fn called(issuer: &str, change: impl FnOnce(Builder) -> Builder) -> Self {
        // on a disk, where several connections read and one writes
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("database")).await.unwrap();
        Self::keeping(store, folder, issuer, change).await
    }

    /// That keeps everything in memory, by one connection.
    pub async fn in_memory() -> Self {
        let (store, folder) = (Store::in_memory().await.unwrap(), tempfile::tempdir().unwrap());
        Self::keeping(store, folder, ISSUER, |builder| builder).await
    }

    async fn keeping(
        store: Store,
        folder: TempDir,
        issuer: &str,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let files = KeyFiles::new(folder.path().join("keys"));
        let set = |scopes: &str| scopes.parse::<ScopeSet>().unwrap();
        let rights = [("user", set("mcp:read mcp:tools")), ("guest", set("mcp:read"))];
        let people = People::new(rights.map(|(role, scopes)| (role.to_owned(), scopes)));
        let people = people.with("alice", "a good password", &["user"]).unwrap();
        let people = people.with("gus", "another password", &["guest"]).unwrap();
        let clients = HashMap::from([
            client("local", LOCAL, Proof::Public),
            client("web", WEB, Proof::Public),
            client("neighbour", "http://localhost/neighbour", Proof::Public),
            client("secret", WEB, Proof::Secret(hash(SECRET))),
            client(RESOURCE, WEB, Proof::Secret(hash(SECRET))),
            client(OTHER, WEB, Proof::Secret(hash(SECRET))),
        ]);
        let now = Arc::new(AtomicI64::new(NOW));
        let time = now.clone();
        let clock = Clock::new(move || time.load(Relaxed));
        let builder = AuthorizationServer::builder(issuer, [RESOURCE])
            .scope("mcp:read", "read what the server shows")
            .scope("mcp:tools", "use its tools")
            .people(people)
            .clients(clients)
            .clock(clock.clone());
        let server = change(builder).build(files.clone(), store).await.unwrap();
        let keys = KeySet::of_any_kind(files.jwks(), clock);
        Self { app: server.routes(), keys, now, issuer: issuer.to_owned(), folder }
    }

    /// What the server has kept.
    pub async fn store(&self) -> Store {
        Store::open(&self.database()).await.unwrap()
    }

    /// Where it keeps it.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("database")
    }

    /// What a resource server thinks of an access token.
    pub fn verifier(&self) -> Verifier {
        let policy = Policy::new(ISSUER, RESOURCE).algorithms([Algorithm::Es256]);
        Verifier::with_policy(self.keys.clone(), policy)
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Relaxed);
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let host = self.issuer.split_once("://").unwrap().1.parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// A form that a program sends.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(encoded(fields)))
            .unwrap();
        self.send(request).await
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.form("/token", fields).await
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    /// A parameter of the address that the browser is sent to.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?')?;
        let form = mcp_auth::issuer::form::Form::parse(query.as_bytes()).unwrap();
        form.one(name).unwrap().map(str::to_owned)
    }

    /// The value of a hidden field of a page.
    pub fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let rest = self.text.split_once(&field).unwrap_or_else(|| panic!("{}", self.text)).1;
        rest.split_once('"').unwrap().0.replace("&amp;", "&")
    }
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    let letter = |b: u8| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    let escape = |text: &str| text.bytes().map(letter).collect::<String>();
    let pairs: Vec<_> =
        fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect();
    pairs.join("&")
}

/// A request as a client writes it, with other values for some parameters; an empty one is left out.
pub fn request(client: &str, redirect: &str, others: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("state", "a state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
        ("scope", "mcp:read mcp:tools"),
    ];
    for (name, value) in others {
        fields.retain(|(other, _)| other != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    format!("/authorize?{}", encoded(&fields))
}

/// The claims of a token, not checked.
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
