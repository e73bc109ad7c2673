//! Runs one server of the comparison until it is ended: `serve SERVER KEYS`. Its first line is its address.

use std::{io::Write as _, path::PathBuf};

use axum::serve::ListenerExt as _;
use bench::servers::Server;
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Which one
    server: Server,
    /// File with the keys of the issuer
    keys: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let app = arguments.server.app(&arguments.keys)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let prompt = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true); // for all of them, or small answers wait for the client's acknowledgement
    });
    Ok(axum::serve(prompt, app).await?)
}
