//! Guards an axum server: `cargo run -p mcp-auth --features remote --example axum -- ISSUER`
//!
//! With the issuer's name, such as `http://localhost:8080/realms/mcp-realm` for a Keycloak on this machine.

use anyhow::Context as _;
use axum::{
    Extension, Json, Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use mcp_auth::{
    AuthLayer, Identity,
    jwt::Policy,
    metadata::ProtectedResource,
    origin::{self, Origins, Rule},
    remote::Remote,
    verify::Verify,
};
use serde_json::{Value, json};

/// The URL by which clients know this server, and so whom its tokens are for.
pub const RESOURCE: &str = "http://localhost:9000/mcp";

/// The names by which it may be called, and the one page that may call it: a server on this machine is within reach of
/// every web page that somebody visits here.
const HOSTS: [&str; 2] = ["localhost:9000", "127.0.0.1:9000"];
const ORIGIN: &str = "http://localhost:9000";

/// The server, and how it is guarded.
pub fn app(issuer: &str, verifier: impl Verify + 'static) -> anyhow::Result<Router> {
    let metadata = ProtectedResource::new(RESOURCE, issuer, "mcp:read".parse()?)?;
    let auth = AuthLayer::new(metadata, verifier)?.first_scope("mcp:read");
    let guarded = Router::new().route("/mcp", post(hello)).layer(auth); // answers the metadata too
    let server =
        Router::new().route("/health", get(|| async { "healthy" })).fallback_service(guarded);
    let rule = Rule::new(HOSTS, ORIGIN, &Origins::default());
    Ok(server.layer(from_fn_with_state(rule, origin::check))) // asked before the token is
}

/// Whatever your server does; it knows who is calling.
async fn hello(Extension(caller): Extension<Identity>) -> Json<Value> {
    Json(json!({"hello": caller.subject(), "you may": caller.scopes().to_string()}))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // why a token was refused is said here alone
    let issuer = std::env::args().nth(1).context("the issuer's URL is missing")?;
    let verifier = Remote::new(Policy::new(&issuer, RESOURCE)).connect().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    println!("{RESOURCE}");
    Ok(axum::serve(listener, app(&issuer, verifier)?).await?)
}
