//! How does a request get there? Through a router in this process, or over HTTP.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use reqwest::redirect;
use tower::ServiceExt as _;

use crate::Answer;

/// The most that an answer may have, and how long it may take.
const MAX_ANSWER: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) enum Reach {
    App(Router),
    Url { client: reqwest::Client, root: String },
}

impl Reach {
    /// Sends a request, and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Answer, String> {
        let went = tokio::time::timeout(PATIENCE, async {
            match self {
                Self::App(router) => in_process(router.clone(), request).await,
                Self::Url { client, root } => over_http(client, root, request).await,
            }
        });
        match went.await {
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            Ok(answer) => answer.map_err(|error| format!("no answer: {error}")),
        }
    }
}

async fn in_process(router: Router, request: Request<Vec<u8>>) -> Result<Answer, String> {
    let response = match router.oneshot(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.map_err(|error| error.to_string())?;
    Ok(Answer::new(parts.status, parts.headers, body))
}

async fn over_http(
    client: &reqwest::Client,
    root: &str,
    request: Request<Vec<u8>>,
) -> Result<Answer, String> {
    let (parts, body) = request.into_parts();
    let url = format!("{root}{}", parts.uri);
    let mut call = client.request(parts.method, url).headers(parts.headers);
    if !body.is_empty() {
        call = call.body(body);
    }
    let response = call.send().await.map_err(reason)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(reason)?;
    demand!(body.len() <= MAX_ANSWER, "the answer has {} bytes", body.len());
    Ok(Answer::new(status, headers, body))
}

/// An HTTP client that does what it is told: no redirects, no proxy to a machine of one's own, one
/// connection per request, so that no request can lean on an earlier one (B4).
pub(crate) fn client(plain: bool) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .http1_only();
    if plain {
        builder = builder.no_proxy().tls_certs_only([]); // no need to look for the system's roots
    }
    builder.build().map_err(reason)
}

/// The innermost cause, which is what reqwest's own text leaves out.
fn reason(error: reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
