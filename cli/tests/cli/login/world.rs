//! Step 9 with its place to log in, a folder for logins, and the command at work while a browser is open.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use clap::Parser as _;
use common::server;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::browser::{self, Person};
use crate::support::std_command;

/// The command prints the link before this time is over, and ends.
const PATIENCE: Duration = Duration::from_secs(50);

/// Step 9 on free ports, until it is dropped.
pub struct World {
    pub url: String,
    pub issuer: String,
    pub logins: Logins,
    keys: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A folder of logins.
pub struct Logins(TempDir);

/// How the command ended, and what the browser showed last.
pub struct Done {
    pub status: i32,
    pub out: String,
    pub err: String,
    pub page: String,
    pub link: String,
}

type Running = (String, String, oneshot::Sender<()>, JoinHandle<()>);

fn serve(keys: &Path) -> Running {
    let keys = keys.to_str().unwrap();
    let args = ["step9", "--port", "0", "--login-port", "0", "--keys-dir", keys];
    let settings = step9::Settings::try_parse_from(args).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (told, urls) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bound = server::bind(&settings.listen).await.unwrap();
            let issuer = step9::login::named_or_embedded(&settings, &bound.url).await.unwrap();
            let app = step9::app(&settings, &bound.url, &issuer).await.unwrap();
            told.send((bound.url.endpoint(), issuer)).unwrap();
            let stopped = async { drop(stopped.await) };
            server::serve_until(stopped, bound, app, &settings.connections).await;
        });
    });
    let (url, issuer) = urls.recv().unwrap();
    (url, issuer, stop, thread)
}

impl World {
    pub fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let (url, issuer, stop, thread) = serve(keys.path());
        let logins = Logins::new();
        Self { url, issuer, logins, keys, stop: Some(stop), thread: Some(thread) }
    }

    /// Id and secret of the program that may act in its own name.
    pub fn program(&self) -> (String, String) {
        let text = std::fs::read(self.keys.path().join("client.json")).unwrap();
        let client: Value = serde_json::from_slice(&text).unwrap();
        let part = |name: &str| client[name].as_str().unwrap().to_owned();
        (part("client_id"), part("client_secret"))
    }

    /// `mcp-auth login` at this server, which opens no browser.
    pub fn login(&self, args: &[&str]) -> Command {
        let mut command = self.logins.command("login");
        command.args([&self.url, "--no-browser"]).args(args);
        command
    }

    /// `mcp-auth call` at this server.
    pub fn call(&self, args: &[&str]) -> Command {
        let mut command = self.logins.command("call");
        command.arg(&self.url).args(args);
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || !matches!(ended, Some(Err(_))), "the server panicked");
    }
}

impl Logins {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = std_command();
        command.arg(name).env("XDG_CONFIG_HOME", self.0.path()).env("APPDATA", self.0.path());
        command
    }

    /// The files in one of its folders.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path().join("mcp-auth").join(folder));
        let mut all: Vec<_> =
            entries.into_iter().flatten().map(|one| one.unwrap().path()).collect();
        all.sort();
        all
    }

    /// The only login, as it is written down.
    pub fn login(&self) -> Value {
        let [file] = &self.files("logins")[..] else { panic!("{:?}", self.files("logins")) };
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    /// Writes something else down.
    pub fn change(&self, folder: &str, change: impl FnOnce(&mut Value)) {
        let [file] = &self.files(folder)[..] else { panic!("{:?}", self.files(folder)) };
        let mut value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(file, value.to_string()).unwrap(); // the mode stays
    }
}

/// Runs a command; when it prints a link, `browser` opens it.
pub fn with_browser(
    mut command: Command,
    browser: impl FnOnce(&str) -> String + Send + 'static,
) -> Done {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let (told, done) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut err, mut browser) = (String::new(), Some(browser));
        let (mut page, mut link) = (String::new(), String::new());
        for line in BufReader::new(stderr).lines() {
            let line = line.unwrap();
            if line.starts_with("  http")
                && let Some(browser) = browser.take()
            {
                line.trim().clone_into(&mut link);
                page = browser(&link);
            }
            err.push_str(&line);
            err.push('\n');
        }
        let _ = told.send((err, page, link));
    });
    let ended = done.recv_timeout(PATIENCE);
    if ended.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().unwrap().code().unwrap_or(-1);
    let (err, page, link) = ended.expect("the command comes to no end");
    Done { status, out: out.join().unwrap(), err, page, link }
}

/// Runs a command; this person logs in.
pub fn as_person(command: Command, person: &'static Person) -> Done {
    with_browser(command, move |link| browser::open(link, person).1)
}

/// Runs a command during which nobody is asked anything.
pub fn alone(command: Command) -> Done {
    with_browser(command, |link| panic!("nobody should be asked: {link}"))
}
