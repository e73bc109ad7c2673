//! The two servers: ours, and one that many use. Each in a process of its own, on a core of its own.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use argon2::{
    Algorithm as Kind, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, SaltString},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bench::process::{CORES, Memory, Process};
use clap::Args;
use mcp_auth::issuer::keys::Alg;
use serde_json::{Value, json};

use crate::{http::Connection, page, proof};

/// What tokens are for. The other server gives tokens that are no JWT for the second one.
pub const RESOURCE: &str = "http://localhost:9000/mcp";
pub const OPAQUE: &str = "http://localhost:9000/opaque";
/// All scopes, and those that are asked for.
pub const SCOPES: &str = "mcp:read mcp:tools mcp:prompts";
pub const ASKED: &str = "mcp:read mcp:tools";
/// Where people are sent back to.
pub const REDIRECT: &str = "http://127.0.0.1:9009/callback";
/// How many people there are. Two attempts of one person at the same time count as guessing, limits or not.
pub const PEOPLE: usize = 16;
/// How all of them log in.
pub const PASSWORD: &str = "a password for measurements";
/// Clients that have a secret have this one.
pub const SECRET: &str = "measured-measured-measured-measured";

/// Where the programs are.
#[derive(Args)]
pub struct Setup {
    /// The program `authorization`
    #[arg(long)]
    server: PathBuf,
    /// Node
    #[arg(long)]
    node: PathBuf,
    /// The folder in which oidc-provider is installed
    #[arg(long)]
    provider: PathBuf,
    /// A folder for data of servers, which are removed with them
    #[arg(long)]
    folder: PathBuf,
}

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    /// Ours, with two lines of log for each request in a file.
    OursWithLog,
    Theirs,
}

/// A server, and what it signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    pub who: Who,
    pub alg: Alg,
}

impl Party {
    pub const fn ours(alg: Alg) -> Self {
        Self { who: Who::Ours, alg }
    }

    pub const fn theirs(alg: Alg) -> Self {
        Self { who: Who::Theirs, alg }
    }

    /// Where people are sent to; where tokens are asked for; where one asks about tokens; where the keys are.
    pub fn paths(self) -> [&'static str; 4] {
        match self.who {
            Who::Theirs => ["/auth", "/token", "/token/introspection", "/jwks"],
            Who::Ours | Who::OursWithLog => ["/authorize", "/token", "/introspect", "/jwks.json"],
        }
    }

    pub fn name(self) -> &'static str {
        match self.who {
            Who::Ours => "ours",
            Who::OursWithLog => "ours, with its log",
            Who::Theirs => "oidc-provider",
        }
    }
}

/// Where a server is.
#[derive(Clone)]
pub struct Site {
    pub party: Party,
    /// Its name, and its address.
    pub url: String,
    pub address: String,
}

/// A server that runs, and is ended with this value.
pub struct Running {
    pub site: Site,
    /// The process.
    pub process: Process,
    /// From the start of the process to the first good answer, a token.
    pub start: Duration,
    /// What it takes after that (and Pss), in KiB.
    pub idle: Memory,
    pub share: u64,
}

/// A folder that goes with this value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Setup {
    /// A new folder with what a server needs to know.
    pub fn folder(&self) -> anyhow::Result<Folder> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(self.folder.join(name));
        fs::create_dir_all(&folder.0)?;
        private(&folder.0.join("clients.json"), &clients())?;
        private(&folder.0.join("people.json"), &people()?)?;
        Ok(folder)
    }

    /// A server, with its data in this folder.
    pub fn start(&self, party: Party, folder: &Folder) -> anyhow::Result<Running> {
        let started = Instant::now();
        let log = folder.0.join("log.txt");
        let mut command = Command::new("taskset");
        command.args(["-c", CORES.0]).env_clear(); // no setting from outside
        if party.who == Who::Theirs {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider/provider.mjs");
            command.arg(&self.node).arg(script).arg(party.alg.name());
            command.env("NODE_ENV", "production").env("PROVIDER", &self.provider);
            for (name, value) in [
                ("RESOURCE", RESOURCE),
                ("OPAQUE", OPAQUE),
                ("SCOPE", SCOPES),
                ("SECRET", SECRET),
                ("REDIRECT", REDIRECT),
            ] {
                command.env(name, value);
            }
        } else {
            command.arg(&self.server).args(["--port", "0", "--no-rate-limits"]);
            command.args(["--resource", RESOURCE, "--algorithm", party.alg.name()]);
            command.args(["--access-token-lifetime", "3600"]);
            for name in ["data", "clients.json", "people.json"] {
                let flag = name.trim_end_matches(".json");
                command.arg(format!("--{flag}")).arg(folder.0.join(name));
            }
            command.env("RUST_LOG", if party.who == Who::Ours { "warn" } else { "info" });
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child =
            command.spawn().context("taskset (package util-linux) cannot be started")?;
        let out = child.stdout.take().context("there is no output")?;
        let (start, idle) = (Duration::ZERO, Memory::default());
        let site = Site { party, url: String::new(), address: String::new() };
        let mut running = Running { site, process: Process(child), start, idle, share: 0 };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        running.site.url = line.trim().to_owned();
        let port = running.site.url.strip_prefix("http://localhost:");
        let port = port.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        running.site.address = format!("127.0.0.1:{port}");
        let token = runtime()?.block_on(running.site.program_token())?;
        running.start = started.elapsed();
        proof::check_token(&token, &running.site, "program")?;
        running.idle = running.process.memory()?;
        running.share = running.process.share()?;
        Ok(running)
    }
}

/// For one thread: this one.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

impl Site {
    /// A connection to it.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.address, self.url.trim_start_matches("http://")).await
    }

    /// A token that a program gets in its own name.
    pub async fn program_token(&self) -> anyhow::Result<String> {
        let headers = format!("Authorization: {}\r\n", basic("program"));
        let answer =
            self.connect().await?.post(self.party.paths()[1], &headers, &program_form()).await?;
        ensure!(answer.status == 200, "no token: {} {}", answer.status, answer.body);
        let body: Value = serde_json::from_str(&answer.body)?;
        Ok(body["access_token"].as_str().context("there is no token")?.to_owned())
    }
}

/// The header by which a client shows who it is (RFC 6749 §2.3.1).
pub fn basic(client: &str) -> String {
    let mut id = String::new(); // written like a value of a form
    page::add(&mut id, "", client);
    format!("Basic {}", STANDARD.encode(format!("{}:{SECRET}", &id[1..])))
}

/// How a program asks for a token in its own name.
pub fn program_form() -> String {
    let mut form = String::new();
    for (name, value) in
        [("grant_type", "client_credentials"), ("scope", ASKED), ("resource", RESOURCE)]
    {
        page::add(&mut form, name, value);
    }
    form
}

fn clients() -> Value {
    json!([
        {"client_id": "program", "client_secret": SECRET, "grant_types": ["client_credentials"]},
        {"client_id": RESOURCE, "client_secret": SECRET, "grant_types": []},
        {"client_id": "app", "redirect_uris": [REDIRECT]},
    ])
}

/// What one of them is called.
pub fn person(number: usize) -> String {
    format!("person-{number}")
}

/// Whose passwords are hashed as cheaply as argon2 lets us: they are not what is measured.
fn people() -> anyhow::Result<Value> {
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).map_err(anyhow::Error::msg)?;
    let salt = SaltString::encode_b64(b"for measurements").map_err(anyhow::Error::msg)?;
    let hash = Argon2::new(Kind::Argon2id, Version::V0x13, cheap)
        .hash_password(PASSWORD.as_bytes(), &salt)
        .map_err(anyhow::Error::msg)?
        .to_string();
    let one = |number| (person(number), json!({"password": hash, "roles": ["admin"]}));
    Ok(Value::Object((0..PEOPLE).map(one).collect()))
}

/// A file for its owner alone: the server reads no other.
fn private(path: &Path, content: &Value) -> anyhow::Result<()> {
    fs::write(path, content.to_string())?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}
