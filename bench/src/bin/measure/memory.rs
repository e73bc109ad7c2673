//! Does it stay as small as it was? 200,000 requests with 100,000 distinct tokens, ten times more than the cache holds.

use std::{net::TcpStream, path::Path, thread};

use anyhow::{Context as _, ensure};
use bench::tokens;
use mcp_auth::issuer::keys::{Alg, SigningKey};

use crate::{
    ask,
    server::{Running, beside},
};

const TOKENS: usize = 100_000;
const ROUNDS: usize = 2;
/// Requests after which the cache is full several times over, and nothing should grow any more.
const SETTLED: usize = 50_000;
/// What may be added after that, in KiB: an allocator is never quite still.
const GROWTH: u64 = 8 * 1024;
/// Requests between two looks.
const STEP: usize = 10_000;
const CONNECTIONS: usize = 4;

/// Measures, prints, and fails when it grows.
pub fn measure(folder: &Path) -> anyhow::Result<()> {
    let now = tokens::now()?;
    // of ES256, because a hundred thousand of them are made in seconds: what is kept of a token is the same
    let key = SigningKey::generate(Alg::Es256, 0)?;
    std::fs::create_dir_all(folder)?;
    let keys = folder.join("keys-es256.json");
    std::fs::write(&keys, serde_json::json!({"keys": [key.jwk()?]}).to_string())?;
    eprintln!("making {TOKENS} tokens");
    let tokens = tokens::good(&key, TOKENS, now)?;
    let server = Running::start(&beside("guarded")?, &[&keys.display().to_string()], &tokens[0])?;
    println!("{:>9} {:>12} {:>12}", "requests", "VmRSS KiB", "of it own");
    let (mut settled, mut last) = (0, 0);
    for (number, part) in tokens.chunks(STEP).cycle().take(ROUNDS * TOKENS / STEP).enumerate() {
        ask_all(&server, part)?;
        let (asked, memory) = ((number + 1) * STEP, server.process.memory()?);
        println!("{asked:>9} {:>12} {:>12}", memory.resident, memory.own);
        last = memory.resident;
        if asked == SETTLED {
            settled = last;
        }
    }
    let growth = last.saturating_sub(settled);
    println!("grown by {growth} KiB since request {SETTLED}; at most {GROWTH} are allowed");
    ensure!(growth <= GROWTH, "the memory grows: by {growth} KiB since request {SETTLED}");
    Ok(())
}

/// Each token once, over a few connections; every answer must be right.
fn ask_all(server: &Running, tokens: &[String]) -> anyhow::Result<()> {
    let ask = |tokens: &[String]| {
        let mut stream = TcpStream::connect(&server.address)?;
        stream.set_nodelay(true)?;
        tokens.iter().try_for_each(|token| ask::is_good(&ask::call(&mut stream, token)?))
    };
    thread::scope(|scope| {
        let parts = tokens.chunks(tokens.len().div_ceil(CONNECTIONS));
        let asking: Vec<_> = parts.map(|part| scope.spawn(move || ask(part))).collect();
        asking.into_iter().try_for_each(|one| {
            let joined = one.join().ok().context("a client has died")?;
            joined.map_err(|error: anyhow::Error| error)
        })
    })
}
