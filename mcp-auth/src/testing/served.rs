//! Where does a server under test find the issuer? At an address of this machine, like any other.

use std::{io, sync::Arc};

use axum::{Json, Router, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    issuer::files::FileError,
    jwks::{self, KeySet},
};

/// Why an issuer could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Keys cannot be made or stored.
    #[error(transparent)]
    Keys(#[from] FileError),
    /// There is no port to be had on 127.0.0.1.
    #[error("no port can be had on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
}

/// A task that serves metadata and keys, for as long as this lives.
pub(super) struct Served(JoinHandle<()>);

impl Served {
    /// A free port, and the name of the issuer there.
    pub(super) async fn bind() -> io::Result<(TcpListener, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let name = format!("http://{}", listener.local_addr()?);
        Ok((listener, name))
    }

    pub(super) fn start(listener: TcpListener, name: &str, keys: Arc<KeySet>) -> Self {
        let metadata = json!({
            "issuer": name,
            "jwks_uri": format!("{name}/.well-known/jwks.json"),
            "response_types_supported": [],
        });
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(async move || Json(metadata)))
            .route("/.well-known/jwks.json", get(jwks::publish).with_state(keys));
        Self(tokio::spawn(async move {
            let _ = axum::serve(listener, app).await; // it has no end of its own
        }))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}
