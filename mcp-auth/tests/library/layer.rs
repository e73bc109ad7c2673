//! One layer around a server that knows nothing of tokens: who gets in, what is he told, and what reaches the server?

mod cache;
pub mod counts;
mod inner;
pub mod log;
mod rights;
mod sessions;
mod unread;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::IntoResponse as _,
};
use mcp_auth::{
    AuthLayer, Identity, VerifyError,
    call::ScopeTable,
    metadata::ProtectedResource,
    testing::Kind,
    verify::{Verdict, Verify},
};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceExt as _};

use crate::issuer::{AUDIENCE, NAME, NOW, new, shared, verifier};

const METADATA: &str = "http://localhost:9000/.well-known/oauth-protected-resource/mcp";

fn metadata() -> ProtectedResource {
    ProtectedResource::new(AUDIENCE, NAME, "mcp:read mcp:tools".parse().unwrap()).unwrap()
}

/// A layer for tokens of the shared issuer.
fn layer() -> AuthLayer {
    let layer = AuthLayer::new(metadata(), verifier(shared())).unwrap();
    layer.clock(shared().clock().clone()).first_scope("mcp:read")
}

/// A good token.
fn token(subject: &str, scope: &str) -> String {
    shared().token(subject).scope(scope).mint().unwrap()
}

fn post(token: &str, body: &Value) -> Request {
    let request = Request::post("/mcp").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {token}"));
    request.body(body.to_string().into()).unwrap()
}

fn call(method: &str, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name}})
}

/// Status, headers and body of an answer.
async fn answer(app: Router, request: Request) -> (StatusCode, HeaderMap, String) {
    let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// A server that answers with the name of the caller, and counts.
fn greeter() -> (Router, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let greet = async move |Extension(caller): Extension<Identity>, body: String| {
        count.fetch_add(1, Ordering::SeqCst);
        format!("{} {body}", caller.subject())
    };
    (Router::new().fallback(greet), asked)
}

#[tokio::test]
async fn the_caller_reaches_the_server_and_strangers_do_not() {
    let (server, asked) = greeter();
    let app = server.layer(layer());
    let good = post(&token("alice", "mcp:read"), &json!("hello"));
    let (status, _, body) = answer(app.clone(), good).await;
    assert_eq!((status, &*body), (StatusCode::OK, "alice \"hello\""));
    for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS, Method::PUT] {
        for path in ["/mcp", "/", "/health", "/.well-known/oauth-protected-resource/other"] {
            let request = Request::builder().method(method.clone()).uri(path);
            let request = request.body(Body::from("x")).unwrap();
            let (status, headers, body) = answer(app.clone(), request).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            let challenge = headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains(METADATA) && challenge.contains("scope=\"mcp:read\""));
            assert!(!challenge.contains("error") && !body.contains("\"error\""), "{challenge}");
        }
    }
    let twice = Request::post("/mcp").header("authorization", "Bearer a b").body(Body::empty());
    assert_eq!(answer(app, twice.unwrap()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_header_may_have_8192_bytes_or_as_many_as_were_set() {
    let app = |layer: AuthLayer| greeter().0.layer(layer);
    for (layer, bytes, expected) in [
        (layer(), 8192, 401),
        (layer(), 8193, 400),
        (layer().max_authorization(100), 100, 401),
        (layer().max_authorization(100), 101, 400),
    ] {
        let token = "x".repeat(bytes - "Bearer ".len());
        let (status, headers, _) = answer(app(layer), post(&token, &json!({}))).await;
        assert_eq!(status.as_u16(), expected, "{bytes}");
        let error = if expected == 400 { "invalid_request" } else { "invalid_token" };
        assert!(headers["www-authenticate"].to_str().unwrap().contains(error), "{bytes}");
    }
}

#[tokio::test]
async fn no_bad_token_gets_in_whatever_the_server() {
    let issuer = new().with_scope("mcp:read");
    let auth = || {
        let layer = AuthLayer::new(metadata(), verifier(&issuer)).unwrap();
        layer.first_scope("mcp:read").clock(issuer.clock().clone())
    };
    let scopes = ScopeTable::new("mcp:read");
    for layer in [auth().mcp_scopes(scopes.clone()), auth().no_cache().mcp_scopes(scopes)] {
        let app = Router::new().fallback(async || "in").layer(layer);
        let report = issuer.refuses_bad_tokens(app, AUDIENCE).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.tried(), Kind::all().count());
    }
    let bare = tower::service_fn(async |_: Request| {
        Ok::<_, std::convert::Infallible>("in".into_response())
    });
    let guarded = auth().mcp_scopes(ScopeTable::new("mcp:read")).layer(bare);
    let report = issuer.refuses_bad_tokens(guarded, AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn the_metadata_is_for_everybody_at_both_addresses() {
    let (server, asked) = greeter();
    let app = server.layer(layer());
    for (method, path, expected) in [
        ("GET", "/.well-known/oauth-protected-resource", 200),
        ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
        ("HEAD", "/.well-known/oauth-protected-resource/mcp", 200),
        ("POST", "/.well-known/oauth-protected-resource/mcp", 401),
        ("GET", "/.well-known/oauth-protected-resource/mcp/", 401),
        ("GET", "/x/.well-known/oauth-protected-resource", 401),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (status, _, body) = answer(app.clone(), request).await;
        assert_eq!(status.as_u16(), expected, "{method} {path}");
        if method == "GET" && expected == 200 {
            let document: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(document["resource"], AUDIENCE);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn whoever_cannot_tell_says_so() {
    struct NoKeys;
    impl Verify for NoKeys {
        fn verify<'a>(&'a self, _: &'a str, _: i64) -> Verdict<'a> {
            let retry_after = std::time::Duration::from_secs(7);
            Box::pin(async move { Err(VerifyError::Unavailable { retry_after }) })
        }
    }
    let app = Router::new().fallback(async || "in");
    let app = app.layer(AuthLayer::new(metadata(), NoKeys).unwrap());
    let counts = counts::Counts::default();
    let (_counting, (log, _logging)) = (counts.begin(), log::Log::begin());
    let (status, headers, _) = answer(app, post("x", &json!({}))).await;
    assert_eq!((status.as_u16(), &headers["retry-after"]), (503, &"7".parse().unwrap()));
    assert_eq!(counts.of("mcp_auth_refusals_total{unavailable}"), 1.0);
    let lines = log.lines();
    let said = " WARN mcp_auth::door: refused: the token cannot be checked now; try again in 7 s";
    assert_eq!(lines, [said]);
}
