//! Does a server refuse what it must? Every row of the table, put to any tower service.

use std::{error::Error, fmt};

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::json;
use tower::{Service, ServiceExt as _};

use super::{Expected, Issuer, Kind, Token};

/// The most that we read of an answer.
const MAX_ANSWER: usize = 1 << 20;

/// The current protocol revision, which the requests are written in.
const REVISION: &str = "2026-07-28";

type BoxError = Box<dyn Error + Send + Sync>;

/// What a service did with the tokens of the table. Prints as a list of what was wrong.
#[derive(Clone, Debug, Default)]
pub struct Report {
    tried: usize,
    left_out: usize,
    failures: Vec<Failure>,
}

/// A token that did not get what it should.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// Its kind; `good` and `good-without-scope` are the good tokens that are sent first.
    pub kind: &'static str,
    /// What it tries.
    pub tries: &'static str,
    /// What was expected, and what came.
    pub what: String,
}

impl Report {
    /// Did each token get what it should?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// The tokens that did not.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many rows of the table were tried.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.tried
    }

    /// Without a good answer there is nothing to compare the others with.
    fn ended(mut self, kind: &'static str, tries: &'static str, what: String) -> Self {
        self.failed(kind, tries, what);
        self
    }

    fn failed(&mut self, kind: &'static str, tries: &'static str, what: String) {
        self.failures.push(Failure { kind, tries, what });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tried, left_out, failures } = self;
        write!(f, "{tried} tokens tried, {} got what they should not", failures.len())?;
        if *left_out > 0 {
            write!(f, "; {left_out} left out, which need a common clock (Issuer::with_clock)")?;
        }
        for Failure { kind, tries, what } in failures {
            write!(f, "\n  {kind}: {what}\n    it tries: {tries}")?;
        }
        Ok(())
    }
}

/// What came back.
#[derive(Clone, PartialEq)]
struct Answer {
    status: StatusCode,
    challenge: String,
    body: Vec<u8>,
}

impl Answer {
    /// Does the challenge say `invalid_token` (RFC 6750 §3.1)?
    fn is_refusal(&self) -> bool {
        let parameters = self.challenge.strip_prefix("Bearer ").unwrap_or_default();
        self.status == StatusCode::UNAUTHORIZED
            && parameters.split(',').any(|one| one.trim() == "error=\"invalid_token\"")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(200).collect();
        write!(f, "{}, WWW-Authenticate: {:?}, body {body:?}", self.status, self.challenge)
    }
}

impl Issuer {
    /// Puts a service through the table: each token is sent with a `POST` of `tools/list` to the path of `audience`, the
    /// URL by which clients know the service.
    ///
    /// A bad token must get 401 with `error="invalid_token"` in the challenge, and all of them one and the same
    /// challenge and body, so that nobody learns which check they failed. A token that is merely unusual must get what a
    /// good one gets. Rows within a minute of a time limit are left out, unless the service has the issuer's clock
    /// ([`with_clock`](Issuer::with_clock)).
    ///
    /// The example of the [module](super) shows it whole.
    pub async fn refuses_bad_tokens<S, B>(&self, service: S, audience: &str) -> Report
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone,
        S::Error: Into<BoxError>,
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        let mut report = Report::default();
        let good = || self.token("alice").audience(audience).scope(self.scope());
        let bare = self.token("alice").audience(audience);
        let ask = async |token: Token<'_>| ask(service.clone(), audience, token).await;
        let first = async |token, is_taken: fn(&Answer) -> bool| {
            let answer = ask(token).await?;
            if is_taken(&answer) { Ok(answer) } else { Err(format!("it is not taken: {answer}")) }
        };
        let taken = match first(good(), is_let_in).await {
            Ok(answer) => answer,
            Err(what) => return report.ended("good", "a good token", what),
        };
        let tries = "a good token without any scope, which is genuine";
        let is_genuine = |one: &Answer| is_let_in(one) || one.status == StatusCode::FORBIDDEN;
        let powerless = match first(bare, is_genuine).await {
            Ok(answer) => answer,
            Err(what) => return report.ended("good-without-scope", tries, what),
        };
        let mut first: Option<Answer> = None;
        for kind in Kind::all() {
            if kind.is_close() && !self.shares_clock() {
                report.left_out += 1;
                continue;
            }
            report.tried += 1;
            let answer = match ask(good().bad(kind)).await {
                Ok(answer) => answer,
                Err(error) => {
                    report.failed(kind.name(), kind.tries(), error);
                    continue;
                }
            };
            let expected = match kind.expected() {
                Expected::Refused(_) if answer.is_refusal() => {
                    let first = first.get_or_insert_with(|| answer.clone());
                    (answer != *first).then(|| format!("what every bad token gets, {first}"))
                }
                Expected::Refused(_) => {
                    Some("401 with error=\"invalid_token\" in the challenge".to_owned())
                }
                Expected::Taken => (answer.status != taken.status)
                    .then(|| format!("what a good token gets, {}", taken.status)),
                Expected::Powerless => (answer.status != powerless.status)
                    .then(|| format!("what a token without scope gets, {}", powerless.status)),
            };
            if let Some(expected) = expected {
                let what = format!("expected {expected}; got {answer}");
                report.failed(kind.name(), kind.tries(), what);
            }
        }
        report
    }
}

/// Has the token brought its bearer past the door? What the service says to the request itself is its own affair.
fn is_let_in(answer: &Answer) -> bool {
    use StatusCode as Is;
    let shut = [Is::UNAUTHORIZED, Is::FORBIDDEN, Is::NOT_FOUND, Is::MISDIRECTED_REQUEST];
    !shut.contains(&answer.status) && !answer.status.is_server_error()
}

/// One request with this token.
async fn ask<S, B>(service: S, audience: &str, token: Token<'_>) -> Result<Answer, String>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let token = token.mint().map_err(|error| format!("the token cannot be made: {error}"))?;
    let request = request(audience, &token).map_err(|error| format!("no request: {error}"))?;
    let failed = |error: BoxError| format!("the service answers nothing: {error}");
    let response = service.oneshot(request).await.map_err(|error| failed(error.into()))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(failed)?.to_bytes().to_vec();
    Ok(Answer { status: parts.status, challenge: challenge(&parts.headers), body })
}

/// `tools/list` in the current revision, as a client sends it.
fn request(audience: &str, token: &str) -> Result<Request<Body>, http::Error> {
    let uri: Uri = audience.parse().unwrap_or_else(|_| Uri::from_static("/mcp"));
    let host = uri.authority().map_or("localhost", |authority| authority.as_str());
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/list",
        "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientCapabilities": {},
        }},
    });
    Request::post(uri.path())
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", REVISION)
        .header("mcp-method", "tools/list")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(message.to_string()))
}

/// The challenge for bearer tokens; there may be others.
fn challenge(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok());
    let bearer = |value: &&str| value.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("bearer"));
    let found = values.into_iter().find(bearer).unwrap_or_default();
    found.get(6..).map(|rest| format!("Bearer{rest}")).unwrap_or_default()
}
