//! What does the log say? Why somebody was refused, in one line, whatever he has sent.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use axum::middleware::from_fn_with_state;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    limits,
    origin::{Origins, Rule, check},
};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// The log of one test, as an operator reads it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From now on what this thread does is written here.
    pub fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone());
        let lines = lines.with_max_level(tracing::Level::DEBUG).without_time();
        (log, tracing::subscriber::set_default(lines.finish()))
    }

    /// The lines since it was asked last.
    pub fn lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The lines about one request with this token.
async fn lines(app: &Router, token: &str, body: &Value) -> Vec<String> {
    let (log, _guard) = Log::begin();
    answer(app.clone(), post(token, body)).await;
    // that a key of the issuer is passed over is said once, by whoever is first
    log.lines().into_iter().filter(|line| !line.contains("key passed over")).collect()
}

fn app() -> Router {
    let table = ScopeTable::new("mcp:read").method("tools/call", "mcp:tools");
    greeter().0.layer(layer().mcp_scopes(table))
}

#[tokio::test]
async fn a_refusal_says_its_cause() {
    let app = app();
    let bad = |kind: &str| shared().token("a").bad(kind.parse().unwrap()).mint().unwrap();
    for (token, body, expected) in [
        (bad("aud-other"), json!({}), "refused the token: it is for another server (`aud`)"),
        (
            bad("sub-empty"),
            json!({}),
            "refused the token: its claim `sub` is missing, or not one that is taken here",
        ),
        (
            "two words-of-a-token".to_owned(),
            json!({}),
            "refused: Authorization must be `Bearer`, a blank and one word",
        ),
        (token("a", ""), call("tools/list", ""), "refused: \"tools/list\" needs \"mcp:read\""),
        (token("a", "mcp:read"), json!([]), "refused: the body is not one JSON-RPC message"),
        (
            token("a", "mcp:read"),
            json!({"method": "tools/call"}),
            "\"tools/call\" came as a notification, and was not passed on",
        ),
        (token("a", "mcp:read"), json!("x".repeat(1 << 20)), "refused: the body is too large"),
    ] {
        let lines = lines(&app, &token, &body).await;
        let refusals: Vec<_> = lines.iter().filter(|line| line.contains(" INFO ")).collect();
        assert!(refusals.len() == 1 && refusals[0].ends_with(expected), "{expected}: {lines:?}");
        assert!(!lines.concat().contains(&token), "nobody's log learns the token");
    }
    let (log, _guard) = Log::begin();
    answer(app, Request::post("/mcp").body(Body::empty()).unwrap()).await;
    assert!(log.lines()[0].ends_with("refused: there is no bearer token"));
    let full = from_fn_with_state(Arc::new(tokio::sync::Semaphore::new(0)), limits::concurrency);
    answer(greeter().0.layer(full), Request::new(Body::empty())).await;
    let said = "refused: the server has as many requests as it takes at a time";
    assert!(log.lines()[0].ends_with(said));
}

/// Keycloak makes tokens without `aud` and `sub` when a client is set so; the log says where to look.
#[tokio::test]
async fn a_lightweight_token_is_refused_with_the_name_of_the_setting_that_made_it() {
    let keycloaks = json!({
        "exp": NOW + 300, "iat": NOW, "jti": "onltro:1", "iss": NAME, "typ": "Bearer", "azp": "c", "sid": "s",
        "scope": "mcp:read",
    });
    let good = token("alice", "mcp:read");
    let parts: Vec<_> = good.split('.').collect();
    let keycloaks = [parts[0], &URL_SAFE_NO_PAD.encode(keycloaks.to_string()), parts[2]].join(".");
    let bad = |kind: &str| shared().token("a").bad(kind.parse().unwrap()).mint().unwrap();
    let setting = "like those of a Keycloak client with \"Always use lightweight access token\" on";
    for (token, is_lightweight) in [
        (keycloaks, true),
        (bad("aud-missing"), true),
        (bad("sub-missing"), true),
        (bad("aud-other"), false),
        (bad("aud-null"), false),
        (bad("sub-empty"), false),
        (bad("client-empty"), false),
    ] {
        let lines = lines(&app(), &token, &json!({})).await;
        let refused = lines.iter().find(|line| line.contains("refused the token")).unwrap();
        assert_eq!(refused.ends_with(setting), is_lightweight, "{refused}");
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

/// Whatever a stranger sends, each line of the log is one of ours.
#[tokio::test]
async fn what_somebody_sends_cannot_write_lines_of_its_own() {
    const FORGED: &str = "x\n INFO mcp_auth::door: let in subject=\"root\"\r\u{1b}[2J\u{7}\u{9b}2J";
    let is_whole = |lines: &[String]| {
        assert!(!lines.is_empty(), "nothing was said, so nothing was tested");
        for line in lines {
            let is_ours = !line.starts_with(" INFO mcp_auth::door: let in");
            let is_plain = !line.contains(char::is_control);
            assert!(is_ours && is_plain && line.len() < 1000, "{lines:?}");
        }
    };
    let unsigned = |header: Value, claims: Value| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.AAAA", part(header), part(claims))
    };
    let header = json!({"alg": "RS256", "kid": "k"});
    let claims = json!({"iss": NAME, "aud": AUDIENCE, "exp": NOW + 60, "sub": "a"});
    for name in ["alg", "kid", "typ", "jku"] {
        let mut header = header.clone();
        header[name] = FORGED.into();
        is_whole(&lines(&app(), &unsigned(header, claims.clone()), &json!({})).await);
    }
    for name in ["iss", "aud", "sub", "exp", "typ", "cnf", FORGED] {
        let mut claims = claims.clone();
        claims[name] = FORGED.into();
        is_whole(&lines(&app(), &unsigned(header.clone(), claims), &json!({})).await);
    }
    let long = format!("{FORGED}{}", "x".repeat(100_000));
    for forged in [FORGED, &long] {
        let called = shared().token(forged).client(forged).scope(forged).mint();
        let (weak, good) = (token("alice", ""), token("alice", "mcp:read mcp:tools"));
        for (token, body) in [
            (&weak, call(forged, "echo")),
            (&weak, call("tools/call", forged)),
            (&good, json!({"method": forged})),
            (&good, json!({"id": forged, "method": 1})),
        ] {
            is_whole(&lines(&app(), token, &body).await);
        }
        if forged.len() < 1000 {
            is_whole(&lines(&app(), &called.unwrap(), &call("ping", "")).await);
        }
    }
}

#[tokio::test]
async fn a_host_or_a_page_that_is_not_known_is_in_the_log_and_whole() {
    let rule = Rule::new(["localhost:9000"], NAME, &Origins::default());
    let app = greeter().0.layer(from_fn_with_state(rule, check));
    let forged: &[u8] = b"x INFO let in \x9b2J\xff";
    for (name, value) in [("host", forged), ("origin", forged), ("host", &[b'x'; 5000][..])] {
        let (log, _guard) = Log::begin();
        let mut request = post("a", &json!({}));
        request.headers_mut().insert("host", "localhost:9000".parse().unwrap());
        let value = axum::http::HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().insert(axum::http::HeaderName::from_static(name), value);
        assert_eq!(answer(app.clone(), request).await.0, StatusCode::FORBIDDEN, "{name}");
        let lines = log.lines();
        assert!(
            lines.len() == 1 && lines[0].contains(&format!("refused: the {name} is")),
            "{lines:?}"
        );
        assert!(lines[0].len() < 400 && !lines[0].contains(char::is_control), "{lines:?}");
    }
}

/// Whoever writes down a request as a whole, as many do who look for a mistake, writes no token down.
#[tokio::test]
async fn the_token_is_not_in_what_a_server_prints_of_its_request() {
    let print = async |request: Request| format!("{:?} {request:?}", request.headers());
    let app = Router::new().fallback(print).layer(layer());
    let alice = token("alice", "mcp:read");
    let (status, _, printed) = answer(app, post(&alice, &json!({}))).await;
    assert!(status.is_success() && printed.contains("authorization"), "{printed}");
    let signature = alice.rsplit('.').next().unwrap();
    assert!(!printed.contains(signature), "{printed}");
}
