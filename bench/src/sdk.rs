//! A server of the official Rust SDK with one tool: stateless, and its answers are JSON.

use axum::Router;
use rmcp::{
    handler::server::wrapper::Parameters,
    schemars, tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Message {
    /// What to say again.
    message: String,
}

#[derive(Clone, Debug)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    /// Says the message again.
    #[tool]
    async fn echo(&self, Parameters(Message { message }): Parameters<Message>) -> String {
        message
    }
}

/// The server, open to everybody.
pub fn app() -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let tools =
        StreamableHttpService::new(|| Ok(Tools), LocalSessionManager::default().into(), config);
    Router::new().route_service("/mcp", tools)
}
