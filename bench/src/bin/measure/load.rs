//! The load: wrk on a core of its own, which checks every answer.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use bench::process::CORES;

use crate::{
    ask::{self, Answer},
    server::Running,
};

/// What the server is asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// So many good tokens, one after the other, and again.
    Good(usize),
    /// More good tokens than there is time for: each comes once.
    Fresh,
    /// All that a good one says, with the signature of another one.
    BadSignature,
    /// Another server's: refused before the signature is looked at.
    WrongAudience,
}

/// A load for one server.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub tokens: Tokens,
    pub connections: usize,
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub requests: f64,
    pub seconds: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
}

/// Where the tokens are, and how many good ones.
pub struct Folder {
    pub path: PathBuf,
    pub fresh: usize,
}

impl Folder {
    pub fn file(&self, tokens: Tokens) -> PathBuf {
        self.path.join(match tokens {
            Tokens::Good(_) | Tokens::Fresh => "good.txt",
            Tokens::BadSignature => "bad-signature.txt",
            Tokens::WrongAudience => "wrong-audience.txt",
        })
    }

    pub fn count(&self, tokens: Tokens) -> usize {
        match tokens {
            Tokens::Good(count) => count,
            Tokens::Fresh => self.fresh,
            Tokens::BadSignature | Tokens::WrongAudience => bench::tokens::BAD,
        }
    }

    /// The last token of a file.
    pub fn last(&self, tokens: Tokens) -> anyhow::Result<String> {
        let file = self.file(tokens);
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(text.lines().next_back().context("there are no tokens")?.to_owned())
    }
}

/// wrk at work. It ends by itself, or with this value.
pub struct Working {
    child: Option<Child>,
    load: Load,
    available: usize,
}

impl Load {
    /// Begins, after one request whose answer shows what the others must be.
    pub fn begin(self, server: &Running, folder: &Folder) -> anyhow::Result<Working> {
        let answer = server.ask(&folder.last(self.tokens)?)?;
        match self.tokens {
            Tokens::BadSignature | Tokens::WrongAudience => ask::is_refused(&answer),
            Tokens::Good(_) | Tokens::Fresh => ask::is_good(&answer),
        }?;
        self.expecting(&answer, server, folder)
    }

    /// Begins, and takes every answer but this one for a wrong one.
    pub fn expecting(
        self,
        answer: &Answer,
        server: &Running,
        folder: &Folder,
    ) -> anyhow::Result<Working> {
        let available = folder.count(self.tokens);
        let child = Command::new("taskset")
            .args(["-c", CORES.1, "wrk", "-t1", "--timeout", "5s", "--latency"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .arg("-s")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("load.lua"))
            .arg(format!("http://{}/mcp", server.address))
            .arg("--")
            .arg(folder.file(self.tokens))
            .args([available.to_string(), answer.status.to_string()])
            .args([&answer.body, ask::BODY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("taskset (package util-linux) cannot be started")?;
        Ok(Working { child: Some(child), load: self, available })
    }
}

impl Working {
    /// It must not have come to its end yet.
    pub fn still(&mut self) -> anyhow::Result<()> {
        let child = self.child.as_mut().context("the load was not begun")?;
        ensure!(child.try_wait()?.is_none(), "the load has ended too early");
        Ok(())
    }

    /// Waits for the end. An answer that is wrong, a connection that broke, or a token that came twice where none
    /// should is an error.
    pub fn end(mut self) -> anyhow::Result<Outcome> {
        let (load, available) = (self.load, self.available);
        let output = self.child.take().context("the load was not begun")?.wait_with_output()?;
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line = line.with_context(|| format!("wrk did not finish: {errors}{text}"))?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [requests, micros, sent, wrong, broken, p50, p99] = numbers[..] else {
            anyhow::bail!("wrk said {line:?}");
        };
        let example = text.lines().find_map(|line| line.strip_prefix("WRONG "));
        ensure!(
            wrong == 0.0,
            "{wrong} of {requests} answers are wrong: {}",
            example.unwrap_or("?")
        );
        ensure!(broken == 0.0, "{broken} requests failed, of {requests}");
        ensure!(requests > 0.0, "nothing was answered");
        ensure!(
            load.tokens != Tokens::Fresh || sent <= available as f64,
            "{available} tokens were not enough for {} s: measure for a shorter time",
            load.seconds
        );
        Ok(Outcome { requests, seconds: micros / 1e6, p50, p99 })
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
