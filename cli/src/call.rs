//! What does an MCP server say? `mcp-auth call`: one method in either era, with or without a token.

mod actions;
mod arguments;
mod attempt;
pub mod challenge;
pub mod client;
mod headers;
mod message;
mod metadata;
pub mod peek;
mod refusal;
mod results;
pub mod secrets;
pub mod show;
mod sse;
pub mod target;
mod unreachable;
pub mod wire;

use std::time::Duration;

use clap::Subcommand;

use crate::{
    dotenv,
    exit::{self, Failure, Status},
    input, login, output,
};
use arguments::Argument;
use client::{Client, Era};
use headers::HeaderChange;
use show::Show;
use target::Target;
use wire::Http;

/// Calls an MCP server over HTTP: what it is, which tools and prompts it has, and what they answer
#[derive(clap::Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{ARGUMENTS}\n\n{}", exit::HELP),
    disable_help_subcommand = true
)]
pub struct Args {
    /// URL of the MCP endpoint, such as http://localhost:9000/mcp
    #[arg(value_parser = Target::endpoint)]
    url: Target,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Options {
    /// Which wire format to speak
    #[arg(long, global = true, value_enum, default_value_t, value_name = "ERA")]
    era: Era,
    /// The token to send, or - to read it from stdin; in the variable no other user of the machine sees it
    #[arg(long, global = true, env = "MCP_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Print the answer as JSON, for scripts; a failure too, as the last line on stderr
    #[arg(long, global = true)]
    json: bool,
    /// Print what goes over the wire to stderr, secrets masked, and the curl line that does the same
    #[arg(long, global = true)]
    show: bool,
    /// Another header, or another value for one of ours; without a value it is left out; may be given again
    #[arg(long, global = true, value_name = "NAME: VALUE")]
    header: Vec<HeaderChange>,
    /// Seconds that each answer may take
    #[arg(long, global = true, default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    timeout: Duration,
    /// Send the token although anybody on the way can read it
    #[arg(long, global = true)]
    dangerously_send_token_over_http: bool,
    #[command(flatten)]
    login: attempt::LoginOptions,
}

#[derive(Clone, Subcommand)]
enum Action {
    /// What is this server, and what can it do? (server/discover, or initialize in the old era)
    #[command(after_help = "\
Examples:
  mcp-auth call http://localhost:9000/mcp discover
  mcp-auth call http://localhost:9000/mcp discover --era legacy --show")]
    Discover,
    /// List tools and prompts
    #[command(after_help = "\
Example:
  mcp-auth call http://localhost:9000/mcp list")]
    List,
    /// Get a prompt: short for `prompts get`
    #[command(after_help = GETTING)]
    Get(Used),
    /// Call a tool: short for `tools call`
    #[command(after_help = CALLING)]
    Call(Used),
    /// List the tools, show one, call one
    #[command(subcommand)]
    Tools(Tools),
    /// List the prompts, get one
    #[command(subcommand)]
    Prompts(Prompts),
}

#[derive(Clone, Subcommand)]
enum Tools {
    /// List the tools with their arguments
    #[command(after_help = "\
Examples:
  mcp-auth call http://localhost:9000/mcp tools list
  mcp-auth call http://localhost:9000/mcp tools list --json")]
    List,
    /// Show one tool, with its schema
    #[command(after_help = "\
Example:
  mcp-auth call http://localhost:9000/mcp tools get echo")]
    Get {
        /// Name of the tool
        name: String,
    },
    /// Call a tool
    #[command(after_help = CALLING)]
    Call(Used),
}

#[derive(Clone, Subcommand)]
enum Prompts {
    /// List the prompts with their arguments
    #[command(after_help = "\
Example:
  mcp-auth call http://localhost:9000/mcp prompts list")]
    List,
    /// Get a prompt
    #[command(after_help = GETTING)]
    Get(Used),
}

#[derive(Clone, clap::Args)]
struct Used {
    /// Its name
    name: String,
    /// Its arguments: k=v, or k:=JSON
    #[arg(value_name = "K=V")]
    arguments: Vec<Argument>,
    /// All arguments as one JSON object
    #[arg(long, conflicts_with = "arguments", value_parser = object, value_name = "JSON")]
    args: Option<serde_json::Map<String, serde_json::Value>>,
}

const EXAMPLES: &str = "\
Examples:
  mcp-auth call http://localhost:9000/mcp discover
  mcp-auth call http://localhost:9000/mcp tools list
  mcp-auth call http://localhost:9000/mcp tools call echo message=hello repeat_count=2
  mcp-auth call http://localhost:9000/mcp tools call echo --args '{\"message\":\"hello\"}' --json
  mcp-auth call http://localhost:9000/mcp prompts get greeting name=Ada
  mcp-auth call http://localhost:9000/mcp discover --era legacy --show
  mcp-auth call http://localhost:9000/mcp discover --header 'Origin: http://evil.example'
  mcp-auth login http://localhost:9000/mcp && mcp-auth call http://localhost:9000/mcp tools list
  MCP_TOKEN=\"$(cat token)\" mcp-auth call http://localhost:9000/mcp tools list";

const CALLING: &str = "\
Examples:
  mcp-auth call http://localhost:9000/mcp tools call echo message=hello repeat_count=2
  mcp-auth call http://localhost:9000/mcp tools call echo message=hello 'repeat_count:=\"two\"'
  mcp-auth call http://localhost:9000/mcp tools call echo --args '{\"message\":\"hello\"}' --json";

const GETTING: &str = "\
Examples:
  mcp-auth call http://localhost:9000/mcp prompts get help
  mcp-auth call http://localhost:9000/mcp prompts get greeting name=Ada language=German";

const ARGUMENTS: &str = "\
Arguments of tools:
  k=v         has the type that the tool's schema names: text, number, true, false, null, or JSON
  k:=JSON     is sent as it stands, whatever the schema says: k:=5, k:='\"5\"', k:='[1,2]'
  To know the schema, tools/list is asked first; --args and k:=JSON do without it.";

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.options.json
    }
}

/// Runs the command until it is done, or until Ctrl-C.
pub fn run(args: Args) -> Result<(), Failure> {
    let Args { url, options, action } = args;
    let token = Some(input::token(options.token.as_deref().unwrap_or_default())?);
    let token = token.filter(|token| !token.is_empty());
    let session = match &token {
        None => attempt::stored(&url, &options)?,
        Some(token) => {
            // or who has written the file could have the person work under a name of his
            if dotenv::has_token(token) && matches!(attempt::stored(&url, &options), Ok(Some(_))) {
                output::note(&format!(
                    "the token is the one of the file .env in this folder, and not that of the login kept for {}",
                    url.shown()
                ));
            }
            None
        }
    };
    let is_secret =
        token.is_some() || session.is_some() || options.header.iter().any(HeaderChange::is_secret);
    if is_secret && !url.keeps_secrets() && !options.dangerously_send_token_over_http {
        return Err(Failure::usage(format!(
            "a token is not sent to {}: without TLS anybody on the way can read it; use https://, or \
             --dangerously-send-token-over-http",
            url.origin()
        )));
    }
    let show = options.show.then(|| Show::new(token.clone()));
    let http = Http::new(&url, options.timeout, show, options.header.clone())?;
    let mut client = Client::new(http, url, token)?;
    let runtime = login::runtime()?;
    let done = runtime.block_on(async {
        let done = tokio::select! {
            done = attempt::run(&mut client, session, &options, &action) => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Status::Stopped, "stopped")),
        };
        client.close().await;
        done
    });
    runtime.shutdown_background(); // a question that nobody answers any more would hold it
    done
}

fn object(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("a JSON object is expected: {error}"))
}

pub fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=3600).contains(n));
    number.map(Duration::from_secs).ok_or("whole seconds from 1 to 3600 are expected")
}
