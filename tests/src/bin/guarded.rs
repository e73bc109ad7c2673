//! A server behind the library's layer that trusts an authorization server elsewhere.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use common::server;
use mcp_auth::{algorithm::Algorithm, jwt::Policy, remote::Remote};
use workshop_tests::guarded;

/// Guards the tools and prompts of the workshop with the tokens of an authorization server elsewhere.
///
/// The first line on stdout is the endpoint, which is what tokens must be for. An authorization server that starts with a
/// `--resource` must know it beforehand, and this server must know the issuer: so it takes its port and prints the line, and
/// only then waits for `--issuer-from`, which may be a pipe.
#[derive(Clone, Debug, Parser)]
#[command(name = "guarded", version)]
struct Guarded {
    /// Whose tokens are taken
    #[arg(long, value_name = "URL", required_unless_present = "issuer_from")]
    issuer: Option<String>,
    /// File whose first line is the issuer
    #[arg(long, value_name = "FILE", conflicts_with = "issuer")]
    issuer_from: Option<PathBuf>,
    #[command(flatten)]
    step: step7::Settings,
}

fn main() -> ExitCode {
    common::settings::main(async |settings: Guarded| {
        let bound = server::bind(&settings.step.listen).await?;
        let resource = bound.url.endpoint();
        println!("{resource}");
        let issuer = match (settings.issuer, settings.issuer_from) {
            (Some(issuer), _) => issuer,
            (None, file) => {
                let text = std::fs::read_to_string(file.unwrap_or_default())?; // nothing else is to be done
                text.lines().next().unwrap_or_default().to_owned()
            }
        };
        let algorithms = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];
        let policy = Policy::new(&issuer, &resource).algorithms(algorithms);
        let policy = policy.leeway(settings.step.tokens.leeway);
        let verifier = Remote::new(policy).connect().await?;
        let app = guarded::app(&settings.step, &bound.url, &issuer, verifier)?;
        server::serve(bound, app, &settings.step.connections).await
    })
}
