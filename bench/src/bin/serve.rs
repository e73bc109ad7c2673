//! Runs one server of the comparison until it is ended: `serve SERVER KEYS`. Its first line is its address.

use std::path::PathBuf;

use bench::servers::{Server, serve};
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
    serve(arguments.server.app(&arguments.keys)?).await
}
