//! Measures servers side by side: `measure run`, `measure memory`. `bench/run.sh` builds it and starts it.

mod ask;
mod load;
mod server;

use bench::servers::Server;
use load::{Folder, Load, Tokens};

fn main() -> anyhow::Result<()> {
    let folder = Folder { path: "/tmp/b/target/tk".into(), fresh: 100_000 };
    bench::tokens::prepare(&folder.path, folder.fresh)?;
    let keys = folder.path.join("keys.json");
    let token = folder.last(Tokens::Good(1))?;
    let program = server::beside("serve")?;
    use clap::ValueEnum;
    let secs = 2;
    for c in [32usize] {
        for s in Server::value_variants() {
            for t in [
                Tokens::Good(1),
                Tokens::Good(1000),
                Tokens::Fresh,
                Tokens::BadSignature,
                Tokens::WrongAudience,
            ] {
                let bad = matches!(t, Tokens::BadSignature | Tokens::WrongAudience);
                if bad && !s.name().contains("layer") {
                    continue;
                }
                let server = server::Running::start(
                    &program,
                    &[&s.name(), &keys.display().to_string()],
                    &token,
                )?;
                let before = server.cpu()?;
                let out = Load { tokens: t, connections: c, seconds: secs }
                    .begin(&server, &folder)?
                    .end();
                let out = match out {
                    Ok(o) => o,
                    Err(e) => {
                        println!("{} {t:?}: {e}", s.name());
                        continue;
                    }
                };
                let cpu = server.cpu()? - before;
                println!(
                    "{:22} {:14} c{c} {:6.2} us  {:7.0}/s busy {:3.0}% p50 {:5.0} p99 {:5.0} start {:5.1}ms idle {:?} {:?}",
                    s.name(),
                    format!("{t:?}"),
                    cpu * 1e6 / out.requests,
                    out.requests / out.seconds,
                    cpu / out.seconds * 100.,
                    out.p50,
                    out.p99,
                    server.start.as_secs_f64() * 1e3,
                    server.idle,
                    server.memory()?
                );
            }
        }
    }
    Ok(())
}
