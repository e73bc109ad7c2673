//! How does a server live and die well?

use std::{future::IntoFuture, net::IpAddr, time::Duration};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::{
    PublicUrl, RequestId,
    settings::{Host, Listen},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::Instant};
use tracing::{Instrument as _, info, info_span, warn};

/// How long requests in flight may take once the server has been told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A server that has its port and is about to serve.
pub struct Bound {
    listeners: Vec<TcpListener>,
    /// The name of the server, now that the port is known.
    pub url: PublicUrl,
}

/// Takes the port. A server for this machine alone listens on loopback alone; `localhost` may mean
/// 127.0.0.1 or ::1, and clients try either, so both are taken: nobody else can then answer there in our name.
pub async fn bind(listen: &Listen) -> anyhow::Result<Bound> {
    // port 0 means any that is free; one that is free on 127.0.0.1 and taken on ::1 is not, so another is tried
    let tries = if listen.port == 0 { 16 } else { 0 };
    for _ in 0..tries {
        if let Ok(bound) = take(listen).await {
            return Ok(bound);
        }
    }
    take(listen).await
}

async fn take(listen: &Listen) -> anyhow::Result<Bound> {
    let (v4, v6) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
    let address = if let Host::Address(address) = listen.host { address } else { v4 };
    let mut listeners = vec![listener(address, listen.port).await?];
    let port = listeners[0].local_addr()?.port(); // known now, even if port 0 was asked for
    let has_v6 = TcpListener::bind((v6, 0)).await.is_ok(); // not every machine has ::1
    if listen.host == Host::Loopback && has_v6 {
        listeners.push(listener(v6, port).await?);
    }
    let url = listen.public_url.clone().unwrap_or_else(|| PublicUrl::localhost(port));
    let url = if address.is_loopback() { url.on_loopback(port) } else { url }; // nobody else reaches us
    Ok(Bound { listeners, url })
}

async fn listener(address: IpAddr, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((address, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {port} on {address} is taken, perhaps by another step of this workshop: stop that, \
             or choose another port with --port (0 takes a free one)"
        ),
        _ => anyhow::anyhow!("cannot listen on {address} port {port} (--host, --port): {error}"),
    })
}

/// Serves until Ctrl-C or SIGTERM. Then no connection is accepted any more, and requests in flight
/// have `DRAIN` to finish: a client must not lose an answer because somebody deploys.
pub async fn serve(bound: Bound, app: Router) -> anyhow::Result<()> {
    let (stopping, _) = watch::channel(false);
    let mut servers = JoinSet::new();
    for listener in bound.listeners {
        let mut stopping = stopping.subscribe();
        let told = async move { drop(stopping.wait_for(|stop| *stop).await) };
        let server = axum::serve(listener, app.clone()).with_graceful_shutdown(told);
        servers.spawn(server.into_future());
    }
    stop().await?;
    info!("stopping: finishing what is in flight, at most {} s", DRAIN.as_secs());
    stopping.send_replace(true);
    if tokio::time::timeout(DRAIN, servers.join_all()).await.is_err() {
        warn!("stopped with requests unfinished");
    }
    Ok(())
}

/// Waits until somebody tells the program to stop: a person with Ctrl-C, or a machine.
async fn stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    let mut machine = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(windows)]
    let mut machine = tokio::signal::windows::ctrl_close()?;
    tokio::select! {
        person = tokio::signal::ctrl_c() => person?,
        _ = machine.recv() => {}
    }
    Ok(())
}

/// `GET /health`: the program runs. It says nothing else: whoever may ask this may be anybody.
pub async fn health() -> Json<Value> {
    Json(json!({"status": "healthy"}))
}

/// 404, in the shape that all refusals of this server have.
pub async fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// 405; the router adds `Allow` with the methods that the path takes (RFC 9110 §15.5.6).
pub async fn wrong_method() -> Response {
    let text = "this path does not take this method; the header Allow says which it takes";
    refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}

/// Gives each request an id and one log line. The line has the path without its query: people put
/// secrets into queries, and a log is read by many.
pub async fn log(mut request: Request, next: Next) -> Response {
    let given = request.headers().get_all("x-request-id").iter().map(|id| id.to_str().ok());
    let id = match given.collect::<Vec<_>>()[..] {
        [Some(id)] if is_harmless(id) => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(200).collect(); // nobody shall fill the log
    let (span, started) = (info_span!("request", %id), Instant::now());
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_secs_f64() * 1000.0);
    span.in_scope(|| info!("{method} {path} {status} in {ms:.1} ms"));
    response
}

/// An id from outside goes into our log and our answer, so it must not be able to forge a line of
/// the first or a header of the second.
fn is_harmless(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
