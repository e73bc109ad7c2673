//! A server of the official Rust SDK with all that the official conformance suite asks for by name, guarded or not:
//! `cargo run -p mcp-auth --features testing --example rmcp_conformance -- [--plain]`
//!
//! It prints its URL. Behind the layer it is its own issuer too, which lives as long as the process: the second line is a token. So
//! nothing else must run, and no key is left behind that somebody could mistake for one of his own.
//! `scripts/check_all.sh --only conformance` runs it both ways; `tests/clients/conformance.md` says what it must pass.

// What the old era has is deprecated in the SDK, and asked for by the suite.
#![allow(deprecated)]

mod asks;
mod input;
mod prompts;
mod resources;
mod tools;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::bail;
use axum::Router;
use mcp_auth::{
    AuthLayer, call::ScopeTable, jwt::Verifier, metadata::ProtectedResource, testing::Issuer,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation,
        InputRequiredResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, LoggingLevel, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, ServerConfig, SetLevelRequestParams,
        SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

type Cx = RequestContext<RoleServer>;

/// Which list has changed.
#[derive(Clone, Copy)]
enum Changed {
    Tools,
    Prompts,
}

/// What one session sees, or one request where there are no sessions.
#[derive(Clone)]
struct Fixture {
    config: Arc<ServerConfig>,
    tools: Arc<Vec<Tool>>,
    states: Arc<input::States>,
    changes: broadcast::Sender<Changed>,
    /// The client of this session wants no log messages of level `info`.
    quiet: Arc<AtomicBool>,
}

impl Fixture {
    fn new() -> anyhow::Result<Self> {
        let capabilities = json!({
            "completions": {}, "logging": {}, "resources": {"subscribe": true},
            "prompts": {"listChanged": true}, "tools": {"listChanged": true},
        });
        let info = Implementation::new("conformance", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            config: Arc::new(ServerConfig::new(made(capabilities)?).with_server_info(info)),
            tools: Arc::new(made(tools::list())?),
            states: Arc::new(input::States::new()?),
            changes: broadcast::Sender::new(16),
            quiet: Arc::default(),
        })
    }

    fn of_a_new_session(&self) -> Self {
        Self { quiet: Arc::default(), ..self.clone() }
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        self.config.as_ref().clone()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: Cx,
    ) -> Result<CallToolResponse, ErrorData> {
        response::<CallToolResult, _>(tools::call(self, &request, &cx).await?)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Result<ListPromptsResult, ErrorData> {
        made(prompts::list())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        cx: Cx,
    ) -> Result<GetPromptResponse, ErrorData> {
        response::<GetPromptResult, _>(prompts::get(&request, &cx)?)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Cx,
    ) -> Result<CompleteResult, ErrorData> {
        made(prompts::complete(&request.argument.value))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Result<ListResourcesResult, ErrorData> {
        made(resources::list())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Cx,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        made(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Cx,
    ) -> Result<ReadResourceResponse, ErrorData> {
        response::<ReadResourceResult, _>(resources::read(&request.uri)?)
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: Cx) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(drop) // no resource of ours changes
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Cx) -> Result<(), ErrorData> {
        resources::read(&request.uri).map(drop)
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: Cx) -> Result<(), ErrorData> {
        let quiet = !matches!(request.level, LoggingLevel::Debug | LoggingLevel::Info);
        self.quiet.store(quiet, Ordering::Relaxed);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        wanted: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(wanted.clone()) // the SDK leaves of it what the capabilities say
    }

    async fn listen(&self, stream: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let changed = tokio::select! {
                () = stream.cancelled() => return Ok(()),
                changed = changes.recv() => changed,
            };
            // what this client did not ask for, the sink refuses
            let _refused = match changed {
                Ok(Changed::Tools) => stream.sink().notify_tool_list_changed().await,
                Ok(Changed::Prompts) => stream.sink().notify_prompt_list_changed().await,
                Err(_) => return Ok(()),
            };
        }
    }
}

/// A value of the SDK's types, from what goes over the wire.
fn made<T: DeserializeOwned>(wire: Value) -> Result<T, ErrorData> {
    serde_json::from_value(wire).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// An answer, or what the client must be asked before there is one.
fn response<T, R>(wire: Value) -> Result<R, ErrorData>
where
    T: DeserializeOwned,
    R: From<T> + From<InputRequiredResult>,
{
    if wire["resultType"] == "input_required" {
        return made::<InputRequiredResult>(wire).map(R::from);
    }
    made::<T>(wire).map(R::from)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_plain = match &*arguments {
        [] => false,
        [flag] if flag == "--plain" => true,
        _ => bail!("--plain, for a server that asks for no token, or nothing"),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let fixture = Fixture::new()?;
    let server = StreamableHttpService::new(
        move || Ok(fixture.of_a_new_session()),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let mut app = Router::new().route_service("/mcp", server);
    let issuer = Issuer::new("http://localhost:9100", &url)?; // its keys last as long as it does
    if is_plain {
        println!("{url}");
    } else {
        let (name, keys) = (issuer.name(), issuer.key_set());
        let metadata = ProtectedResource::new(&url, name, "mcp:read".parse()?)?;
        let verifier = Verifier::new(keys, name.to_owned(), url.clone(), issuer.leeway());
        let auth = AuthLayer::new(metadata, verifier)?.first_scope("mcp:read");
        app = app.layer(auth.mcp_scopes(ScopeTable::new("mcp:read")));
        println!("{url}\n{}", issuer.token("suite").scope("mcp:read").mint()?);
    }
    tokio::select! {
        served = axum::serve(listener, app).into_future() => Ok(served?),
        ended = tokio::signal::ctrl_c() => Ok(ended?),
    }
}
