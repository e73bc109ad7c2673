//! A body that nobody reads: does its sender get the answer all the same? Over real connections, with a client that sends before it
//! reads.

use std::time::Duration;

use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::{Client, StatusCode as Status};
use tokio::net::TcpListener;

use super::*;

/// A guarded server on a port of its own.
async fn serve() -> String {
    let (server, _) = greeter();
    let app = server.layer(layer().mcp_scopes(ScopeTable::new("mcp:read")));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// A body of so many bytes, with or without its length before it.
fn body(bytes: usize, is_chunked: bool) -> reqwest::Body {
    let text = format!("\"{}\"", "x".repeat(bytes));
    if !is_chunked {
        return text.into();
    }
    let chunks = text
        .as_bytes()
        .chunks(1 << 16)
        .map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::copy_from_slice(chunk))));
    reqwest::Body::wrap(StreamBody::new(stream::iter(chunks.collect::<Vec<_>>())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_too_much_or_without_a_token_can_read_why_he_is_refused() {
    let url = serve().await;
    let client = Client::new();
    let good = format!("Bearer {}", token("alice", "mcp:read"));
    for round in 0..20 {
        for (token, bytes, is_chunked, expected) in [
            (&*good, 5 << 20, false, Status::PAYLOAD_TOO_LARGE),
            (&good, 5 << 20, true, Status::PAYLOAD_TOO_LARGE),
            ("Bearer nonsense", 5 << 20, false, Status::UNAUTHORIZED),
            ("Basic x", 5 << 20, true, Status::UNAUTHORIZED),
            (&good, 900_000, false, Status::BAD_REQUEST),
        ] {
            let request = client.post(&url).header("authorization", token);
            let request = request.header("content-type", "application/json");
            let request = request.timeout(Duration::from_secs(20)).body(body(bytes, is_chunked));
            let answer = request.send().await;
            let answer = answer.unwrap_or_else(|error| panic!("{round} {expected}: {error:?}"));
            assert_eq!(answer.status(), expected);
            let text = answer.text().await.unwrap();
            assert!(text.contains("error"), "{text}");
        }
    }
}
