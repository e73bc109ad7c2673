//! How does a server live and die well? It binds what `localhost` may mean, cuts off whoever dawdles, and finishes
//! what is in flight before it goes.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::ConnectInfo,
    http::StatusCode,
    middleware::from_fn,
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;
use tracing::{info, warn};

pub use crate::request_log::log;
use crate::{
    PublicUrl,
    settings::{Connections, Host, Listen},
    unread,
};

/// How long requests in flight may take once the server has been told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);

/// A server that has its port and is about to serve.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<TcpListener>,
    /// The name of the server, now that the port is known.
    pub url: PublicUrl,
}

/// Takes the port: on 127.0.0.1 and, where the machine has it, on ::1 too.
///
/// # Errors
/// One sentence, when the port is taken or the address is not ours.
pub async fn bind(listen: &Listen) -> anyhow::Result<Bound> {
    bind_by(listen, "--port").await
}

/// The same, for a second server of a program, whose port is set by another flag.
///
/// # Errors
/// As [`bind`].
pub async fn bind_by(listen: &Listen, flag: &str) -> anyhow::Result<Bound> {
    // a port that is free on 127.0.0.1 may be taken on ::1: if any will do, another one
    let more_tries = if listen.port == 0 { 16 } else { 0 };
    for _ in 0..more_tries {
        if let Ok(bound) = take(listen, flag).await {
            return Ok(bound);
        }
    }
    take(listen, flag).await
}

async fn take(listen: &Listen, flag: &str) -> anyhow::Result<Bound> {
    let mut listeners = Vec::new();
    let first = match listen.host {
        Host::Loopback => IpAddr::from([127, 0, 0, 1]),
        Host::Address(address) => address,
    };
    listeners.push(listener(first, listen.port, flag).await?);
    let port = listeners[0].local_addr()?.port();
    if listen.host == Host::Loopback {
        match TcpListener::bind((IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), port)).await {
            Ok(second) => listeners.push(second),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                anyhow::bail!(taken("::1", port, flag));
            }
            Err(_) => {} // no IPv6 on this machine
        }
    }
    let url = listen.public_url.clone().unwrap_or_else(|| PublicUrl::localhost(port));
    let url = if first.is_loopback() { url.on_loopback(port) } else { url };
    Ok(Bound { listeners, url })
}

async fn listener(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((address, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(taken(&address.to_string(), port, flag)),
        _ => anyhow::anyhow!("cannot listen on {address} port {port} (--host, {flag}): {error}"),
    })
}

fn taken(address: &str, port: u16, flag: &str) -> String {
    let owner = match port {
        9000 => "another step of this workshop, or Keycloak's management interface",
        9100 => "the workshop's authorization server",
        8080 => "Keycloak",
        _ => "another program",
    };
    format!(
        "port {port} on {address} is taken, perhaps by {owner}: stop that, or choose another \
         port with {flag} (0 takes a free one)"
    )
}

/// Serves until Ctrl-C or SIGTERM, then finishes what is in flight, for at most [`DRAIN`].
///
/// # Errors
/// When the signals cannot be listened for.
pub async fn serve(bound: Bound, app: Router, limits: &Connections) -> anyhow::Result<()> {
    serve_until(stop()?, bound, app, limits).await;
    Ok(())
}

/// Serves until `stop` is ready, then finishes what is in flight, for at most [`DRAIN`].
///
/// A connection has `limits.header_timeout` for the headers of each request, the next one on a
/// kept connection included, and is closed when the client has taken nothing of an answer for `limits.write_timeout`; over `limits.max_connections` nobody is accepted until one ends.
pub async fn serve_until(
    stop: impl Future<Output = ()>,
    bound: Bound,
    app: Router,
    limits: &Connections,
) {
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let graceful = GracefulShutdown::new();
    let app = app.layer(from_fn(unread::say_close));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, accept(&bound.listeners).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = accepted => accepted,
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write_timeout));
        let io = TokioIo::new(Box::pin(stream));
        let told = app.clone().map_request(move |mut request: http::Request<_>| {
            request.extensions_mut().insert(ConnectInfo(peer)); // who counts by address, asks for it
            request
        });
        let service = TowerToHyperService::new(told);
        let connection = graceful.watch(http.serve_connection(io, service));
        connections.spawn(async move {
            // an error here is the client's: it went away, was too slow, or does not speak HTTP
            let _ = connection.await;
            drop(place);
        });
    }
    drop(bound.listeners);
    info!("stopping: finishing what is in flight, at most {} s", DRAIN.as_secs());
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        warn!("stopped with requests unfinished");
    }
}

/// The next connection on any of the listeners.
async fn accept(listeners: &[TcpListener]) -> (TcpStream, SocketAddr) {
    loop {
        let next = std::future::poll_fn(|cx| {
            for listener in listeners {
                if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        });
        match next.await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true); // small answers must not wait for more
                return (stream, peer);
            }
            Err(error) => {
                // out of file descriptors, or a client that left again: wait, or this loop spins
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Ready when the program is told to stop, by a person or by a machine. It listens for both from now on: a signal that
/// comes before the first wait must not end the program with a request in flight.
fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let (mut person, mut machine) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    #[cfg(windows)]
    let (mut person, mut machine) =
        (tokio::signal::windows::ctrl_c()?, tokio::signal::windows::ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = person.recv() => {}
            _ = machine.recv() => {}
        }
    })
}

/// `GET /health`: the program runs. Says nothing about anything else.
pub async fn health() -> Json<Value> {
    Json(json!({"status": "healthy"}))
}

/// 404, in the shape of all refusals that are not JSON-RPC's.
pub async fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// 405; the router adds `Allow`.
pub async fn wrong_method() -> Response {
    let text = "this path does not take this method; the header Allow says which it takes";
    refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}
