//! How is a program run in a test? In a folder of its own, without the settings of whoever runs the test, and
//! ended with the test.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::TcpStream,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::binaries;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A program in an empty folder, with no setting from outside.
pub fn command(name: &str, folder: &TempDir) -> Command {
    let mut command = Command::new(binaries::path(name));
    command.current_dir(folder.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy().into_owned();
        if text.starts_with("MCP_") || text == "RUST_LOG" {
            command.env_remove(variable);
        }
    }
    command.env("MCP_LOGIN_PORT", "0"); // several run at a time
    command
}

/// Lines as they come, to be waited for.
#[derive(Clone, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn of(source: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let writer = lines.clone();
        let reading = std::thread::spawn(move || {
            for line in BufReader::new(source).lines() {
                let Ok(line) = line else { break };
                writer.0.written.lock().unwrap().lines.push(line);
                writer.0.changed.notify_all();
            }
            writer.0.written.lock().unwrap().ended = true;
            writer.0.changed.notify_all();
        });
        (lines, reading)
    }

    /// The first line that fits, when it is there.
    pub fn wait_for(&self, fits: impl Fn(&str) -> bool) -> String {
        let found = |lines: &[String]| lines.iter().find(|line| fits(line)).cloned();
        let written = self.0.written.lock().unwrap();
        let waits = |written: &mut Written| !written.ended && found(&written.lines).is_none();
        let (written, _) = self.0.changed.wait_timeout_while(written, PATIENCE, waits).unwrap();
        found(&written.lines).unwrap_or_else(|| panic!("it did not come: {:#?}", written.lines))
    }

    /// All lines so far.
    pub fn so_far(&self) -> Vec<String> {
        self.0.written.lock().unwrap().lines.clone()
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    pub url: String,
    pub stdout: Lines,
    pub stderr: Lines,
    folder: TempDir, // removed with the server
}

impl Server {
    /// Starts a step on a free port.
    pub fn start(step: u8, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(&format!("step{step}"), &folder);
        command.args(["--port", "0"]).args(flags);
        Self::of(command, folder)
    }

    /// Starts a program whose first line is its URL.
    pub fn of(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.spawn().unwrap();
        let (stdout, out) = Lines::of(child.stdout.take().unwrap());
        let (stderr, err) = Lines::of(child.stderr.take().unwrap());
        let mut server =
            Self { child, readers: vec![out, err], url: String::new(), stdout, stderr, folder };
        server.url = server.stdout.wait_for(|_| true);
        server
    }

    /// The folder it runs in.
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn port(&self) -> u16 {
        let authority = self.url.split('/').nth(2).unwrap();
        authority.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the bytes of a request and reads what comes until the connection is closed.
    pub fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    /// The same for a `GET`.
    pub fn get(&self, path: &str) -> String {
        let port = self.port();
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        ))
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until it has ended, and gives its status and how long that took.
    pub fn ended(mut self) -> (ExitStatus, Duration, Vec<String>, Vec<String>) {
        let (status, took) = wait(&mut self.child);
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status, took, self.stdout.so_far(), self.stderr.so_far())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a child with a limit; a child that passes it is ended.
fn wait(child: &mut Child) -> (ExitStatus, Duration) {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, started.elapsed());
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the program has not ended after {} s", PATIENCE.as_secs());
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub fn read_all(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // a connection that is reset has said what it had to say
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

/// What a program says that ends by itself: status, stdout, stderr.
pub fn run(mut command: Command) -> (Option<i32>, String, String) {
    let mut child = command.spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut said = String::new();
        stdout.read_to_string(&mut said).map(|_| said).unwrap()
    });
    let err = std::thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said).unwrap()
    });
    let (status, _) = wait(&mut child);
    (status.code(), out.join().unwrap(), err.join().unwrap())
}
