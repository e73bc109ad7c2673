//! Where does the browser bring the answer? To a port of this machine, which listens until one good answer has come
//! (RFC 8252 §7.3).

use std::{
    future::IntoFuture as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{Method, StatusCode, Uri},
    response::Response,
    routing::any,
};
use reqwest::Url;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{
    code::{Heard, Request},
    neighbour,
    page::page,
    registration::redirect,
};
use crate::{exit::Failure, output};

/// How long the last page may take to reach the browser.
const FAREWELL: Duration = Duration::from_secs(2);

/// A port of this machine.
pub struct Listener {
    socket: TcpListener,
    /// Its number.
    pub port: u16,
}

/// So many wrong answers are told: a page that has found the port could fill the terminal.
const TOLD: usize = 3;

struct Waiting {
    request: Arc<Request>,
    here: SocketAddr,
    passed_over: AtomicUsize,
    answer: Mutex<Option<oneshot::Sender<Result<String, Failure>>>>,
}

impl Listener {
    /// Listens at this port of 127.0.0.1, which no other machine reaches; at 0 the system chooses one.
    pub async fn at(port: u16) -> std::io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    /// At the port that is wanted, else at the one from last time if it is free, else at any.
    pub async fn open(wanted: Option<u16>, last: Option<u16>) -> Result<Self, Failure> {
        let cannot = |port: u16, error: std::io::Error| {
            Failure::other(format!("cannot listen at port {port} of 127.0.0.1: {error}"))
        };
        if let Some(port) = wanted {
            return Self::at(port).await.map_err(|error| cannot(port, error));
        }
        if let Some(port) = last
            && let Ok(there) = Self::at(port).await
        {
            return Ok(there);
        }
        Self::at(0).await.map_err(|error| cannot(0, error))
    }

    /// Where the browser is to be sent.
    pub fn redirect(&self) -> String {
        redirect(self.port)
    }

    /// Waits for the answer to a request: the code.
    pub async fn answer(self, request: Arc<Request>, time: Duration) -> Result<String, Failure> {
        let (told, answer) = oneshot::channel();
        let (passed_over, told) = (AtomicUsize::default(), Mutex::new(Some(told)));
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let waiting = Arc::new(Waiting { request, here, passed_over, answer: told });
        let enough = Arc::new(Notify::new());
        let ended = enough.clone();
        let router =
            Router::new().route("/callback", any(callback)).fallback(nothing).with_state(waiting);
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(self.socket, router);
        let served = served.with_graceful_shutdown(async move { ended.notified().await });
        let server = tokio::spawn(served.into_future());
        let answer = timeout(time, answer).await;
        enough.notify_one();
        let stop = server.abort_handle();
        // the last page is on its way; whoever holds a connection and says nothing holds up nobody
        let _ = timeout(FAREWELL, server).await;
        stop.abort();
        let answer = answer.map_err(|_| {
            Failure::unreachable(format!(
                "nobody has logged in within {} s; --timeout allows more",
                time.as_secs()
            ))
        })?;
        answer.map_err(|_| Failure::other("the port of the answer was closed"))?
    }
}

async fn callback(
    State(waiting): State<Arc<Waiting>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
) -> Response {
    if method != Method::GET {
        return page(
            StatusCode::METHOD_NOT_ALLOWED,
            "This did not work",
            "A browser comes here with GET.",
        );
    }
    let heard = if neighbour::is_another(peer, waiting.here) {
        Heard::NotOurs("it is from another user of this machine")
    } else {
        waiting.request.hear(uri.query().unwrap_or_default())
    };
    let answer = match heard {
        Heard::Answer(answer) => answer,
        Heard::NotOurs(why) => {
            match waiting.passed_over.fetch_add(1, Relaxed) {
                number if number < TOLD => {
                    output::note(&format!("an answer was passed over: {why}"));
                }
                TOLD => output::note("more answers are passed over; nobody is told of them"),
                _ => {}
            }
            return page(
                StatusCode::BAD_REQUEST,
                "This did not work",
                "This is not the answer to the login that is waiting here.",
            );
        }
    };
    let told = waiting.answer.lock().ok().and_then(|mut told| told.take());
    let Some(told) = told else {
        return page(StatusCode::GONE, "Once is enough", "This answer has been heard already.");
    };
    let page = match &answer {
        Ok(_) => page(
            StatusCode::OK,
            "Your part is done",
            "You can close this page and go back to the terminal.",
        ),
        Err(_) => page(
            StatusCode::OK,
            "This did not work",
            "The terminal says why. You can close this page.",
        ),
    };
    let _ = told.send(answer); // whoever waited may have stopped
    page
}

async fn nothing() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        "The link to log in with is in the terminal.",
    )
}

/// Is the browser sent back with the news that nobody knows this client?
pub fn says_unknown_client(location: &str, redirect: &str) -> bool {
    let (Ok(location), Ok(redirect)) = (Url::parse(location), Url::parse(redirect)) else {
        return false;
    };
    let error = location.query_pairs().find(|(name, _)| name == "error");
    let is_back = location.origin() == redirect.origin() && location.path() == redirect.path();
    is_back
        && error
            .is_some_and(|(_, error)| matches!(&*error, "invalid_client" | "unauthorized_client"))
}
