//! How does a program get a token? What the small authorization server takes, gives, and never says.

mod metadata;

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request},
    middleware::from_fn_with_state,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::stream;
use mcp_auth::{
    Clock,
    issuer::{
        client::Client,
        files::KeyFiles,
        server::{Issuer, IssuerError, LIFETIME},
    },
    jwks::KeySet,
    jwt::Verifier,
    limits::{self, Limits},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::issuer::{AUDIENCE, NAME, NOW};

const FORM: &str = "application/x-www-form-urlencoded";
const RIGHT: &str =
    "grant_type=client_credentials&client_id=it&client_secret=a-secret-of-a-good-length";

/// A folder with a key.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    KeyFiles::new(folder.path()).ensure().unwrap();
    folder
}

/// An issuer with the keys of a folder.
fn issuer(folder: &TempDir) -> Issuer {
    named(NAME, folder).unwrap()
}

fn named(name: &str, folder: &TempDir) -> Result<Issuer, IssuerError> {
    let client = Client::new("it", "a-secret-of-a-good-length").unwrap();
    let scopes = "mcp:read mcp:tools".parse().unwrap();
    let (keys, clock) = (KeyFiles::new(folder.path()), Clock::new(|| NOW));
    Issuer::new(name.into(), AUDIENCE.into(), scopes, client, keys, clock)
}

/// Status, headers and body of the answer to a request, by an issuer with the keys of a folder.
async fn answer(folder: &TempDir, request: Request<Body>) -> (u16, HeaderMap, String) {
    let (parts, body) = issuer(folder).routes().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn post(kind: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/token").header("content-type", kind).body(body.into()).unwrap()
}

/// Status and document for a form that adds this to a right one.
async fn ask(folder: &TempDir, more: &str) -> (u16, Value) {
    let (status, _, body) = answer(folder, post(FORM, format!("{RIGHT}{more}"))).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// A part of a token.
fn part(token: &Value, at: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_says_for_whom_it_is_until_when_and_is_not_kept() {
    let folder = folder();
    let (status, headers, body) = answer(&folder, post(FORM, RIGHT)).await;
    assert_eq!((status, &headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    assert_eq!(headers["pragma"], "no-cache");
    let told: Value = serde_json::from_str(&body).unwrap();
    let rest = (&told["token_type"], &told["expires_in"], &told["scope"]);
    assert_eq!(rest, (&json!("Bearer"), &json!(300), &json!("mcp:read mcp:tools")));
    assert_eq!(part(&told["access_token"], 0)["typ"], "at+jwt", "RFC 9068 §2.1");
    let mut claims = part(&told["access_token"], 1);
    let id = claims["jti"].take();
    assert!(id.as_str().is_some_and(|id| id.len() >= 16), "{id}");
    let expected = json!({
        "iss": NAME, "aud": AUDIENCE, "sub": "it", "client_id": "it", "scope": "mcp:read mcp:tools",
        "iat": NOW, "exp": NOW + 300, "jti": null,
    });
    assert_eq!(claims, expected);
    let next = ask(&folder, "&scope=mcp:read").await.1;
    let claims = part(&next["access_token"], 1);
    assert_ne!(claims["jti"], id, "each token has an id of its own");
    assert_eq!((&claims["scope"], &next["scope"]), (&json!("mcp:read"), &json!("mcp:read")));
}

#[tokio::test]
async fn a_client_that_knows_its_secret_gets_a_token_that_the_verifier_takes() {
    let folder = folder();
    let told = ask(&folder, "&scope=mcp%3Aread").await.1;
    let keys = KeySet::new(KeyFiles::new(folder.path()).jwks(), Clock::new(|| NOW));
    let verifier = Verifier::new(keys, NAME.into(), AUDIENCE.into(), Duration::ZERO);
    let verify = |now| verifier.verify(told["access_token"].as_str().unwrap(), now);
    let who = verify(NOW + LIFETIME - 1).unwrap();
    assert_eq!((who.subject(), who.client()), ("it", Some("it")));
    assert_eq!(who.scopes().to_string(), "mcp:read");
    assert!(verify(NOW + LIFETIME).is_err(), "it has ended");
}

/// The answer to a form of a client that says who it is in the header.
async fn ask_as(folder: &TempDir, basic: Option<&str>, form: &str) -> (u16, HeaderMap, Value) {
    let mut request = post(FORM, form.to_owned());
    if let Some(basic) = basic {
        let basic = format!("Basic {}", STANDARD.encode(basic));
        request.headers_mut().insert("authorization", basic.parse().unwrap());
    }
    let (status, headers, body) = answer(folder, request).await;
    (status, headers, serde_json::from_str(&body).unwrap())
}

const BASIC: &str = "it:a-secret-of-a-good-length";

#[tokio::test]
async fn who_does_not_know_the_secret_is_invalid_client() {
    let folder = folder();
    for (form, basic) in [
        ("grant_type=client_credentials", None),
        ("grant_type=client_credentials", Some("it:a-secret-of-a-bad-length")),
        ("grant_type=client_credentials", Some("other:a-secret-of-a-good-length")),
        ("grant_type=client_credentials&client_id=it&client_secret=wrong", None),
        ("grant_type=client_credentials&client_id=other", Some(BASIC)),
        ("grant_type=password&client_id=it&client_secret=wrong", None),
    ] {
        let (status, headers, body) = ask_as(&folder, basic, form).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_client")), "{form}");
        assert_eq!(headers.contains_key("www-authenticate"), basic.is_some(), "{form}");
        assert_eq!(headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn every_other_mistake_has_its_own_error() {
    let folder = folder();
    for (form, error) in [
        ("scope=mcp:read", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=a&scope=b", "invalid_request"),
        ("grant_type=client_credentials&client_id=it&client_id=it", "invalid_request"),
        ("grant_type=client_credentials&client_id=it&client_secret=x", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=mcp:read+mcp:prompts", "invalid_scope"),
    ] {
        let (status, _, body) = ask_as(&folder, Some(BASIC), form).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)), "{form}");
    }
}

#[tokio::test]
async fn a_token_is_for_this_resource_to_the_last_letter() {
    let folder = folder();
    for (resource, status) in [
        (AUDIENCE, 200),
        ("", 200), // as if it were not there
        (NAME, 400),
        ("http://localhost:9000/mcp/", 400),
        ("http://localhost:9000/mcp2", 400),
        ("http://localhost:9000/MCP", 400),
        ("http://localhost:9000/mcp&resource=http://localhost:9000/other", 400),
    ] {
        let (answered, body) = ask(&folder, &format!("&resource={resource}")).await;
        assert_eq!(answered, status, "{resource}");
        assert!(status == 200 || body["error"] == "invalid_target", "{resource}: {body}");
    }
    assert_eq!(ask(&folder, "&scope=").await.1["scope"], "mcp:read mcp:tools", "none asked is all");
}

#[tokio::test]
async fn a_token_request_is_a_form() {
    let folder = folder();
    for (kind, is_form) in [
        (FORM, true),
        ("Application/X-WWW-Form-Urlencoded; charset=utf-8", true),
        ("application/json", false),
        ("text/plain", false),
        ("", false),
    ] {
        let (status, _, body) = answer(&folder, post(kind, RIGHT)).await;
        assert_eq!(status, if is_form { 200 } else { 400 }, "{kind}: {body}");
        assert!(is_form || body.contains("\"invalid_request\""), "{kind}: {body}");
    }
    for (name, value) in [("content-type", FORM), ("content-encoding", "gzip")] {
        let mut request = post(FORM, RIGHT);
        request.headers_mut().append(name, value.parse().unwrap());
        assert_eq!(answer(&folder, request).await.0, 400, "one more {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_are_slow_do_not_take_every_place() {
    let folder = folder();
    let server = issuer(&folder).routes();
    let limits = Limits { max_requests: 33, ..Limits::default() };
    let places = limits.places(); // those of the whole server
    let server = server.layer(from_fn_with_state(places.clone(), limits::concurrency));
    let slow = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let all: Vec<_> =
        (0..33).map(|_| tokio::spawn(server.clone().oneshot(post(FORM, slow())))).collect();
    for _ in 0..1000 {
        tokio::task::yield_now().await; // each comes as far as it gets
    }
    assert_eq!(places.available_permits(), 1, "32 are waited for, the last one is sent away");
    let mut statuses = Vec::new();
    for answer in all {
        statuses.push(answer.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!((&statuses[..32], statuses[32]), (&[408; 32][..], 503));
}

#[tokio::test]
async fn a_form_has_at_most_16_kib() {
    let folder = folder();
    let filled = |size: usize| {
        let form = format!("{RIGHT}&x=");
        format!("{form}{}", "x".repeat(size - form.len()))
    };
    assert_eq!(answer(&folder, post(FORM, filled(16 * 1024))).await.0, 200);
    let (status, headers, _) = answer(&folder, post(FORM, filled(16 * 1024 + 1))).await;
    assert_eq!((status, &headers["cache-control"]), (413, &"no-store".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_form_that_does_not_come_is_not_waited_for_long() {
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let (begun, folder) = (tokio::time::Instant::now(), folder());
    assert_eq!(answer(&folder, post(FORM, never)).await.0, 408);
    assert!(begun.elapsed().as_secs() <= 10, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_wrong_with_us_is_for_the_log_alone() {
    let folder = tempfile::tempdir().unwrap(); // without a key
    let (status, body) = ask(&folder, "").await;
    let text = "no token can be made at the moment";
    let expected = json!({"error": "server_error", "error_description": text});
    assert_eq!((status, body), (500, expected));
}
