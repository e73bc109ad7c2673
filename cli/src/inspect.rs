//! What is in a token, and would a server here take it? `mcp-auth inspect`.

mod words;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    Clock, Identity, VerifyError, issuer::files::FileError, jwks::KeySet, jwt::Verifier,
};
use serde_json::{Map, Value, json};

use crate::{
    exit::{Failure, Status},
    folder::{Folder, Server},
    input,
    output::{self, BOLD},
    times,
};

/// Says what is in a token, and whether a server here would take it and why; never shows the signature
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The token, or - to read it from stdin, so that no other user of the machine sees it
    token: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    folder: Folder,
    /// Seconds by which the clock of the server may be wrong, in favour of the token
    #[arg(long, env = "MCP_LEEWAY", default_value = "5", value_name = "SECONDS")]
    leeway: u16,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  mcp-auth token alice --format raw | mcp-auth inspect -
  mcp-auth token alice --lifetime -5m --format raw | mcp-auth inspect -
  mcp-auth inspect \"$MCP_TOKEN\" --server http://localhost:9001
  mcp-auth inspect - --json < token.txt

\"Here\" is a server of the workshop with the keys of this folder, the issuer and the audience that --server,
--issuer and --audience name. Nothing is sent to anybody.

Exit status: 0 it would be accepted, 1 that cannot be told (no keys), 2 the command line is wrong,
3 it would be refused.";

/// What was found out about a token.
struct Report {
    header: Option<Map<String, Value>>,
    claims: Option<Map<String, Value>>,
    verdict: Result<Identity, VerifyError>,
}

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.json
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let given = input::token(&args.token)?;
    // pasted from a header, as often as not
    let token = given.strip_prefix("Authorization:").unwrap_or(&given).trim_start();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    let now = times::now();
    let files = args.folder.files();
    if let Err(error @ FileError::Disk(_)) = files.list() {
        output::note(&format!("warning: {error}")); // a server does not even start with such keys
    }
    let keys = KeySet::new(files.jwks(), Clock::default());
    let (issuer, audience) = (args.server.issuer(), args.server.audience());
    let leeway = Duration::from_secs(args.leeway.into());
    let verifier = Verifier::new(keys.clone(), issuer, audience, leeway);
    let part = |place| readable(token.split('.').nth(place)?);
    let report = Report { header: part(0), claims: part(1), verdict: verifier.verify(token, now) };
    let why = match &report.verdict {
        Ok(_) => None,
        Err(VerifyError::Unavailable { .. }) => {
            Some(keys.current().err().map_or_else(|| "no keys".into(), |error| error.to_string()))
        }
        Err(error) => Some(error.to_string()),
    };
    if args.json {
        output::print(&output::json(&as_json(args, &report, why.as_deref())))?;
    } else {
        output::print(&text(args, &report, why.as_deref(), token, now))?;
    }
    match report.verdict {
        Ok(_) => Ok(()),
        Err(VerifyError::Unavailable { .. }) => Err(Failure::silent(Status::Other)),
        Err(_) => Err(Failure::silent(Status::Refused)),
    }
}

/// A part of a token, as far as it can be read; what is wrong with it the verdict says.
fn readable(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn as_json(args: &Args, report: &Report, why: Option<&str>) -> Value {
    let accepted = match &report.verdict {
        Ok(_) => Some(true),
        Err(VerifyError::Unavailable { .. }) => None,
        Err(_) => Some(false),
    };
    json!({
        "header": report.header, "claims": report.claims, "accepted": accepted, "why": why,
        "here": {
            "issuer": args.server.issuer(), "audience": args.server.audience(),
            "keys_dir": args.folder.files().dir().display().to_string(),
        },
    })
}

fn text(args: &Args, report: &Report, why: Option<&str>, token: &str, now: i64) -> String {
    let mut text = String::new();
    for (heading, part) in [("header", &report.header), ("claims", &report.claims)] {
        let Some(part) = part else { continue };
        let rows: Vec<_> = part
            .iter()
            .map(|(name, value)| {
                let words = match heading {
                    "header" => words::header(name, value, &args.folder.files()),
                    _ => words::claim(name, value, &args.server, now),
                };
                [output::line(name), words::value(value), words]
            })
            .collect();
        text.push_str(&format!("{BOLD}{heading}{BOLD:#}\n{}\n", output::table(2, &rows)));
    }
    let dir = args.folder.files().dir().display().to_string();
    let here = format!("{} with the keys in {dir}", args.server.audience());
    text.push_str(&match (&report.verdict, why.unwrap_or_default()) {
        (Ok(identity), _) => {
            format!("{BOLD}accepted{BOLD:#} by {here}\n{}", words::may(identity))
        }
        (Err(VerifyError::Unavailable { .. }), why) => {
            format!("{BOLD}nobody can tell{BOLD:#}: {}\n", output::line(why))
        }
        (Err(_), why) => {
            let parts = words::parts(token).map(|kind| format!("  {kind}\n")).unwrap_or_default();
            format!("{BOLD}refused{BOLD:#} by {here}:\n  {}\n{parts}", output::line(why))
        }
    });
    text
}
