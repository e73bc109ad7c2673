//! What becomes of a body that nobody read?
//!
//! Some answers go out before the body has come: 401 and 413 are told from the headers alone. hyper then closes the
//! connection, because it cannot wait for the rest to find out where the next request begins. It does so without a
//! word, and a client that thinks the connection is open sends its next request into nothing. So we say it (RFC 9112 §9.6).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use hyper::body::{Frame, SizeHint};

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

/// A body that tells when it has been read to its end.
struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
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

    async fn closes(path: &str, body: &'static str) -> bool {
        let app = Router::new()
            .route("/unread", post(async || StatusCode::UNAUTHORIZED))
            .route("/read", post(async |_: Bytes| StatusCode::OK))
            .layer(from_fn(say_close));
        let response =
            app.oneshot(Request::post(path).body(Body::from(body)).unwrap()).await.unwrap();
        response.headers().get(header::CONNECTION).is_some_and(|value| value == "close")
    }

    #[tokio::test]
    async fn an_answer_before_the_body_says_that_the_connection_ends() {
        assert!(closes("/unread", "{}").await);
        assert!(!closes("/read", "{}").await, "what was read does not end the connection");
        assert!(!closes("/unread", "").await, "nor does a body that is not there");
    }
}
