//! Which servers are compared? Each is one line here, and a subcommand of `serve`.

use std::{io::Write as _, path::Path};

use axum::{Router, middleware::from_fn_with_state, routing::post, serve::ListenerExt as _};
use clap::{Parser as _, ValueEnum};
use mcp_auth::{
    AuthLayer, Clock,
    algorithm::Algorithm,
    call::{Requirement, ScopeTable},
    jwks::{KeySet, parse_foreign},
    jwt::{Policy, Verifier},
    limits::Limits,
    metadata::ProtectedResource,
};

use crate::{
    handwritten::{self, Jwt},
    sdk,
    tokens::{ISSUER, RESOURCE},
};

/// The body that a server without any work of its own answers with.
pub const FIXED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello"}],"isError":false}}"#;

/// One server of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Server {
    /// axum with a fixed body
    Axum,
    /// the same behind the layer
    AxumLayer,
    /// the same, every token checked anew
    AxumLayerNoCache,
    /// axum with a fixed body behind a hand-written middleware
    AxumByHand,
    /// our table of methods, open to everybody (step 4)
    Table,
    /// our table of methods with its scopes (step 8) behind the layer
    TableLayer,
    /// the same, every token checked anew
    TableLayerNoCache,
    /// the official SDK, open to everybody
    Rmcp,
    /// the official SDK behind the layer, which asks for scopes
    RmcpLayer,
    /// the official SDK behind a hand-written middleware
    RmcpByHand,
    /// the official SDK behind a hand-written middleware with a cache
    RmcpByHandCached,
}

impl Server {
    /// Its name on the command line and in the document.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The server, with the keys of this file.
    ///
    /// # Errors
    /// When the keys cannot be used.
    pub fn app(self, keys: &Path) -> anyhow::Result<Router> {
        Ok(match self {
            Self::Axum => fixed(),
            Self::AxumLayer => fixed().layer(layer(keys)?),
            Self::AxumLayerNoCache => fixed().layer(layer(keys)?.no_cache()),
            Self::AxumByHand => {
                fixed().layer(from_fn_with_state(Jwt::new(keys)?, handwritten::check))
            }
            Self::Table => open_table()?,
            Self::TableLayer => guarded_table()?.layer(layer(keys)?),
            Self::TableLayerNoCache => guarded_table()?.layer(layer(keys)?.no_cache()),
            Self::Rmcp => sdk::app(),
            Self::RmcpLayer => sdk::app().layer(layer(keys)?.mcp_scopes(scopes())),
            Self::RmcpByHand => {
                sdk::app().layer(from_fn_with_state(Jwt::new(keys)?, handwritten::check))
            }
            Self::RmcpByHandCached => {
                sdk::app().layer(from_fn_with_state(Jwt::new(keys)?, handwritten::check_cached))
            }
        })
    }
}

/// A server that does nothing but answer.
pub fn fixed() -> Router {
    let json = [("content-type", "application/json")];
    Router::new().route("/mcp", post(async move || (json, FIXED)))
}

/// Serves on a free port of this machine, and prints its address.
///
/// # Errors
/// When there is no port.
pub async fn serve(app: Router) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let prompt = listener.tap_io(|stream| {
        // for all of them, or small answers wait for the client's acknowledgement
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(prompt, app).await?)
}

/// The layer as it comes, with the keys of a file that do not change.
///
/// # Errors
/// When the keys cannot be used.
pub fn layer(keys: &Path) -> anyhow::Result<AuthLayer> {
    let keys = parse_foreign(&std::fs::read(keys)?)?;
    let keys = KeySet::fixed(keys, Clock::default());
    let policy = Policy::new(ISSUER, RESOURCE).algorithms([Algorithm::Rs256, Algorithm::Es256]);
    layer_of(Verifier::with_policy(keys, policy))
}

/// The layer as it comes, with this verifier; but 512 connections may each bring a token that nobody has seen.
///
/// # Errors
/// When the system has no random numbers.
pub fn layer_of(verifier: Verifier) -> anyhow::Result<AuthLayer> {
    let metadata = ProtectedResource::new(RESOURCE, ISSUER, "mcp:read mcp:tools".parse()?)?;
    let limits = Limits { max_requests: 2048, ..Limits::default() };
    Ok(AuthLayer::new(metadata, verifier)?.first_scope("mcp:read").limits(limits))
}

/// What each method of the SDK's server needs.
#[must_use]
pub fn scopes() -> ScopeTable {
    ScopeTable::new("mcp:read")
        .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
        .method("tools/call", "mcp:tools")
}

fn open_table() -> anyhow::Result<Router> {
    let server = step4::mcp::Server::new(&step4::Settings::try_parse_from(["step4"])?);
    Ok(Router::new().route("/mcp", post(step4::mcp::answer).with_state(server)))
}

fn guarded_table() -> anyhow::Result<Router> {
    let server = step8::mcp::Server::new(&step8::Settings::try_parse_from(["step8"])?);
    Ok(Router::new().route("/mcp", post(step8::mcp::answer).with_state(server)))
}
