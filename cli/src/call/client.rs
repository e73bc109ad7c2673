//! How is a method called, in either era? The headers and `_meta` of 2026-07-28, or the handshake and
//! the session of 2025-11-25 and older, and JSON-RPC answers as JSON or as a stream.

use std::time::Duration;

use clap::ValueEnum;
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue},
};
use serde_json::{Map, Value, json};

use super::{
    message::{MODERN, announce, client_info, header_text, is_answer, meta},
    refusal,
    target::Target,
    wire::{Answer, Http, Outgoing},
};
use crate::exit::Failure;

/// What can be agreed on with `initialize`, newest first.
const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Saying goodbye may take no longer than this.
const GOODBYE: Duration = Duration::from_secs(2);

/// Which wire format to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Era {
    /// Ask with server/discover; fall back to initialize if the server does not know it
    #[default]
    Auto,
    /// 2026-07-28: every request stands alone
    Modern,
    /// 2025-11-25 and older: initialize first
    Legacy,
}

/// What a message says, once HTTP is peeled off.
pub enum Said {
    /// The result of the method.
    Result(Value),
    /// A JSON-RPC error: `code`, `message` and perhaps `data`.
    Error(Value),
    /// Something that is not an answer in MCP.
    Else,
}

/// An answer and what it says.
pub struct Reply {
    /// Status, headers and body.
    pub answer: Answer,
    /// What they say.
    pub said: Said,
}

/// A caller of one server.
pub struct Client {
    http: Http,
    target: Target,
    token: Option<String>,
    authorization: Option<HeaderValue>,
    /// The version agreed on by `initialize`; none in the modern era.
    version: Option<String>,
    session: Option<HeaderValue>,
    last_id: u64,
    in_flight: bool,
}

impl Client {
    /// A client that has not called anybody yet.
    pub fn new(http: Http, target: Target, token: Option<String>) -> Result<Self, Failure> {
        let authorization = token.as_deref().map(bearer).transpose()?;
        Ok(Self {
            http,
            target,
            token,
            authorization,
            version: None,
            session: None,
            last_id: 0,
            in_flight: false,
        })
    }

    /// Begins anew, with this token from now on.
    pub async fn authorize(&mut self, token: String) -> Result<(), Failure> {
        self.close().await;
        (self.version, self.session) = (None, None);
        self.authorization = Some(bearer(&token)?);
        self.http.mask(&token);
        self.token = Some(token);
        Ok(())
    }

    /// Agrees on an era; returns what the server said about itself, if it was asked.
    pub async fn open(&mut self, era: Era) -> Result<Option<Value>, Failure> {
        match era {
            Era::Modern => Ok(None),
            Era::Legacy => self.initialize().await.map(Some),
            Era::Auto => {
                let reply = self.post("server/discover", Map::new(), HeaderMap::new()).await?;
                match &reply.said {
                    Said::Result(found) if speaks_modern(found) => Ok(Some(found.clone())),
                    _ if may_be_older(&reply) => self.initialize().await.map(Some),
                    _ => self.result(reply).await.map(Some),
                }
            }
        }
    }

    /// Whom it calls.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Is this the modern era?
    pub fn is_modern(&self) -> bool {
        self.version.is_none()
    }

    /// Calls a method and returns its result.
    pub async fn call(
        &mut self,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Value, Failure> {
        let reply = self.post(method, params, HeaderMap::new()).await?;
        self.result(reply).await
    }

    /// The result that a reply has, or the failure that it means.
    pub async fn result(&self, reply: Reply) -> Result<Value, Failure> {
        let Said::Result(result) = reply.said else {
            let token = self.token.as_deref();
            return Err(refusal::failure(&self.http, &self.target, token, &reply).await);
        };
        if result["resultType"] == "input_required" {
            let wanted = result["inputRequests"].as_object();
            let wanted: Vec<_> = wanted.into_iter().flat_map(Map::keys).cloned().collect();
            return Err(Failure::other(format!(
                "the server asks for more before it answers ({}), and this command cannot give it",
                crate::output::line(&wanted.join(", "))
            )));
        }
        Ok(result)
    }

    /// Sends a request, with these headers beside those that it must have.
    pub async fn post(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
        more: HeaderMap,
    ) -> Result<Reply, Failure> {
        self.last_id += 1;
        let mut headers = self.headers();
        if self.is_modern() && method != "initialize" {
            let name = params.get(if method == "resources/read" { "uri" } else { "name" });
            if let Some(name) = name.and_then(Value::as_str) {
                headers.insert("mcp-name", header_text(name));
            }
            headers.insert("mcp-method", header_text(method));
            params.insert("_meta".into(), meta());
        } else if method == "initialize" {
            headers.remove("mcp-protocol-version"); // is about to be agreed on
        }
        headers.extend(more);
        let id = self.last_id;
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let mut streamed = None;
        self.in_flight = true;
        let mut event = |data: &str| {
            streamed = serde_json::from_str(data).ok().filter(|message| is_answer(message, id));
            if streamed.is_none() {
                announce(data);
            }
            streamed.is_some()
        };
        let answer = self.http.send(self.outgoing(headers, &body), &mut event).await;
        self.in_flight = false;
        let answer = answer?;
        let message = match streamed {
            None if answer.media_type().ends_with("json") => {
                serde_json::from_slice(&answer.body).ok()
            }
            streamed => streamed,
        };
        let said = match message.filter(|message| is_answer(message, id)) {
            Some(mut message) if message.get("result").is_some() => {
                Said::Result(message["result"].take())
            }
            Some(mut message) => Said::Error(message["error"].take()),
            None => Said::Else,
        };
        Ok(Reply { answer, said })
    }

    async fn initialize(&mut self) -> Result<Value, Failure> {
        let params = json!({
            "protocolVersion": LEGACY[0],
            "capabilities": {},
            "clientInfo": client_info(),
        });
        let params = params.as_object().cloned().unwrap_or_default();
        let reply = self.post("initialize", params, HeaderMap::new()).await?;
        let session = reply.answer.headers.get("mcp-session-id").cloned();
        let result = self.result(reply).await?;
        let version = result["protocolVersion"].as_str().unwrap_or_default();
        if !LEGACY.contains(&version) {
            let version = crate::output::line(version);
            return Err(Failure::other(format!(
                "the server answers `initialize` with protocol version `{version}`; this command speaks \
                 {MODERN} without it, and {} with it",
                LEGACY.join(", ")
            )));
        }
        self.version = Some(version.to_owned());
        self.session = session;
        self.notify("notifications/initialized", json!({})).await?;
        Ok(result)
    }

    /// Sends a notification; whoever takes it says so with a 2xx (T5).
    async fn notify(&self, method: &str, params: Value) -> Result<(), Failure> {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let answer = self.http.send(self.outgoing(self.headers(), &body), &mut |_| false).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let reply = Reply { answer, said: Said::Else };
        self.result(reply).await.map(drop)
    }

    /// Ends what is left open on the server: a request that nobody waits for any more, and the session
    /// of an old server (G4). A modern request ends with its connection (T10).
    pub async fn close(&mut self) {
        let farewell = async {
            if self.in_flight && !self.is_modern() {
                let params = json!({"requestId": self.last_id, "reason": "stopped by the user"});
                let _ = self.notify("notifications/cancelled", params).await;
            }
            if self.session.is_some() {
                let (method, target) = (Method::DELETE, self.target.clone());
                let request = Outgoing { method, target, headers: self.headers(), body: None };
                let _ = self.http.send(request, &mut |_| true).await;
            }
        };
        // whether the server agrees makes no difference to us
        let _ = tokio::time::timeout(GOODBYE, farewell).await;
    }

    fn outgoing(&self, headers: HeaderMap, body: &Value) -> Outgoing {
        let (method, target) = (Method::POST, self.target.clone());
        Outgoing { method, target, headers, body: Some(body.to_string()) }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let version = self.version.as_deref().unwrap_or(MODERN);
        headers.insert("mcp-protocol-version", header_text(version));
        if let Some(session) = &self.session {
            headers.insert("mcp-session-id", session.clone());
        }
        headers
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_: InvalidHeaderValue| {
        Failure::usage("the token has characters that no header can carry, such as a line's end")
    })
}

fn speaks_modern(discovered: &Value) -> bool {
    let versions = discovered["supportedVersions"].as_array();
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN))
}

/// Is this how a server answers that has never heard of `server/discover`? Not when it wants another
/// token, or is out of order.
fn may_be_older(reply: &Reply) -> bool {
    let status = reply.answer.status.as_u16();
    matches!(status, 200..=299 | 400..=499) && !matches!(status, 401 | 403 | 408 | 429)
}
