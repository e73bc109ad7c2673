//! Guards a server of the official Rust SDK with the tokens of a Keycloak:
//! `cargo run -p mcp-auth --features remote --example rmcp_keycloak -- http://localhost:8080/realms/mcp-realm`

use anyhow::Context as _;
use axum::{Router, middleware::from_fn_with_state};
use mcp_auth::{
    AuthLayer, Identity,
    call::{Requirement, ScopeTable},
    jwt::Policy,
    metadata::ProtectedResource,
    origin::{self, Origins, Rule},
    remote::Remote,
    verify::Verify,
};
use rmcp::{
    handler::server::{tool::Extension, wrapper::Parameters},
    schemars, tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

/// The URL by which clients know this server, and so whom its tokens are for.
pub const RESOURCE: &str = "http://localhost:9000/mcp";

/// The names by which it may be called, and the one page that may call it. The SDK has a list of hosts of its own, which
/// knows the names of this machine; it is asked after the token, and without the port.
const HOSTS: [&str; 2] = ["localhost:9000", "127.0.0.1:9000"];
const ORIGIN: &str = "http://localhost:9000";

/// What clients may ask Keycloak for; each is a client scope of the realm.
const SCOPES: &str = "mcp:read mcp:tools";

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Message {
    /// What to say again.
    message: String,
}

/// A server with three tools.
#[derive(Clone, Debug)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    /// Says the message again.
    #[tool]
    async fn echo(&self, Parameters(Message { message }): Parameters<Message>) -> String {
        message
    }

    /// Says who is calling.
    #[tool]
    async fn whoami(&self, Extension(request): Extension<http::request::Parts>) -> String {
        match request.extensions.get::<Identity>() {
            Some(caller) => format!("{} of {}", caller.subject(), caller.issuer()),
            None => "nobody".to_owned(),
        }
    }

    /// Forgets everything.
    #[tool]
    async fn forget(&self) -> String {
        "forgotten".to_owned()
    }
}

/// What each call needs. Keycloak's realm role `admin` grants a scope that clients cannot ask for.
fn table() -> ScopeTable {
    ScopeTable::new("mcp:read")
        .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
        .method("tools/call", "mcp:tools")
        .tool("forget", "mcp:tools mcp:admin")
        .role("admin", "mcp:admin")
}

/// The server, and how it is guarded; with `sessions`, as clients of the old era expect.
pub fn app(
    issuer: &str,
    verifier: impl Verify + 'static,
    sessions: bool,
) -> anyhow::Result<Router> {
    let metadata = ProtectedResource::new(RESOURCE, issuer, SCOPES.parse()?)?;
    let auth = AuthLayer::new(metadata, verifier)?.first_scope("mcp:read").mcp_scopes(table());
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(sessions);
    let tools =
        StreamableHttpService::new(|| Ok(Tools), LocalSessionManager::default().into(), config);
    let rule = Rule::new(HOSTS, ORIGIN, &Origins::default());
    let app = Router::new().route_service("/mcp", tools).layer(auth);
    Ok(app.layer(from_fn_with_state(rule, origin::check))) // asked before the token is
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // why a token was refused is said here alone
    let issuer = std::env::args().nth(1).context("the issuer's URL is missing")?;
    let verifier = Remote::new(Policy::new(&issuer, RESOURCE)).connect().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    println!("{RESOURCE}");
    Ok(axum::serve(listener, app(&issuer, verifier, true)?).await?)
}
