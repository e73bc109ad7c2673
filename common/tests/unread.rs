//! What does an answer meet on its way? A client that is still sending, and one that does not read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use common::{
    server::{bind, serve_until},
    settings::{Connections, Host, Listen},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// Sends a body that the server does not want, and then reads the answer.
fn upload(port: u16) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(20)))?;
    connection.set_write_timeout(Some(Duration::from_secs(20)))?;
    let body = vec![b'x'; 8 << 20];
    write!(connection, "POST / HTTP/1.1\r\nHost: it\r\nContent-Length: {}\r\n\r\n", body.len())?;
    connection.write_all(&body)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A server on a free port, until the sender is dropped.
async fn serve(app: Router, limits: Connections) -> (u16, oneshot::Sender<()>, JoinHandle<()>) {
    let listen = Listen { host: Host::Loopback, port: 0, public_url: None };
    let bound = bind(&listen).await.unwrap();
    let port = bound.url.to_string().rsplit(':').next().unwrap().parse().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve_until(stopped, bound, app, &limits).await;
    });
    (port, stop, server)
}

fn limits(max_connections: usize, write_seconds: u64) -> Connections {
    Connections {
        max_connections,
        header_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(write_seconds),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let app = Router::new().route("/", post(async || StatusCode::UNAUTHORIZED));
    let (port, stop, server) = serve(app, limits(8, 10)).await;
    for _ in 0..20 {
        let answer = tokio::task::spawn_blocking(move || upload(port)).await.unwrap();
        let answer = answer.expect("the answer was lost with the connection");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    drop(stop);
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off_and_gives_its_place_back() {
    let app = Router::new()
        .route("/large", get(async || vec![b'x'; 64 << 20]))
        .route("/small", get(async || "small"));
    let (port, stop, server) = serve(app, limits(1, 1)).await;
    let answer = tokio::task::spawn_blocking(move || {
        let mut silent = TcpStream::connect(("127.0.0.1", port))?;
        write!(silent, "GET /large HTTP/1.1\r\nHost: it\r\n\r\n")?;
        silent.read_exact(&mut [0; 12])?; // it has the one place that there is, and reads no more
        let mut next = TcpStream::connect(("127.0.0.1", port))?;
        next.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(next, "GET /small HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        next.read_to_string(&mut answer)?;
        drop(silent); // not before
        Ok::<_, std::io::Error>(answer)
    });
    let answer = answer.await.unwrap().expect("the place was not given back");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(stop);
    server.await.unwrap();
}
