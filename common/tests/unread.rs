//! Does an answer arrive that goes out while its request is still coming in?

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::post};
use common::{
    server::{bind, serve_until},
    settings::{Connections, Host, Listen},
};
use tokio::sync::oneshot;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let listen = Listen { host: Host::Loopback, port: 0, public_url: None };
    let bound = bind(&listen).await.unwrap();
    let port = bound.url.to_string().rsplit(':').next().unwrap().parse().unwrap();
    let app = Router::new().route("/", post(async || StatusCode::UNAUTHORIZED));
    let limits = Connections { max_connections: 8, header_timeout: Duration::from_secs(10) };
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve_until(stopped, bound, app, &limits).await;
    });
    for _ in 0..20 {
        let answer = tokio::task::spawn_blocking(move || upload(port)).await.unwrap();
        let answer = answer.expect("the answer was lost with the connection");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    drop(stop);
    server.await.unwrap();
}
