//! How does somebody get a token without an authorization server? `mcp-auth token` makes one with the
//! key of a development server.

mod bad;
mod claims;
mod people;
mod print;
mod signer;

use std::path::PathBuf;

use crate::{
    exit::Failure,
    folder::{Folder, Server},
    output,
    times::{self, Span},
};
use bad::Bad;
use claims::{Claim, Claims};
use print::{Format, Made};
use signer::{Algorithm, Signer};

/// Makes a token for a development server, signed with the key that the server trusts
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Whom the token is about (sub): alice, bob, admin, guest, or anybody, who then may do nothing
    #[arg(required_unless_present_any = ["demo", "bad"])]
    subject: Option<String>,
    /// Make the tokens of all four people known by name
    #[arg(long, conflicts_with = "subject")]
    demo: bool,
    /// Make a bad token, for alice if nobody is named, and say who notices; `list` explains all kinds
    #[arg(long, conflicts_with_all = ["demo", "key", "alg", "secret_file"], value_name = "KIND")]
    bad: Option<Bad>,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    folder: Folder,
    /// Sign with the private key in this file (PEM, PKCS#8), not with one of the folder
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What to sign with [default: RS256; with --key what the key is for; with --secret-file HS256]
    #[arg(long, value_enum, value_name = "ALG")]
    alg: Option<Algorithm>,
    /// Sign with the secret in this file (HS256)
    #[arg(long, conflicts_with = "key", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Write the token into this file, which only you can read; with another format than text, that
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over the file
    #[arg(long, requires = "out")]
    force: bool,
}

/// What the token is to say.
#[derive(clap::Args)]
pub struct Wanted {
    #[command(flatten)]
    server: Server,
    /// What the token allows: one argument, words between blanks; "" for nothing [default: what the person may do]
    #[arg(long, allow_hyphen_values = true, value_name = "WORDS")]
    scopes: Option<String>,
    /// Roles of the person: one argument, words between blanks [default: those of the person]
    #[arg(long, allow_hyphen_values = true, value_name = "WORDS")]
    roles: Option<String>,
    /// How long the token is good for, such as 90s, 15m or 1h; -5m has been over for five minutes
    #[arg(long, default_value = "1h", allow_hyphen_values = true, value_name = "TIME")]
    lifetime: Span,
    /// The program that the token was given to (client_id)
    #[arg(long, default_value = "mcp-auth", value_name = "ID")]
    client: String,
    /// Another claim, or another value for one of ours; may be given again
    #[arg(long, value_name = "NAME=JSON")]
    claim: Vec<Claim>,
}

const HELP: &str = "\
People known by name:
  alice  may list (mcp:read) and call tools (mcp:tools)
  bob    may list (mcp:read) and get prompts (mcp:prompts)
  admin  has the role admin, which grants all of it
  guest  may do nothing

Examples:
  mcp-auth token alice
  mcp-auth token --demo
  mcp-auth token alice --format raw
  MCP_TOKEN=\"$(mcp-auth token alice --format raw)\" mcp-auth call http://localhost:9000/mcp tools list
  mcp-auth token carol --scopes \"mcp:read mcp:prompts\" --lifetime 15m
  mcp-auth token alice --server http://localhost:9001
  mcp-auth token alice --lifetime -5m
  mcp-auth token alice --claim 'team=\"red\"' --format json
  mcp-auth token alice --out token.txt
  mcp-auth token alice --alg HS256 --secret-file secret
  mcp-auth token --bad list
  mcp-auth token alice --bad alg-none

In PowerShell: $env:MCP_TOKEN = mcp-auth token alice --format raw

Whoever can read the key can be anybody: this is for servers on one's own machine, and for tests.

Exit status: 0 done, 1 not done, 2 the command line is wrong.";

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let subjects = match (&args.subject, args.bad) {
        (_, Some(Bad::List)) => return output::print(&bad::list(args.format)),
        (Some(subject), _) if subject.is_empty() => {
            return Err(Failure::usage(
                "a subject is not empty; --claim 'sub=\"\"' makes one that is",
            ));
        }
        (Some(subject), _) => vec![subject.as_str()],
        (None, Some(_)) => vec!["alice"],
        (None, None) => people::PEOPLE.iter().map(|person| person.subject).collect(),
    };
    let (signer, now) = (Signer::new(args)?, times::now());
    let mut made = Vec::new();
    for subject in subjects {
        let claims = Claims::new(subject, &args.wanted, now);
        let (token, bad) = match args.bad {
            Some(Bad::One(kind)) => (bad::token(args, &claims, kind)?, Some(kind)),
            _ => (signer.token(&claims.all)?, None),
        };
        made.push(Made { claims, token, bad });
    }
    let Some(path) = &args.out else {
        return output::print(&print::format(&made, args.format, now));
    };
    if args.format != Format::Text {
        print::to_file(path, &print::format(&made, args.format, now), args.force)?;
    } else {
        print::to_file(path, &print::format(&made, Format::Raw, now), args.force)?;
        let words: Vec<_> = made.iter().map(|made| print::words(made, now)).collect();
        output::print(&words.join("\n"))?;
    }
    output::note(&format!("written to {}", path.display()));
    Ok(())
}
