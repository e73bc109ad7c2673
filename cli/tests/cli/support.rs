//! A small server on loopback that remembers what it was asked, and the command to ask it with.

use std::{
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use assert_cmd::Command;
use axum::{
    Json, Router,
    body::Bytes,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub http: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON-RPC method; for a request without a body the HTTP method.
    pub fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or(self.http.as_str())
    }

    /// A parameter of the form.
    pub fn form(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.text.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A result for this request, as JSON.
    pub fn result(&self, result: Value) -> Response {
        Json(json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result})).into_response()
    }

    /// A JSON-RPC error for this request.
    pub fn error(&self, status: u16, code: i64) -> Response {
        let error = json!({"code": code, "message": "words of the server"});
        let body = json!({"jsonrpc": "2.0", "id": self.body["id"], "error": error});
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    }
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Seen>>,
    grown: Condvar,
}

pub struct Server {
    pub origin: String,
    seen: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a free port until it is dropped.
    pub fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let seen: Arc<Log> = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let (told, origin) = std::sync::mpsc::channel();
        let log = seen.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                told.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                let app = Router::new().fallback(async move |request: Request| {
                    let (parts, body) = request.into_parts();
                    let body: Bytes = body.collect().await.unwrap().to_bytes();
                    let seen = Seen {
                        http: parts.method,
                        path: parts.uri.to_string(),
                        headers: parts.headers,
                        body: serde_json::from_slice(&body).unwrap_or_default(),
                        text: String::from_utf8_lossy(&body).into_owned(),
                    };
                    log.requests.lock().unwrap().push(seen.clone());
                    log.grown.notify_all();
                    answer(&seen)
                });
                tokio::select! {
                    served = async { axum::serve(listener, app).await } => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let origin = origin.recv().unwrap();
        Self { origin, seen, stop: Some(stop), thread: Some(thread) }
    }

    /// The endpoint.
    pub fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// `mcp-auth call` with this endpoint and these arguments.
    pub fn call(&self, args: &[&str]) -> Command {
        let mut command = command();
        command.arg("call").arg(self.url()).args(args);
        command
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The JSON-RPC methods so far.
    pub fn methods(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.method().to_owned()).collect()
    }

    /// Waits until this method has been called.
    pub fn wait_for(&self, method: &str) {
        let missing = |seen: &mut Vec<Seen>| !seen.iter().any(|one| one.method() == method);
        let (limit, seen) = (Duration::from_secs(20), self.seen.requests.lock().unwrap());
        let (seen, waited) = self.seen.grown.wait_timeout_while(seen, limit, missing).unwrap();
        assert!(!waited.timed_out(), "{method} never came, only {seen:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || !matches!(ended, Some(Err(_))), "the server panicked");
    }
}

/// The command, in a directory without `.env` and with nothing set in the environment.
pub fn command() -> Command {
    let mut command = Command::from_std(std_command());
    command.timeout(Duration::from_secs(60));
    command
}

pub fn std_command() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mcp-auth"));
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    let ours = ["MCP_TOKEN", "MCP_KEYS_DIR", "MCP_PUBLIC_URL", "MCP_PORT", "MCP_LEEWAY"];
    let login = ["DIR", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "CLIENT_METADATA_URL"];
    for name in login {
        command.env_remove(format!("MCP_LOGIN_{name}"));
    }
    for name in ["XDG_CONFIG_HOME", "APPDATA"] {
        command.env(name, concat!(env!("CARGO_TARGET_TMPDIR"), "/no-logins"));
    }
    let proxies =
        ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "CLICOLOR_FORCE", "BROWSER"];
    for name in ours.into_iter().chain(proxies) {
        command.env_remove(name);
    }
    command
}

/// Runs a command; returns its exit status, stdout and stderr.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A server of the current revision with one tool that says what it got.
pub fn modern(seen: &Seen) -> Response {
    match seen.method() {
        "server/discover" => seen.result(json!({
            "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
            "ttlMs": 300_000, "cacheScope": "public", "resultType": "complete",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fake", "version": "1.2.3"}},
        })),
        "tools/list" => seen.result(json!({"tools": [tool("mirror")]})),
        "tools/call" => seen.result(json!({
            "content": [{"type": "text", "text": seen.body["params"]["arguments"].to_string()}],
            "isError": false,
        })),
        _ => seen.error(404, -32601),
    }
}

/// A tool with arguments of several types.
pub fn tool(name: &str) -> Value {
    json!({
        "name": name, "description": "Says what it got",
        "inputSchema": {
            "type": "object", "required": ["text"],
            "properties": {
                "text": {"type": "string", "description": "Anything"},
                "count": {"type": ["integer", "null"], "minimum": 1, "maximum": 9, "default": 1},
                "region": {"type": "string", "x-mcp-header": "Region"},
            },
        },
    })
}
