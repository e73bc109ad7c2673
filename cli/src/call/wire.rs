//! How does one HTTP message get there, and its answer back? Within limits of time and size, without
//! following redirects: a token that is meant for one server must not be carried to another.

use std::time::Duration;

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
    redirect::Policy,
};
use tokio::time::{Instant, interval_at, sleep_until};

use super::{
    headers::{self, HeaderChange},
    show::Show,
    sse::Events,
    target::Target,
    unreachable::{root, unreachable},
};
use crate::{exit::Failure, output};

/// More than this is not read of an answer.
const MAX_BODY: usize = 8 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// After this time people are told that something is still going on, and then again and again.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request that is about to be sent.
pub struct Outgoing {
    /// POST for MCP, GET for metadata, DELETE for the end of a session.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// All of its headers, in the order in which they go.
    pub headers: HeaderMap,
    /// Its body, if it has one.
    pub body: Option<String>,
}

/// An answer, or as much of it as was needed.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// Was it a stream of events? Then they have been handed out already.
    pub streamed: bool,
}

impl Answer {
    /// The media type, without parameters.
    pub fn media_type(&self) -> String {
        media_type(&self.headers)
    }
}

/// Sends requests to one server.
pub struct Http {
    client: Client,
    timeout: Duration,
    show: Option<Show>,
    changes: Vec<HeaderChange>,
    most: usize,
}

impl Http {
    /// With `timeout` for each answer. A server on this machine is never asked through a proxy.
    pub fn new(
        target: &Target,
        timeout: Duration,
        show: Option<Show>,
        changes: Vec<HeaderChange>,
    ) -> Result<Self, Failure> {
        let mut builder = Client::builder().redirect(Policy::none()).connect_timeout(CONNECT);
        if target.is_loopback() {
            builder = builder.no_proxy();
        }
        if target.url().scheme() == "http" {
            builder = builder.tls_certs_only([]); // none needed, so none read: they may be missing
        }
        let client = builder
            .build()
            .map_err(|error| Failure::other(format!("TLS cannot be set up: {}", root(&error))))?;
        Ok(Self { client, timeout, show, changes, most: MAX_BODY })
    }

    /// The same, which reads no more than this of an answer.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// What is shown from now on has this token masked.
    pub fn mask(&mut self, token: &str) {
        if self.show.is_some() {
            self.show = Some(Show::new(Some(token.to_owned())));
        }
    }

    /// Sends a request and reads its answer. The events of a stream go to `event`, until it says that
    /// this was the last one needed.
    pub async fn send(
        &self,
        request: Outgoing,
        event: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer, Failure> {
        let target = request.target.clone();
        let answer = self.exchange(request, event).await?;
        if answer.status.is_redirection() {
            let to = answer.headers.get(LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
            return Err(Failure::other(format!(
                "{} answers {} and sends callers to {}; redirects are not followed, because a token is \
                 meant for one server: if you trust that one, call it by its own URL",
                target.shown(),
                answer.status.as_u16(),
                to.as_deref().unwrap_or("a place that it does not name"),
            )));
        }
        Ok(answer)
    }

    /// The same for whom a redirect is an answer like others. Nobody follows it here either.
    pub async fn exchange(
        &self,
        mut request: Outgoing,
        event: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Answer, Failure> {
        headers::complete(&mut request, &self.changes);
        let target = request.target.clone();
        if let Some(show) = &self.show {
            show.request(&request);
        }
        let deadline = Instant::now() + self.timeout;
        let mut body = Vec::new();
        let answer: Result<_, Failure> = async {
            let mut sent = self.client.request(request.method.clone(), target.url().clone());
            sent = sent.headers(request.headers.clone());
            if let Some(body) = &request.body {
                sent = sent.body(body.clone());
            }
            let sent = self.within(deadline, &target, sent.send());
            let response = sent.await?.map_err(|error| unreachable(&error, &target))?;
            if let Some(show) = &self.show {
                show.head(response.version(), response.status(), response.headers());
            }
            let (status, headers) = (response.status(), response.headers().clone());
            let streamed = media_type(&headers) == "text/event-stream";
            let events = streamed.then_some(event);
            self.read(response, deadline, &target, &mut body, events).await?;
            Ok((status, headers, streamed))
        }
        .await;
        if let Some(show) = &self.show {
            show.end(&body, &request);
        }
        let (status, headers, streamed) = answer?;
        Ok(Answer { status, headers, body, streamed })
    }

    async fn read(
        &self,
        mut response: Response,
        deadline: Instant,
        target: &Target,
        body: &mut Vec<u8>,
        mut events: Option<&mut dyn FnMut(&str) -> bool>,
    ) -> Result<(), Failure> {
        let mut stream = Events::default();
        loop {
            let chunk = self.within(deadline, target, response.chunk()).await?;
            let chunk = chunk.map_err(|error| {
                Failure::unreachable(format!(
                    "the answer of {} broke off in the middle: {}",
                    target.shown(),
                    root(&error)
                ))
            })?;
            let Some(chunk) = chunk else { return Ok(()) };
            if body.len() + chunk.len() > self.most {
                return Err(Failure::other(format!(
                    "the answer of {} is longer than {} and was not read to its end",
                    target.shown(),
                    if self.most < 1 << 20 {
                        format!("{} KiB", self.most >> 10)
                    } else {
                        format!("{} MiB", self.most >> 20)
                    },
                )));
            }
            body.extend_from_slice(&chunk);
            if let Some(event) = &mut events
                && stream.push(&chunk).iter().any(|data| event(data))
            {
                return Ok(());
            }
        }
    }

    /// Waits until the deadline, and says so to people who wait.
    async fn within<T>(
        &self,
        deadline: Instant,
        target: &Target,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let started = deadline - self.timeout;
        let mut notes = interval_at(Instant::now() + PATIENCE, PATIENCE * 2);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = sleep_until(deadline) => return Err(Failure::unreachable(format!(
                    "no answer of {} within {} s; --timeout allows more",
                    target.shown(),
                    self.timeout.as_secs()
                ))),
                _ = notes.tick() => output::note(&format!(
                    "waiting for {}: {} s of at most {} s; Ctrl-C stops",
                    target.shown(),
                    started.elapsed().as_secs(),
                    self.timeout.as_secs()
                )),
            }
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let value = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    value.trim().to_ascii_lowercase()
}
