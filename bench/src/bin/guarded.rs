//! A guarded server as small as they come: axum, the layer and the keys of a file: `guarded KEYS`. Its start and its memory are
//! measured; the others are one large program, most of which each of them does not use.

use std::path::PathBuf;

use anyhow::Context as _;
use bench::servers::{fixed, layer, serve};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let keys = std::env::args().nth(1).map(PathBuf::from);
    serve(fixed().layer(layer(&keys.context("the file of keys is missing")?)?)).await
}
