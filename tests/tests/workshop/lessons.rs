//! What a contract cannot reach from outside: another time of day, a request that came past the door, a folder without
//! the right key, a server that is full.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use common::{Context, Era, PublicUrl, RequestId, jsonrpc::Refusal};
use mcp_auth::{
    Clock,
    issuer::{files::KeyFiles, keys::Alg},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use workshop_tests::{Answer, Target, Token, issuer::Issuer, steps};

const NAME: &str = "http://localhost:9000";
const RESOURCE: &str = "http://localhost:9000/mcp";
const NOW: i64 = 1_800_000_000;

/// A step with these keys, at `NOW`.
macro_rules! at_now {
    ($step:ident, $issuer:expr) => {{
        let dir = $issuer.files().dir().display().to_string();
        let mut settings: $step::Settings = steps::settings(&["--keys-dir", &dir]).unwrap();
        settings.clock = Clock::new(|| NOW);
        $step::app(&settings, &PublicUrl::localhost(9000).on_loopback(9000)).unwrap()
    }};
}

fn target(app: Router, step: u8, issuer: &Issuer) -> Target {
    Target::app(app, RESOURCE, step).unwrap().with_issuer(issuer.clone())
}

#[tokio::test]
async fn a_key_past_its_time_is_published_no_more() {
    for (end, published) in [(NOW + 1, 2), (NOW, 1), (NOW - 1, 1)] {
        let issuer = Issuer::new(NAME, RESOURCE).unwrap();
        let new = issuer.files().rotate(Alg::Rs256, 2048, end - (NOW - 9), NOW - 9).unwrap();
        for (step, app) in [
            (5, at_now!(step5, issuer)),
            (6, at_now!(step6, issuer)),
            (7, at_now!(step7, issuer)),
            (8, at_now!(step8, issuer)),
        ] {
            let t = target(app, step, &issuer);
            let answer = t.get("/.well-known/jwks.json").send().await.unwrap();
            let keys = answer.is(200).unwrap().json().unwrap()["keys"].as_array().unwrap().clone();
            assert_eq!(keys.len(), published, "step {step}: a key until {end}, at {NOW}");
            assert_eq!(keys[0]["kid"], new.kid(), "step {step}");
        }
    }
}

#[tokio::test]
async fn door_and_issuer_read_the_same_clock() {
    let issuer = Issuer::new(NAME, RESOURCE).unwrap();
    for (step, app) in [(7, at_now!(step7, issuer)), (8, at_now!(step8, issuer))] {
        let t = target(app, step, &issuer);
        let path = issuer.files().dir().join("client.json");
        let client: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |name: &str| client[name].as_str().unwrap().to_owned();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            text("client_id"),
            text("client_secret")
        );
        let call = t.call(axum::http::Method::POST, "/token").body(form);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let answer: Answer = call.send().await.unwrap();
        let token = answer.is(200).unwrap().json().unwrap()["access_token"].clone();
        let t = t.with_caller(Some(Token(token.as_str().unwrap().to_owned())));
        t.modern("server/discover", json!({})).send().await.unwrap().result().unwrap();
    }
}

#[test]
fn a_request_that_came_past_the_door_may_do_nothing_in_step_8() {
    let mut request = Request::new(());
    request.extensions_mut().insert(RequestId("the-id".into()));
    let cx = Context::new(&request.into_parts().0, Era::Modern, Duration::from_secs(5));
    for method in ["tools/list", "tools/call", "prompts/get", "server/discover", "no/such/method"] {
        let Err(Refusal::Response(response)) = step8::scopes::require(&cx, method) else {
            panic!("{method}: nobody is known to be calling, and may");
        };
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn what_others_can_reach_needs_a_key_that_fits_and_a_client_of_its_own() {
    let url: PublicUrl = "https://mcp.example.com".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("es256").display().to_string();
    KeyFiles::new(&dir).generate(Alg::Es256, 0).unwrap();
    for step in steps::KEYS..steps::PROVIDER {
        let refusal = steps::app(step, &url, &["--keys-dir", &dir]).await.map(drop).unwrap_err();
        assert!(refusal.contains("RS256"), "step {step}: {refusal}");
    }
    let issuer = Issuer::new(NAME, RESOURCE).unwrap();
    let dir = issuer.files().dir().display().to_string();
    for step in steps::KEYS..steps::PROVIDER {
        let started = steps::app(step, &url, &["--keys-dir", &dir]).await.map(drop);
        if step < 7 {
            started.unwrap();
            continue;
        }
        let refusal = started.unwrap_err();
        assert!(refusal.contains("MCP_CLIENT_SECRET"), "step {step}: {refusal}");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
        let secret = secret.display().to_string();
        let client = ["--client-id", "me", "--client-secret-file", &secret];
        drop(steps::app(step, &url, &[&["--keys-dir", &dir], &client[..]].concat()).await.unwrap());
    }
    assert!(!issuer.files().dir().join("client.json").exists(), "a client was made for everybody");
}

#[tokio::test]
async fn over_the_limit_of_requests_every_step_says_503() {
    let own = Issuer::new(NAME, RESOURCE).unwrap();
    let dir = own.files().dir().display().to_string();
    let elsewhere = Issuer::served(RESOURCE).await.unwrap();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    for step in 2..=steps::LAST {
        let (issuer, keys) = match step {
            steps::PROVIDER.. => (&elsewhere, &["--issuer", elsewhere.name()][..]),
            steps::KEYS.. => (&own, &["--keys-dir", &dir][..]),
            _ => (&own, &[][..]),
        };
        let flags = [&["--max-requests", "1"], keys].concat();
        let app = steps::app(step, &url, &flags).await.unwrap();
        let never = futures_util::stream::pending::<Result<&str, std::io::Error>>();
        let request = Request::post("/mcp")
            .header(header::HOST, "localhost:9000")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", issuer.token(&json!({})).unwrap()))
            .body(Body::from_stream(never))
            .unwrap();
        let first = tokio::spawn(app.clone().oneshot(request));
        let other = || async {
            let request = Request::get("/nothing-here").header(header::HOST, "localhost:9000");
            app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
        };
        let becomes = async |status: StatusCode| {
            while other().await != status {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(10);
        let full = tokio::time::timeout(limit, becomes(StatusCode::SERVICE_UNAVAILABLE)).await;
        assert!(full.is_ok(), "step {step}: a second request was let in");
        first.abort();
        let free = tokio::time::timeout(limit, becomes(StatusCode::NOT_FOUND)).await;
        assert!(free.is_ok(), "step {step}: the place was not given back");
    }
}
