//! Do the examples keep what their comments promise? The official SDK and an axum server behind the layer.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use mcp_auth::testing::Issuer;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::issuer::{AUDIENCE, NAME};

#[allow(dead_code)] // its `main`
#[path = "../../examples/axum.rs"]
mod axum_server;
#[allow(dead_code)]
#[path = "../../examples/rmcp_keycloak.rs"]
mod rmcp_keycloak;

/// An issuer of now: the layer of an example has the system's clock.
fn issuer() -> &'static Issuer {
    static ISSUER: std::sync::LazyLock<Issuer> = std::sync::LazyLock::new(|| {
        Issuer::new(NAME, AUDIENCE).unwrap().with_scope("mcp:read mcp:tools")
    });
    &ISSUER
}

fn verifier() -> mcp_auth::jwt::Verifier {
    crate::issuer::verifier(issuer())
}

/// Status, headers and the JSON of an answer, be it in a stream or not.
async fn ask(
    app: &Router,
    token: &str,
    session: Option<&str>,
    body: &Value,
) -> (u16, HeaderMap, Value) {
    let mut request = Request::post("/mcp")
        .header("host", "localhost:9000")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", format!("Bearer {token}"));
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    if body["params"]["_meta"].is_object() {
        request = request.header("mcp-protocol-version", "2026-07-28");
        request = request.header("mcp-method", body["method"].as_str().unwrap());
        if let Some(name) = body["params"]["name"].as_str() {
            request = request.header("mcp-name", name);
        }
    } else if session.is_some() {
        request = request.header("mcp-protocol-version", "2025-11-25");
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let text = to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let json = events.map(str::trim).rfind(|data| !data.is_empty()).unwrap_or(&text);
    (parts.status.as_u16(), parts.headers, serde_json::from_str(json).unwrap_or_default())
}

fn token(subject: &str, scope: &str) -> String {
    issuer().token(subject).scope(scope).mint().unwrap()
}

fn modern(method: &str, name: Option<&str>) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut message =
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta}});
    if let Some(name) = name {
        message["params"]["name"] = name.into();
        message["params"]["arguments"] = json!({"message": "hello"});
    }
    message
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    }})
}

fn old(name: &str) -> Value {
    let params = json!({"name": name, "arguments": {"message": "hello"}});
    json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_axum_server_greets_its_caller_and_refuses_bad_tokens() {
    let app = axum_server::app(NAME, verifier()).unwrap();
    let (status, _, body) = ask(&app, &token("alice", "mcp:read"), None, &json!({})).await;
    assert_eq!((status, &body["hello"]), (200, &json!("alice")));
    let health = Request::get("/health").body(Body::empty()).unwrap();
    assert_eq!(app.clone().oneshot(health).await.unwrap().status().as_u16(), 200);
    let report = issuer().refuses_bad_tokens(app, AUDIENCE).await;
    let scopeless = |failure: &&mcp_auth::testing::Failure| failure.kind.starts_with("scope");
    let others: Vec<_> = report.failures().iter().filter(|failure| !scopeless(failure)).collect();
    assert!(others.is_empty(), "{report}");
}

#[tokio::test]
async fn the_sdk_of_the_modern_era_calls_by_scope_and_knows_its_caller() {
    let app = rmcp_keycloak::app(NAME, verifier(), true).unwrap();
    let (alice, bob) = (token("alice", "mcp:read mcp:tools"), token("bob", "mcp:read"));
    let (status, _, answer) = ask(&app, &alice, None, &modern("tools/call", Some("whoami"))).await;
    assert_eq!((status, text(&answer)), (200, &*format!("alice of {NAME}")), "{answer}");
    let (status, _, answer) = ask(&app, &alice, None, &modern("tools/call", Some("echo"))).await;
    assert_eq!((status, text(&answer)), (200, "hello"), "{answer}");
    let (status, _, answer) = ask(&app, &bob, None, &modern("tools/list", None)).await;
    assert_eq!(answer["result"]["tools"].as_array().map(Vec::len), Some(3), "{status} {answer}");
    let (status, headers, _) = ask(&app, &bob, None, &modern("tools/call", Some("echo"))).await;
    assert_eq!(status, 403);
    assert!(headers["www-authenticate"].to_str().unwrap().contains("scope=\"mcp:tools\""));
    let (status, ..) = ask(&app, &alice, None, &modern("tools/call", Some("forget"))).await;
    assert_eq!(status, 403, "this tool needs more");
    let chief = issuer().token("chief").scope("mcp:tools").roles(["admin"]).mint().unwrap();
    let (status, _, answer) = ask(&app, &chief, None, &modern("tools/call", Some("forget"))).await;
    assert_eq!((status, text(&answer)), (200, "forgotten"));
}

#[tokio::test]
async fn a_session_of_the_sdk_belongs_to_whom_it_was_given() {
    let app = rmcp_keycloak::app(NAME, verifier(), true).unwrap();
    let (alice, bob) = (token("alice", "mcp:read mcp:tools"), token("bob", "mcp:read mcp:tools"));
    let (status, headers, answer) = ask(&app, &alice, None, &initialize()).await;
    assert_eq!((status, answer["result"]["protocolVersion"].as_str()), (200, Some("2025-11-25")));
    let session = headers["mcp-session-id"].to_str().unwrap();
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(ask(&app, &alice, Some(session), &initialized).await.0, 202);
    let (status, _, answer) = ask(&app, &alice, Some(session), &old("whoami")).await;
    assert_eq!((status, text(&answer)), (200, &*format!("alice of {NAME}")), "{answer}");
    let (status, _, answer) = ask(&app, &bob, Some(session), &old("whoami")).await;
    let (unknown, _, same) = ask(&app, &bob, Some("no-such-session"), &old("whoami")).await;
    assert_eq!((status, &answer), (unknown, &same), "as an unknown session");
    assert!((400..500).contains(&status), "{status}");
    let next = issuer().token("alice").scope("mcp:tools").lifetime(7200).mint().unwrap();
    let (status, _, answer) = ask(&app, &next, Some(session), &old("echo")).await;
    assert_eq!((status, text(&answer)), (200, "hello"), "her next token goes on");
    let (status, ..) = ask(&app, &next, Some(session), &old("forget")).await;
    assert_eq!(status, 403);
    let delete = |token: &str, session: &str| {
        let request = Request::delete("/mcp").header("authorization", format!("Bearer {token}"));
        let request = request.header("host", "localhost:9000").header("mcp-session-id", session);
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let (his, unknown) = (delete(&bob, session).await, delete(&bob, "no-such-session").await);
    assert_eq!(his.unwrap().status(), unknown.unwrap().status());
    assert_eq!(ask(&app, &alice, Some(session), &old("echo")).await.0, 200, "it is still there");
    assert!(delete(&alice, session).await.unwrap().status().is_success());
    assert_ne!(ask(&app, &alice, Some(session), &old("echo")).await.0, 200, "now it is gone");
}

#[tokio::test]
async fn the_sdk_without_sessions_serves_the_old_era_too() {
    let app = rmcp_keycloak::app(NAME, verifier(), false).unwrap();
    let alice = token("alice", "mcp:read mcp:tools");
    assert_eq!(ask(&app, &alice, None, &initialize()).await.0, 200);
    let (status, _, answer) = ask(&app, &alice, None, &old("whoami")).await;
    assert_eq!((status, text(&answer)), (200, &*format!("alice of {NAME}")), "{answer}");
    assert_eq!(ask(&app, &token("bob", "mcp:read"), None, &old("whoami")).await.0, 403);
}

#[tokio::test]
async fn the_sdk_behind_the_layer_refuses_bad_tokens() {
    let app = rmcp_keycloak::app(NAME, verifier(), true).unwrap();
    let report = issuer().refuses_bad_tokens(app, AUDIENCE).await;
    assert!(report.is_clean(), "{report}");
}

/// A page in somebody's browser can send requests to his own machine. It is sent away before its token is looked at,
/// so that it learns nothing from the answer, and a token that it has stolen opens nothing here.
#[tokio::test]
async fn a_foreign_host_or_page_is_refused_whatever_the_token() {
    let servers = [
        axum_server::app(NAME, verifier()).unwrap(),
        rmcp_keycloak::app(NAME, verifier(), true).unwrap(),
        rmcp_keycloak::app(NAME, verifier(), false).unwrap(),
    ];
    let good = format!("Bearer {}", token("alice", "mcp:read mcp:tools"));
    let ours = "localhost:9000";
    for app in &servers {
        let status = async |path: &str, host: Option<&str>, page: Option<&str>, token: &str| {
            let mut request = Request::post(path)
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream");
            for (name, value) in [("host", host), ("origin", page), ("authorization", Some(token))]
            {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    request = request.header(name, value);
                }
            }
            let request = request.body(Body::from(initialize().to_string())).unwrap();
            app.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        for token in [&*good, "Bearer nonsense", ""] {
            for host in ["evil.example", "evil.example:9000", "localhost", "localhost:9001"] {
                assert_eq!(status("/mcp", Some(host), None, token).await, 403, "{host} {token}");
            }
            assert_eq!(status("/mcp", None, None, token).await, 403, "no host");
            for page in ["http://evil.example", "null", "http://localhost:9001"] {
                let answered = status("/mcp", Some(ours), Some(page), token).await;
                assert_eq!(answered, 403, "{page} {token}");
            }
            assert_eq!(status("/other", Some("evil.example"), None, token).await, 403);
        }
        for host in [ours, "127.0.0.1:9000"] {
            assert_eq!(status("/mcp", Some(host), None, &good).await, 200, "{host}");
            assert_eq!(status("/mcp", Some(host), None, "").await, 401, "{host}");
            assert_eq!(status("/mcp", Some(host), Some(NAME), &good).await, 200, "our own page");
        }
        for (host, expected) in [(ours, 200), ("evil.example", 403)] {
            let metadata = Request::get("/.well-known/oauth-protected-resource/mcp");
            let metadata = metadata.header("host", host).body(Body::empty()).unwrap();
            assert_eq!(app.clone().oneshot(metadata).await.unwrap().status().as_u16(), expected);
        }
    }
}
