//! Which key signs, and does everybody know it by then?

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    Clock,
    algorithm::Algorithm,
    issuer::{files::KeyFiles, keys::Alg},
    jwks::{KeySet, parse_foreign},
    jwt::{Policy, Verifier},
};
use mcp_auth_server::{
    AuthorizationServer,
    client::{Client, Proof, Source},
    signing::{OVERLAP, PUBLISHED},
    store::{Store, hash},
};
use serde_json::Value;
use tower::ServiceExt as _;

const ISSUER: &str = "https://as.example/team";
const RESOURCE: &str = "https://mcp.example/mcp";
const SECRET: &str = "a secret of a good length";

struct Server {
    app: axum::Router,
    files: KeyFiles,
    now: Arc<AtomicI64>,
}

impl Server {
    async fn start(files: KeyFiles, alg: Alg, now: i64) -> Self {
        let now = Arc::new(AtomicI64::new(now));
        let told = now.clone();
        let job = Client {
            id: "job".into(),
            name: None,
            redirects: Vec::new(),
            scope: None,
            proof: Proof::Secret(hash(SECRET)),
            may_ask_people: false,
            may_refresh: false,
            may_act_alone: true,
            source: Source::File,
        };
        let server = AuthorizationServer::builder(ISSUER, [RESOURCE])
            .scope("mcp:read", "read")
            .algorithm(alg)
            .clients([("job".to_owned(), job)].into())
            .clock(Clock::new(move || told.load(SeqCst)))
            .build(files.clone(), Store::in_memory().await.unwrap())
            .await;
        Self { app: server.unwrap().routes(), files, now }
    }

    async fn ask(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Request::get(path).header("host", "as.example").body(Body::empty()).unwrap()).await
    }

    async fn token(&self) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id=job&client_secret={}",
            SECRET.replace(' ', "+")
        );
        let request = Request::post("/team/token")
            .header("host", "as.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form));
        let (status, body) = self.ask(request.unwrap()).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// The key set as somebody may have kept it.
    async fn keys(&self) -> Arc<KeySet> {
        let (status, keys) = self.get("/team/jwks.json").await;
        assert_eq!(status, 200);
        let keys = parse_foreign(keys.to_string().as_bytes()).unwrap();
        let now = self.now.clone();
        KeySet::fixed(keys, Clock::new(move || now.load(SeqCst)))
    }

    async fn is_good(&self, token: &str, keys: &Arc<KeySet>) -> bool {
        let policy = Policy::new(ISSUER, RESOURCE).algorithms([
            Algorithm::Es256,
            Algorithm::Rs256,
            Algorithm::EdDsa,
        ]);
        Verifier::with_policy(keys.clone(), policy).verify(token, self.now.load(SeqCst)).is_ok()
    }

    /// Lets time go on, and the server look at its keys.
    async fn later(&self, seconds: i64) {
        self.now.fetch_add(seconds, SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(1010)).await; // it looks once a second of the real clock
    }
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rotation_refuses_nobody_not_even_who_has_kept_the_keys_for_as_long_as_he_may() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(KeyFiles::new(folder.path().join("keys")), Alg::Es256, 1_800_000_000).await;
    let (old, kept) = (server.token().await, server.keys().await);
    let now = server.now.load(SeqCst);
    let new = server.files.rotate(Alg::Es256, 0, OVERLAP, now).unwrap().kid().to_owned();
    let request = Request::get("/team/jwks.json").header("host", "as.example");
    let answer = server.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let lifetime = answer.headers()["cache-control"].to_str().unwrap();
    assert_eq!(
        lifetime,
        format!("public, max-age={PUBLISHED}"),
        "whoever keeps them longer misses the new one"
    );
    server.later(PUBLISHED - 1).await;
    let between = server.token().await;
    assert_eq!(kid(&between), kid(&old), "the new key waits until everybody can know it");
    assert!(server.is_good(&between, &kept).await);
    let fetched = server.keys().await;
    server.later(1).await;
    let after = server.token().await;
    assert_eq!(kid(&after), new);
    assert!(server.is_good(&after, &fetched).await, "whoever fetched within a minute knows it");
    for token in [&old, &between] {
        assert!(
            server.is_good(token, &server.keys().await).await,
            "what the old key signed is good until it ends"
        );
    }
    assert_eq!(server.get("/ready").await.0, 200);
    std::fs::write(server.files.jwks(), "nonsense").unwrap();
    server.later(0).await;
    assert_eq!(server.get("/ready").await.0, 503, "the keys cannot be read");
}

#[tokio::test]
async fn another_algorithm_is_a_rotation_too() {
    for (alg, name) in [(Alg::Rs256, "RS256"), (Alg::EdDsa, "EdDSA")] {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::new(folder.path().join("keys"));
        let before = Server::start(files.clone(), Alg::Es256, 1_800_000_000).await;
        let old = before.token().await;
        let server = Server::start(files, alg, 1_800_000_010).await;
        let (first, kept) = (server.token().await, server.keys().await);
        assert_eq!(kid(&first), kid(&old));
        server.later(PUBLISHED).await;
        let second = server.token().await;
        assert_ne!(kid(&second), kid(&old));
        let header = URL_SAFE_NO_PAD.decode(second.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&name.into(), &"at+jwt".into()));
        for token in [&old, &first, &second] {
            assert!(server.is_good(token, &kept).await);
        }
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_where_clients_look() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(KeyFiles::new(folder.path().join("keys")), Alg::Es256, 1_800_000_000).await;
    for path in [
        "/.well-known/oauth-authorization-server/team",
        "/team/.well-known/oauth-authorization-server",
    ] {
        let (status, document) = server.get(path).await;
        assert_eq!((status, &document["issuer"]), (200, &ISSUER.into()), "{path}");
        for (name, end) in [
            ("authorization_endpoint", "/authorize"),
            ("token_endpoint", "/token"),
            ("jwks_uri", "/jwks.json"),
            ("registration_endpoint", "/register"),
            ("revocation_endpoint", "/revoke"),
            ("introspection_endpoint", "/introspect"),
        ] {
            assert_eq!(document[name], format!("{ISSUER}{end}"), "{name}");
            let path = format!("/team{end}");
            assert_ne!(server.get(&path).await.0, 404, "{path} is there");
        }
    }
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/team",
        "/team/.well-known/openid-configuration",
    ] {
        assert_eq!(server.get(path).await.0, 404, "{path}: it gives no ID tokens");
    }
}
