//! How is somebody asked during a login? Each exchange is bounded in time and size, follows nobody, and is drawn for `--trace`.

use std::time::Duration;

use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use url::form_urlencoded::Serializer;

use super::trace::{Party, Trace, masked};
use crate::{
    call::{
        secrets::is_secret,
        target::Target,
        wire::{Answer, Http, Outgoing},
    },
    exit::Failure,
    output,
};

/// Bytes that a document or an answer with tokens may have.
const MOST: usize = 512 << 10;
/// Shorter words than this are no secrets, and would mask everything.
const SECRET: usize = 8;

/// The longest time that one answer may take.
pub const ANSWER: Duration = Duration::from_secs(30);

/// The time that a person has to log in, if nothing else is said.
pub const LOGIN: Duration = Duration::from_secs(300);

/// Asks servers.
pub struct Web {
    /// How long each answer may take.
    pub time: Duration,
    /// What is drawn.
    pub trace: Trace,
}

impl Web {
    /// Fetches a document.
    pub async fn get(&self, whom: Party, target: &Target, why: &str) -> Result<Answer, Failure> {
        let request = request(Method::GET, target, None, HeaderMap::new());
        self.send(whom, request, format!("GET {}", target.path()), why).await
    }

    /// Sends a form, perhaps with the credentials of a client.
    pub async fn form(
        &self,
        target: &Target,
        fields: &[(&str, &str)],
        basic: Option<HeaderValue>,
        why: &str,
    ) -> Result<Answer, Failure> {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        headers.extend(basic.map(|basic| (AUTHORIZATION, basic)));
        let what = format!("POST {} {}", target.path(), masked(fields.iter().copied()));
        let request = request(Method::POST, target, Some(form), headers);
        let mut answer = self.send(Party::Issuer, request, what, why).await?;
        if !answer.status.is_success() {
            hide(&mut answer.body, fields);
        }
        Ok(answer)
    }

    /// Sends JSON.
    pub async fn json(&self, target: &Target, body: &Value, why: &str) -> Result<Answer, Failure> {
        let kind = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        let request = request(Method::POST, target, Some(body.to_string()), headers);
        self.send(Party::Issuer, request, format!("POST {}", target.path()), why).await
    }

    /// Asks for a page as a browser would; where it leads to is an answer too.
    pub async fn page(&self, target: &Target, why: &str) -> Result<Answer, Failure> {
        let mut request = request(Method::GET, target, None, HeaderMap::new());
        request.headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
        let what = format!("GET {}", target.url().path());
        let answer = self.http(target)?.exchange(request, &mut |_| true).await;
        self.drawn(Party::Issuer, &what, &answer, why);
        answer
    }

    async fn send(
        &self,
        whom: Party,
        request: Outgoing,
        what: String,
        why: &str,
    ) -> Result<Answer, Failure> {
        // a stream of events is nothing that belongs here, and ends with its first
        let answer = self.http(&request.target)?.send(request, &mut |_| true).await;
        self.drawn(whom, &what, &answer, why);
        answer
    }

    fn http(&self, target: &Target) -> Result<Http, Failure> {
        Ok(Http::new(target, self.time, None, Vec::new())?.at_most(MOST))
    }

    fn drawn(&self, whom: Party, what: &str, answer: &Result<Answer, Failure>, why: &str) {
        let status = answer.as_ref().ok().map(|answer| answer.status);
        self.trace.exchange([Party::Us, whom], what, status, why);
    }
}

fn request(
    method: Method,
    target: &Target,
    body: Option<String>,
    mut headers: HeaderMap,
) -> Outgoing {
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Outgoing { method, target: target.clone(), headers, body }
}

/// What an answer says in JSON. What is wrong with it is told without what stands there: it may be a token.
pub fn read<T: DeserializeOwned>(
    answer: &Answer,
    target: &Target,
    what: &str,
) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!("line {line}, column {column}");
        let why = match (error.classify(), error.to_string()) {
            (Category::Data, text) if text.contains(" field `") => output::line(&text),
            (Category::Data, _) => format!("something has the wrong type ({place})"),
            _ => format!("it is not JSON ({place})"),
        };
        Failure::other(format!("{} is not {what}: {why}", target.shown()))
    })
}

/// Takes the secrets that were sent out of what is answered: an issuer that repeats them would have us print them.
fn hide(body: &mut Vec<u8>, fields: &[(&str, &str)]) {
    let mut text = String::from_utf8_lossy(body).into_owned();
    let secrets = fields.iter().filter(|(name, value)| is_secret(name) && value.len() >= SECRET);
    for (_, secret) in secrets {
        text = text.replace(secret, "***");
    }
    *body = text.into_bytes();
}

/// The words of a refusal in OAuth's shape (RFC 6749 §5.2): the code, and the sentence for people.
pub fn refusal(answer: &Answer) -> (Option<String>, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["error"].as_str().map(output::line);
    let words = body["error_description"].as_str().map(output::line);
    let status = answer.status.as_u16();
    let said = match (&code, words) {
        (Some(code), Some(words)) => format!("{status} {code}: {words}"),
        (Some(code), None) => format!("{status} {code}"),
        (None, _) => status.to_string(),
    };
    (code, said)
}
