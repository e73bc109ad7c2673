//! What is sent? A request in the making, with the words to bend it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use serde_json::Value;

use crate::{Answer, Target};

/// A request to a [`Target`]. `Host` and the caller's token are added when it is sent, unless the
/// request has its own.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    target: &'a Target,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    hostless: bool,
    anonymous: bool,
    named: String,
    broken: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(target: &'a Target, method: Method, path: &str) -> Self {
        Self {
            target,
            named: format!("{method} {path}"),
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            hostless: false,
            anonymous: false,
            broken: None,
        }
    }

    /// One more header; one of the same name stays.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref());
        match (HeaderName::from_bytes(name.as_bytes()), value) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ => self.broken = Some(format!("{name} cannot be sent as a header")),
        }
        self
    }

    /// This header instead of all of its name.
    pub fn set(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).header(name, value)
    }

    /// This `Mcp-Name`, if the request has one.
    pub fn coded_name(self, name: &str) -> Self {
        if self.headers.contains_key("mcp-name") { self.set("mcp-name", name) } else { self }
    }

    /// No header of this name. Without `host` the request has none at all.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self.hostless = name == "host";
        self
    }

    /// Without the caller's token.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// With this token instead of the caller's.
    pub fn token(self, token: &str) -> Self {
        self.set("authorization", format!("Bearer {token}"))
    }

    /// Another query, without the question mark.
    pub fn query(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    /// Another body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The JSON body, changed.
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        match serde_json::from_slice(&self.body) {
            Ok(mut message) => {
                change(&mut message);
                self.body = message.to_string().into_bytes();
            }
            Err(_) => self.broken = Some("only JSON can be edited".into()),
        }
        self
    }

    /// The body with a part of its text replaced, for JSON that no library would write.
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        self.body = String::from_utf8_lossy(&self.body).replace(from, to).into_bytes();
        self
    }

    /// The body made exactly this long: blanks are added, or letters `p` taken out.
    pub fn resize(mut self, size: usize) -> Self {
        let spare = self.body.len().saturating_sub(size);
        if let Some(at) = self.body.windows(spare.max(1)).position(|w| w.iter().all(|b| *b == b'p'))
        {
            self.body.drain(at..at + spare);
        }
        self.body.resize(size, b' ');
        self
    }

    /// What sentences about this request call it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.named = name.into();
        self
    }

    /// What is special about this request, for sentences about it.
    pub fn with(mut self, what: impl std::fmt::Display) -> Self {
        self.named = format!("{} with {what}", self.named);
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// A sentence, when there is no answer.
    pub async fn send(self) -> Result<Answer, String> {
        let Self { target, mut headers, named, .. } = self;
        if let Some(broken) = self.broken {
            return Err(format!("{named}: {broken}"));
        }
        let missing = |why| move |_| format!("{why} does not fit into a header");
        if !self.hostless && !headers.contains_key(header::HOST) {
            let host = target.authority().parse().map_err(missing("the host"))?;
            headers.insert(header::HOST, host);
        }
        let wanted = !self.anonymous && !headers.contains_key(header::AUTHORIZATION);
        if let Some(token) = target.caller.as_ref().filter(|_| wanted) {
            let value = format!("Bearer {}", token.0).parse().map_err(missing("the token"))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().map_err(|error| format!("{named}: {error}"))?;
        *request.headers_mut() = headers;
        target.send(request, named).await
    }
}
