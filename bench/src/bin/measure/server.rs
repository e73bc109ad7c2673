//! A server in a process of its own, on a core of its own: when does it answer, what does it take?

use std::{
    io::{BufRead as _, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bench::process::{CORES, Memory, Process};

use crate::ask::{self, Answer};

/// A server that runs, and is ended with this value.
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: String,
    /// From the start of the process to the first good answer.
    pub start: Duration,
    /// What it takes after that, before any load.
    pub idle: Memory,
}

/// A program that sits beside this one.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    ensure!(program.exists(), "{} is missing: build all programs", program.display());
    Ok(program)
}

impl Running {
    /// Starts it, and asks it once with this token.
    pub fn start(program: &Path, arguments: &[&str], token: &str) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut child = Command::new("taskset")
            .args(["-c", CORES.0])
            .arg(program)
            .args(arguments)
            .env_clear() // no setting from outside
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("taskset (package util-linux) cannot be started")?;
        let mut line = String::new();
        let out = child.stdout.take().context("there is no output")?;
        let mut running = Self {
            process: Process(child),
            address: String::new(),
            start: Duration::ZERO,
            idle: Memory::default(),
        };
        BufReader::new(out).read_line(&mut line)?;
        running.address = line.trim().to_owned();
        let answer = running.ask(token)?;
        running.start = started.elapsed();
        ask::is_good(&answer)?;
        running.idle = running.process.memory()?;
        Ok(running)
    }

    /// Its answer to one call with this token.
    pub fn ask(&self, token: &str) -> anyhow::Result<Answer> {
        let stream = TcpStream::connect(&self.address);
        let mut stream = stream.with_context(|| format!("no server at {:?}", self.address))?;
        stream.set_nodelay(true)?;
        ask::call(&mut stream, token)
    }

    /// Waits until somebody keeps it busy.
    pub fn until_busy(&self) -> anyhow::Result<()> {
        let (before, started) = (self.process.cpu()?, Instant::now());
        while self.process.cpu()? < before + 0.05 {
            ensure!(started.elapsed() < Duration::from_secs(10), "nobody keeps the server busy");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}
