//! The load: wrk on a core of its own, which looks at every answer by a script.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use crate::process::{CORES, Memory, Process};

/// How many ask at a time, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections.
    pub connections: usize,
    /// Seconds.
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Answers.
    pub requests: f64,
    /// Time.
    pub seconds: f64,
    /// In microseconds.
    pub p50: f64,
    /// In microseconds.
    pub p99: f64,
}

/// What one row gave in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU of the server for each answer, in microseconds.
    pub cpu: f64,
    /// Answers a second.
    pub rate: f64,
    /// How much of its core the server used, in percent.
    pub busy: f64,
    /// In microseconds.
    pub p50: f64,
    /// In microseconds.
    pub p99: f64,
    /// What the server held before.
    pub idle: Memory,
    /// What it held afterwards.
    pub loaded: Memory,
}

impl Outcome {
    /// With what the server took for it: seconds of CPU, memory before and after.
    #[must_use]
    pub fn with(self, cpu: f64, idle: Memory, loaded: Memory) -> Sample {
        let Self { requests, seconds, p50, p99 } = self;
        let (rate, busy) = (requests / seconds, cpu * 100.0 / seconds);
        Sample { cpu: cpu * 1e6 / requests, rate, busy, p50, p99, idle, loaded }
    }
}

/// What it has said: how many tokens it has sent, and all that the script has written.
#[derive(Debug)]
pub struct Ended {
    /// The figures.
    pub outcome: Outcome,
    /// Requests of which each may have had a token of its own.
    pub sent: f64,
    /// Everything.
    pub text: String,
}

/// wrk at work. It ends by itself, or with this value.
#[derive(Debug)]
pub struct Working(Process);

impl Load {
    /// Begins with a script of this folder.
    ///
    /// # Errors
    /// When there is no `taskset`.
    pub fn begin(self, script: &str, url: &str, arguments: &[&str]) -> anyhow::Result<Working> {
        let child = Command::new("taskset")
            .args(["-c", CORES.1, "wrk", "-t1", "--timeout", "5s", "--latency"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .arg("-s")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args([url, "--"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("taskset (package util-linux) cannot be started")?;
        Ok(Working(Process(child)))
    }
}

impl Working {
    /// It must not have come to its end yet.
    ///
    /// # Errors
    /// When it has.
    pub fn still(&mut self) -> anyhow::Result<()> {
        self.0.is_alive().context("the load has ended too early")
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When an answer was wrong, or a connection broke.
    pub fn end(mut self) -> anyhow::Result<Ended> {
        let out = self.0.0.stdout.take().context("there is no output")?;
        let text = io::read_to_string(out)?;
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line = line.with_context(|| format!("wrk did not finish: {text}"))?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [requests, micros, sent, wrong, broken, p50, p99] = numbers[..] else {
            anyhow::bail!("wrk said {line:?}");
        };
        let example = text.lines().find_map(|line| line.strip_prefix("WRONG ")).unwrap_or("?");
        ensure!(wrong == 0.0, "{wrong} of {requests} answers are wrong: {example}");
        ensure!(broken == 0.0, "{broken} requests failed, of {requests}");
        ensure!(requests > 0.0, "nothing was answered");
        let outcome = Outcome { requests, seconds: micros / 1e6, p50, p99 };
        Ok(Ended { outcome, sent, text })
    }
}
