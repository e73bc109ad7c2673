//! How does a person give this command access to a server? `mcp-auth login`: what each MCP client does, to be watched.

mod address;
mod audience;
pub mod browser;
mod client;
mod code;
mod flow;
mod grant;
mod issuer;
mod listener;
mod neighbour;
mod page;
mod registration;
mod resource;
pub mod revocation;
pub mod session;
pub mod store;
pub mod trace;
mod turn;
pub mod web;

use std::{path::PathBuf, time::Duration};

use mcp_auth::issuer::disk::must_be_private;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    call::target::Target,
    exit::{Failure, Status},
    output, times,
};
use client::{Client, Origin, Wanted};
use flow::Wish;
use issuer::Chosen;
use store::{Login, Store};
use trace::Trace;
use web::{ANSWER, Web};

/// Logs in at an MCP server, through a browser or as a program, and keeps the login for `call`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{HELP}"))]
pub struct Args {
    /// URL of the MCP endpoint, such as http://localhost:9000/mcp
    #[arg(value_parser = Target::endpoint)]
    url: Target,
    /// What to ask for: one argument, words between blanks [default: what the server names, and to stay logged in]
    #[arg(long, value_name = "WORDS")]
    scope: Option<String>,
    /// Whom to log in at, where the server takes tokens of several issuers, or where the client has a secret of that issuer
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Take a token that says it is for this URL (or several, between blanks) beside that of the server; who gets it could
    /// use it there
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    /// Log in as this client, which an administrator has made; its secret is in --client-secret-file, or in the
    /// variable MCP_LOGIN_CLIENT_SECRET
    #[arg(long, env = "MCP_LOGIN_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// File with the secret of the client, which only you can read
    #[arg(long, requires = "client_id", env = "MCP_LOGIN_CLIENT_SECRET_FILE", value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Log in as the client that the document at this URL describes, where the issuer reads such documents
    #[arg(long, env = "MCP_LOGIN_CLIENT_METADATA_URL", value_parser = client::document, value_name = "URL")]
    client_metadata_url: Option<String>,
    /// Ask for a token in the name of the client itself, without a person and a browser
    #[arg(long, requires = "client_id")]
    client_credentials: bool,
    #[command(flatten)]
    page: Page,
    /// Seconds that all of it may take in the browser; one answer of a server may take 30 of them
    #[arg(long, default_value = "300", value_parser = crate::call::seconds, value_name = "SECONDS")]
    timeout: Duration,
    #[command(flatten)]
    folder: Folder,
    /// Draw each exchange as it happens: who asks whom, what and why, secrets masked
    #[arg(long)]
    trace: bool,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Where logins are kept.
#[derive(clap::Args, Clone)]
pub struct Folder {
    /// Folder of logins [default: mcp-auth in your configuration folder]
    #[arg(long, global = true, env = "MCP_LOGIN_DIR", value_name = "DIR")]
    login_dir: Option<PathBuf>,
}

impl Folder {
    /// The folder.
    pub fn store(&self) -> Result<Store, Failure> {
        self.store_if_any()?.ok_or_else(|| {
            Failure::usage(
                "there is no home folder to keep logins in: name one with --login-dir DIR",
            )
        })
    }

    /// The folder, if there can be one.
    pub fn store_if_any(&self) -> Result<Option<Store>, Failure> {
        Store::open(self.login_dir.clone())
    }
}

/// How the page to log in is opened.
#[derive(clap::Args, Clone)]
pub struct Page {
    /// Print the link to log in with, and open no browser
    #[arg(long, global = true)]
    pub no_browser: bool,
    /// Port of this machine where the browser brings the answer [default: a free one]
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..), value_name = "PORT")]
    pub callback_port: Option<u16>,
}

const EXAMPLES: &str = "\
Examples:
  mcp-auth login http://localhost:9000/mcp
  mcp-auth login http://localhost:9000/mcp --trace --no-browser
  mcp-auth login http://localhost:9000/mcp --scope \"mcp:read mcp:tools\"
  mcp-auth login https://mcp.example/mcp --client-id my-client
  mcp-auth login https://mcp.example/mcp --client-metadata-url https://app.example/client.json
  mcp-auth login https://mcp.example/mcp --issuer https://login.example --client-id robot \\
    --client-secret-file secret --client-credentials";

const HELP: &str = "\
What happens: the server is called without a token and says where its metadata is (RFC 9728); that names an issuer,
whose metadata (RFC 8414) says where to log in. This command shows itself there as the client that --client-id names, or
that a document describes, or registers itself (RFC 7591). The browser brings a code back to a port of this machine; the
code and a proof that it is ours (PKCE) become tokens.

Logins are files that only you can read, one for each server. A token goes to the URL that you have logged in at, and
nowhere else. The variable BROWSER names another browser than that of the system. `mcp-auth call URL` uses and renews it; `mcp-auth logout URL` gives it back and forgets it.

A client that an administrator makes for this command is a public one with the redirect URI http://127.0.0.1/callback, or
with a port in it where the issuer wants one: then --callback-port names it.

Exit status: 0 logged in, 1 another failure, 2 the command line is wrong, 3 refused, 6 no answer in time, 130 stopped.";

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.json
    }

    fn wish(&self) -> Result<Wish, Failure> {
        let secret = secret(self.client_secret_file.as_deref())?;
        if self.client_credentials && secret.is_none() {
            return Err(Failure::usage(
                "--client-credentials needs the secret of the client: --client-secret-file FILE, or the variable \
                 MCP_LOGIN_CLIENT_SECRET",
            ));
        }
        let named = self.client_id.clone().map(|id| Client::named(id, secret, Origin::Named));
        Ok(Wish {
            target: self.url.clone(),
            issuer: self.issuer.clone(),
            chosen: if self.issuer.is_some() { Chosen::ByPerson } else { Chosen::ByServer },
            scope: self.scope.clone(),
            stays: self.scope.is_none(),
            audience: self.audience.clone(),
            client: Wanted { named, document: self.client_metadata_url.clone() },
            in_own_name: self.client_credentials,
            page: self.page.clone(),
            time: self.timeout,
        })
    }
}

/// The secret of a client. Never as an argument: other users of the machine see those.
fn secret(file: Option<&std::path::Path>) -> Result<Option<String>, Failure> {
    let text = match file {
        None => std::env::var("MCP_LOGIN_CLIENT_SECRET").unwrap_or_default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("{} cannot be read: {error}", path.display()))
            })?;
            must_be_private(path)?;
            text
        }
    };
    let text = text.trim();
    if text.is_empty() && file.is_some() {
        return Err(Failure::usage("the file of the client's secret is empty"));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// Runs the command until it is done, or until Ctrl-C.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (wish, store) = (args.wish()?, args.folder.store()?);
    let web = Web { time: args.timeout.min(ANSWER), trace: Trace::new(args.trace) };
    let (login, asked) = stoppable(async {
        web.trace.begin();
        flow::log_in(&web, &store, &wish).await
    })?;
    show(args, &store, &login, &asked)
}

/// What waits here, in this thread.
pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::other(format!("cannot start: {error}")))
}

/// Runs this until it is done, or until Ctrl-C.
pub fn stoppable<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Status::Stopped, "stopped")),
        }
    })
}

fn show(args: &Args, store: &Store, login: &Login, asked: &str) -> Result<(), Failure> {
    let Login { url, issuer, client, tokens, .. } = login;
    if args.json {
        return output::print(&output::json(&json!({
            "url": url, "resource": login.resource, "issuer": issuer, "client_id": client.id,
            "client": client.origin, "scope": tokens.scope, "expires": tokens.expires,
            "refreshes": tokens.refresh.is_some() || login.way == store::Way::ClientCredentials,
        })));
    }
    let missing = grant::missing(asked, &tokens.scope);
    let missing = if missing.is_empty() {
        missing
    } else {
        format!(" (asked for, and not given: {missing})")
    };
    let until = tokens
        .expires
        .map_or("the issuer does not say".into(), |end| times::told(end, times::now()));
    let renewed = match (&tokens.refresh, login.way) {
        (Some(_), _) | (None, store::Way::ClientCredentials) => ", then renewed by itself",
        (None, store::Way::Code) => ", then log in again: there is no refresh token",
    };
    let rows = [
        ["logged in at", &output::line(url)],
        ["issuer", &output::line(issuer)],
        ["client", &format!("{} ({})", output::line(&client.id), client.origin.words())],
        ["scope", &format!("{}{missing}", output::line(&tokens.scope))],
        ["token until", &format!("{until}{renewed}")],
        ["kept in", &format!("{}", store.file(url).display())],
    ];
    output::print(&output::table(0, &rows.map(|row| row.map(str::to_owned))))?;
    output::note(&format!("now: mcp-auth call {} tools list", args.url.shown()));
    Ok(())
}
