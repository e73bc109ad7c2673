//! How much may one request ask for?

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{StatusCode, header, request::Builder},
    middleware::from_fn_with_state,
    response::IntoResponse as _,
    routing::get,
};
use futures_util::stream;
use mcp_auth::limits::{self, Exceeded, Limits};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

fn small() -> Limits {
    Limits { max_body: 20, max_depth: 3, ..Limits::default() }
}

fn post(content_type: &str) -> Builder {
    Request::post("/").header(header::CONTENT_TYPE, content_type)
}

async fn read(request: Request) -> Result<String, Exceeded> {
    let (_, body) = small().read(request).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_body_is_json_and_says_so_once() {
    for good in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\" ;",
    ] {
        assert_eq!(read(post(good).body("{}".into()).unwrap()).await, Ok("{}".into()), "{good}");
    }
    let none = Request::post("/").body("{}".into()).unwrap();
    let twice = post("application/json").header(header::CONTENT_TYPE, "application/json");
    let packed = post("application/json").header(header::CONTENT_ENCODING, "gzip");
    for request in [none, twice.body("{}".into()).unwrap(), packed.body("{}".into()).unwrap()] {
        assert_eq!(read(request).await, Err(Exceeded::WrongType));
    }
    for bad in [
        "text/json",
        "application/jsonp",
        "application/json, text/plain",
        "",
        "x-application/json",
        // what some readers would take for other letters
        "application/json; charset=utf-7",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; x=\"; charset=utf-8\"; charset=utf-7",
        "application/json; version=1",
    ] {
        let request = post(bad).body("{}".into()).unwrap();
        assert_eq!(read(request).await, Err(Exceeded::WrongType), "{bad}");
    }
}

#[tokio::test]
async fn a_body_has_at_most_so_many_bytes_and_levels() {
    let json = |text: &str| post("application/json").body(text.to_owned().into()).unwrap();
    assert!(read(json(&"1".repeat(20))).await.is_ok());
    assert_eq!(read(json(&"1".repeat(21))).await, Err(Exceeded::TooLarge));
    assert!(read(json("[[[]]]")).await.is_ok());
    assert_eq!(read(json("[[[[]]]]")).await, Err(Exceeded::TooDeep));
    assert_eq!(read(json("[{\"a\":[{}]}]")).await, Err(Exceeded::TooDeep));
}

/// As one writes it who wants the stack of the reader to overflow: each text begins to count anew.
#[tokio::test]
async fn no_json_is_hidden_in_a_text_in_a_member() {
    let limits = Limits { max_body: 1 << 20, ..Limits::default() };
    let mut hidden = String::from("1");
    for _ in 0..4 {
        hidden = json!({"$serde_json::private::RawValue": format!("[{hidden}]")}).to_string();
    }
    for body in [hidden, r#"[{"\u0024serde_json::private::RawValue":"1"}]"#.into()] {
        let request = post("application/json").body(body.into()).unwrap();
        assert_eq!(limits.read(request).await.map(drop), Err(Exceeded::Hidden));
    }
    let text = r#"{"a":"$serde_json::private::RawValue \\ \u0024"}"#;
    let request = post("application/json").body(text.into()).unwrap();
    assert!(limits.read(request).await.is_ok());
}

/// A body that fails when it is read.
fn broken() -> Body {
    let chunks = [Ok(Bytes::from_static(b"[")), Err(io::Error::other("the connection broke"))];
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_from_one_that_is_too_large() {
    let request = post("application/json").body(broken()).unwrap();
    assert_eq!(read(request).await, Err(Exceeded::Unreadable));
    let collected = limits::collect(broken(), 1, Duration::from_secs(1)).await;
    assert_eq!(collected, Err(Exceeded::Unreadable));
}

/// A body that says how long it is, and never comes.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<http_body::Frame<Bytes>>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_over_the_limit_is_refused_before_a_byte_is_read() {
    for (length, expected) in [(20, Exceeded::TooSlow), (21, Exceeded::TooLarge)] {
        let body = Body::new(Announced(length));
        assert_eq!(limits::collect(body, 20, Duration::from_secs(1)).await, Err(expected));
    }
}

#[tokio::test]
async fn each_limit_has_its_status_and_says_what_it_is() {
    for (exceeded, status, error) in [
        (Exceeded::WrongType, 415, "unsupported_media_type"),
        (Exceeded::TooLarge, 413, "content_too_large"),
        (Exceeded::TooSlow, 408, "request_timeout"),
        (Exceeded::Unreadable, 400, "invalid_request"),
    ] {
        let (answered, body) = body(exceeded).await;
        assert_eq!((answered, &body["error"]), (status, &error.into()));
        assert_eq!(body["error_description"], exceeded.to_string());
    }
    let (status, body) = body(Exceeded::TooDeep).await;
    assert_eq!((status, &body["error"]["code"]), (400, &(-32700).into()), "JSON-RPC's parse error");
}

async fn body(exceeded: Exceeded) -> (u16, Value) {
    let response = exceeded.into_response();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn one_more_than_there_are_places_is_sent_away_and_a_place_is_given_back() {
    let limits = Limits { max_requests: 2, ..Limits::default() };
    let go = Arc::new(Semaphore::new(0));
    let (inside, mut arrived) = tokio::sync::mpsc::channel(8);
    let waits = {
        let go = go.clone();
        move || async move {
            inside.send(()).await.unwrap();
            go.acquire().await.unwrap().forget();
            "done"
        }
    };
    let server = Router::new()
        .route("/", get(waits))
        .route("/health", get(|| async {}))
        .route("/ready", get(|| async {}))
        .layer(from_fn_with_state(limits.places(), limits::concurrency));
    let ask = || server.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());
    let served = [tokio::spawn(ask()), tokio::spawn(ask())];
    for _ in &served {
        arrived.recv().await.unwrap();
    }
    let patience = Duration::from_secs(20);
    let refused = tokio::time::timeout(patience, ask()).await.expect("it was let in").unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    for probe in ["/health", "/ready"] {
        let answer = server.clone().oneshot(Request::get(probe).body(Body::empty()).unwrap());
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK, "{probe} of a busy server");
    }
    go.add_permits(2);
    for answer in served {
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    let next = tokio::spawn(ask());
    let came_in = tokio::time::timeout(patience, arrived.recv()).await;
    came_in.expect("the place was not given back").unwrap();
    go.add_permits(1);
    assert_eq!(next.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[test]
fn the_defaults_are_those_of_their_description() {
    let Limits { max_body, max_depth, max_requests, body_timeout, call_timeout } =
        Limits::default();
    assert_eq!((max_body, max_depth, max_requests), (1_048_576, 64, 256));
    assert_eq!((body_timeout.as_secs(), call_timeout.as_secs()), (10, 30));
}

#[tokio::test]
async fn work_that_goes_on_without_its_client_keeps_its_place() {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let waits = async move |request: Request| {
        begun.send(request.extensions().clone()).unwrap(); // whoever works on keeps these
        std::future::pending::<()>().await;
    };
    let limits = Limits { max_requests: 1, ..Limits::default() };
    let places = limits.places();
    let server = Router::new()
        .route("/", get(waits))
        .layer(from_fn_with_state(places.clone(), limits::concurrency));
    let call = server.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());
    let call = tokio::spawn(call);
    let kept = has_begun.recv().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(places.available_permits(), 0);
    drop(kept);
    assert_eq!(places.available_permits(), 1);
}
