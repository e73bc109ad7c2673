//! A loopback proxy that breaks one promise of the server behind it.

use std::process::ExitCode;

use clap::Parser;
use workshop_tests::{Target, spoil};

/// Relays to a server and breaks exactly one promise, so that a check can show that it would notice.
///
/// The first line on stdout is the URL of the endpoint to ask. `Host` and `Origin` that name this proxy are made to
/// name the upstream, everything else goes through as it is: tokens are those of the upstream.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  spoil --break list
  spoil --upstream http://localhost:9000/mcp --break no-allow
  spoil --upstream http://localhost:9000/mcp --break none"
)]
struct Settings {
    /// The endpoint to relay to; for step 1 the server's URL
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// What to break: a name, `list` to see all of them, or `none` to only relay
    #[arg(long = "break", value_name = "PROMISE", value_parser = what)]
    breaks: What,
    /// With --break list: only what there is to break at this step
    #[arg(long, value_name = "N")]
    step: Option<u8>,
    /// Port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Clone, Copy)]
enum What {
    List,
    Nothing,
    This(&'static spoil::Breakage),
}

fn what(name: &str) -> Result<What, String> {
    match name {
        "list" => Ok(What::List),
        "none" => Ok(What::Nothing),
        name => spoil::named(name).map(What::This),
    }
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    let breakage = match settings.breaks {
        What::List => return list(settings.step),
        What::Nothing => None,
        What::This(breakage) => Some(breakage),
    };
    match run(settings, breakage) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spoil: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints name, whether only contracts notice, the first step it applies to, the promise that notices, and what is broken.
fn list(step: Option<u8>) -> ExitCode {
    let breakages = step.map_or_else(spoil::all, |step| spoil::at(step).collect());
    for breakage in breakages {
        let spoil::Breakage { name, from, noticed_by, says, .. } = breakage;
        let fine = if spoil::FINE.contains(name) { "contracts only, " } else { "" };
        println!("{name:24} {fine}from step {from}, noticed by {noticed_by}: {says}");
    }
    ExitCode::SUCCESS
}

#[tokio::main]
async fn run(settings: Settings, breakage: Option<&'static spoil::Breakage>) -> anyhow::Result<()> {
    let Some(upstream) = settings.upstream else {
        anyhow::bail!("--upstream is missing: the URL of the endpoint to relay to");
    };
    let upstream = Target::url(&upstream, 0).map_err(anyhow::Error::msg)?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", settings.port)).await?;
    let own = listener.local_addr()?.to_string();
    println!("http://{own}{}", upstream.endpoint_path());
    axum::serve(listener, spoil::proxy(upstream, Some(own), breakage)).await?;
    Ok(())
}
