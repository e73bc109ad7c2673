//! The endpoint: one message in, one answer out.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use common::{
    Context, Era, ServerInfo, calls,
    jsonrpc::{self, Message, Refusal},
    legacy,
    modern::{check, discover, era},
    prompts::{self, Prompts},
    tools::{self, Tools},
};
use mcp_auth::limits::Limits;
use serde_json::{Value, json};

use crate::{Settings, auth};

const INFO: ServerInfo =
    ServerInfo { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

/// May others keep a copy of a list for everybody? (F12)
const CACHE: &str = "private";

/// What the endpoint needs to answer.
pub struct Server {
    limits: Limits,
    tools: Tools,
    prompts: Prompts,
}

impl Server {
    /// The endpoint with these settings.
    pub fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            limits: settings.limits.clone(),
            tools: Tools::new(vec![tools::echo(), tools::get_time(), auth::whoami()]),
            prompts: Prompts::new(vec![prompts::greeting(), prompts::help()]),
        })
    }

    /// What this server can do, for `server/discover` and `initialize` (B8).
    fn capabilities(&self) -> Value {
        json!({"tools": {}, "prompts": {}})
    }
}

/// `POST /mcp`: reads one message and answers it. A notification gets 202 and runs nothing,
/// whatever its name (T5).
pub async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = match server.limits.read(request).await {
        Ok(read) => read,
        Err(exceeded) => return exceeded.into_response(),
    };
    let message = match jsonrpc::parse(&body) {
        Ok(message) => message,
        Err(response) => return *response,
    };
    let era = match era(&parts.headers, &message) {
        Ok(era) => era,
        Err(refusal) => return refusal.answer(message.id.as_ref()),
    };
    let Some(id) = &message.id else { return StatusCode::ACCEPTED.into_response() };
    let result = run(&server, &parts, era, &message).await;
    jsonrpc::respond(INFO, era, &parts.headers, id, result)
}

/// The table of methods.
async fn run(
    server: &Server,
    parts: &Parts,
    era: Era,
    message: &Message,
) -> Result<Value, Refusal> {
    if era == Era::Modern {
        check(&parts.headers, message)?;
    }
    let cx = Context::new(parts, era, server.limits.call_timeout);
    let params = &message.params;
    match (cx.era, message.method.as_str()) {
        (Era::Modern, "server/discover") => Ok(discover(&server.capabilities(), CACHE)),
        (Era::Legacy, "initialize") => Ok(legacy::initialize(INFO, &server.capabilities(), params)),
        (Era::Legacy, "ping") => Ok(json!({})),
        (_, "tools/list") => server.tools.list(&cx, params, CACHE),
        (_, "tools/call") => calls::call(&server.tools, &cx, params).await,
        (_, "prompts/list") => server.prompts.list(&cx, params, CACHE),
        (_, "prompts/get") => calls::get(&server.prompts, &cx, params).await,
        (era, unknown) => Err(Refusal::unknown_method(era, unknown)),
    }
}
