//! What becomes of a body that nobody read?
//!
//! Some answers go out before the body has come: 401 and 413 are told from the headers alone. hyper then closes the
//! connection, because it cannot wait for the rest to find out where the next request begins. That loses two things:
//!
//! * the next request of a client that thinks the connection is open. So we say that it ends (RFC 9112 §9.6);
//! * the answer itself, when the client is still sending: a connection that is closed while bytes arrive is reset, and a reset takes
//!   away what the other side has not read yet. So the rest is read and thrown away for a moment, while the answer is on its way.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::{runtime::Handle, time::timeout};

/// Bytes of an unread body that are thrown away before the connection ends.
const MOST: usize = 16 << 20;
/// How long a client may be silent meanwhile, and how long it may take in all.
const SILENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(5);

/// Adds `Connection: close` to an answer whose request has a body that was not read to its end.
pub async fn say_close(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let ended = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Body::new(Watched { body, ended: ended.clone() }));
    let mut response = next.run(request).await;
    if !ended.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body that tells when it has been read to its end, and that is read on when it is dropped before.
struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        let rest = std::mem::take(&mut self.body);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(PATIENCE, throw_away(rest)));
        }
    }
}

async fn throw_away(mut body: Body) {
    let mut most = MOST;
    while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match most.checked_sub(length) {
            Some(left) => most = left,
            None => return,
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, middleware::from_fn, routing::post};
    use tower::ServiceExt as _;

    use super::*;

    /// Reads as much as there is, and does not wait to be told that this was all.
    async fn all(request: Request) -> StatusCode {
        let mut body = request.into_body();
        let before = body.is_end_stream();
        let frame = body.frame().await.map(|frame| frame.is_ok());
        let as_it_is = !before && frame == Some(true) && body.is_end_stream();
        if as_it_is { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
    }

    async fn closes(path: &str, body: &'static str) -> bool {
        let app = Router::new()
            .route("/unread", post(async || StatusCode::UNAUTHORIZED))
            .route("/read", post(async |_: Bytes| StatusCode::OK))
            .route("/all", post(all))
            .layer(from_fn(say_close));
        let response =
            app.oneshot(Request::post(path).body(Body::from(body)).unwrap()).await.unwrap();
        assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        response.headers().get(header::CONNECTION).is_some_and(|value| value == "close")
    }

    #[tokio::test]
    async fn an_answer_before_the_body_says_that_the_connection_ends() {
        assert!(closes("/unread", "{}").await);
        assert!(!closes("/read", "{}").await, "what was read does not end the connection");
        assert!(!closes("/all", "{}").await, "nor does what was read to its last byte");
        assert!(!closes("/unread", "").await, "nor does a body that is not there");
    }
}
