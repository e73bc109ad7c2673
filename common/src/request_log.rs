//! What does the log say of a request? One line, with an id that the caller learns too.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span};

use crate::RequestId;

/// Gives each request an id, and the log one line about it: never the query, never a header.
pub async fn log(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = info_span!("request", %id);
    let line = Line {
        method: request.method().to_string(),
        path: shown(request.uri().path()),
        started: Instant::now(),
        status: None,
    };
    async move {
        let mut line = line; // the whole of it: dropped when the client goes away
        let mut response = next.run(request).await;
        line.status = Some(response.status());
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }
    .instrument(span)
    .await
}

/// A path as the log has it: whoever asks must not be able to fill the log, or to steer the terminal that shows it.
fn shown(path: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = path.chars().take(MOST).flat_map(char::escape_default).collect();
    if path.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// The id that the caller gave, if it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let mut given = headers.get_all("x-request-id").iter().map(|id| id.to_str().ok());
    match (given.next(), given.next()) {
        (Some(Some(id)), None) if is_harmless(id) => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

/// It goes into our log and our answer, so it must not be able to forge a line of the first or a header of the second.
fn is_harmless(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Written when it is dropped, so that a request whose client went away has its line too.
struct Line {
    method: String,
    path: String,
    started: Instant,
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let status = self.status.map_or("client went away".to_owned(), |s| s.as_u16().to_string());
        let ms = self.started.elapsed().as_secs_f64() * 1000.0;
        info!("{} {} {status} in {ms:.1} ms", self.method, self.path);
    }
}
