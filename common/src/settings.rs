//! What can be set from outside, and how does a program of this workshop start and fail?

use std::{fmt, future::Future, net::IpAddr, process::ExitCode, str::FromStr};

use clap::{Args, Parser, error::ContextKind};

use crate::{PublicUrl, log};

/// Where the server listens, and under which name it is known.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Address")]
pub struct Listen {
    /// Address to listen on; `localhost` is 127.0.0.1 and, where the machine has it, ::1
    #[arg(long, env = "MCP_HOST", default_value = "localhost", value_name = "ADDRESS")]
    pub host: Host,
    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "MCP_PORT", default_value = "9000", value_parser = port, value_name = "PORT")]
    pub port: u16,
    /// URL under which clients reach this server [default: http://localhost:PORT]
    #[arg(long, env = "MCP_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
}

/// How long a connection may idle, and how many there may be.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connections")]
pub struct Connections {
    /// Connections open at a time; more of them wait
    #[arg(long, env = "MCP_MAX_CONNECTIONS", default_value = "1024", value_parser = count, value_name = "N")]
    pub max_connections: usize,
    /// Seconds that a client has to send the headers of a request
    #[arg(long, env = "MCP_HEADER_TIMEOUT", default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub header_timeout: std::time::Duration,
    /// Seconds that a client may leave an answer unread
    #[arg(long, env = "MCP_WRITE_TIMEOUT", default_value = "30", value_parser = seconds, value_name = "SECONDS")]
    pub write_timeout: std::time::Duration,
}

/// What to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// 127.0.0.1 and, where the machine has it, ::1: clients resolve `localhost` either way.
    Loopback,
    /// One address.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Self::Loopback);
        }
        let address = text.trim_start_matches('[').trim_end_matches(']').parse();
        address.map(Self::Address).map_err(
            |_| "an address to listen on is `localhost`, an IPv4 address or an IPv6 address",
        )
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback => f.write_str("localhost"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Parses a port. For clap.
fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port is a number from 0 (any free one) to 65535")
}

/// Parses a number of things of which there must be at least one. For clap.
fn count(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or("a whole number from 1 to 1000000 is expected")
}

/// Parses a time limit in whole seconds. For clap.
fn seconds(text: &str) -> Result<std::time::Duration, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=3600).contains(n));
    number.map(std::time::Duration::from_secs).ok_or("whole seconds from 1 to 3600 are expected")
}

/// Starts a program: reads `.env` of the working directory, then flags and environment; starts the
/// log; runs. Whatever fails is one sentence on stderr and exit status 1.
pub fn main<S: Parser, F>(run: impl FnOnce(S) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    match start(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", S::command().get_name());
            ExitCode::FAILURE
        }
    }
}

fn start<S: Parser, F>(run: impl FnOnce(S) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    match dotenvy::from_path(".env") {
        Err(error) if !error.not_found() => anyhow::bail!(unread(&error)),
        _ => {}
    }
    let settings = match S::try_parse() {
        Ok(settings) => settings,
        Err(error) if error.use_stderr() => anyhow::bail!(sentence::<S>(&error)),
        Err(help_or_version) => return Ok(help_or_version.print()?),
    };
    let log = log::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(run(settings));
    runtime.shutdown_background();
    log.settle(); // or the last lines would be missing
    result
}

/// Says why `.env` is not read, and in which line. Not what stands there, as `error` has it: it may be a secret.
fn unread(error: &dotenvy::Error) -> String {
    let dotenvy::Error::LineParse(found, _) = error else {
        return format!("the file .env cannot be read: {error}");
    };
    let text = std::fs::read_to_string(".env").unwrap_or_default();
    let number = text.lines().position(|line| Some(line) == found.lines().next());
    let line = number.map_or("a line".into(), |number| format!("line {}", number + 1));
    format!(
        "{line} of the file .env is not NAME=value; what has blanks in it stands in quotes, and quotes are closed"
    )
}

/// Says in one sentence what clap says in several lines, and names the environment variable too.
fn sentence<S: Parser>(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or(&text);
    let said = said.split("\n\nFor more").next().unwrap_or(said);
    let said = said.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let flag = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let name = flag.split_whitespace().next().unwrap_or_default().trim_start_matches("--");
    let command = S::command();
    let variable = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(name))
        .and_then(|arg| arg.get_env())
        .map(|env| format!(" (the environment variable is {})", env.to_string_lossy()));
    format!("{said}{}; --help lists all settings", variable.unwrap_or_default())
}
