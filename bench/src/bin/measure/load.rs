//! The load, and the tokens that are sent.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use bench::wrk::{self, Outcome};

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
    pub by: wrk::Load,
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

/// A load at work. It ends by itself, or with this value.
pub struct Working {
    wrk: wrk::Working,
    load: Load,
    available: usize,
}

impl Load {
    pub const fn new(tokens: Tokens, connections: usize, seconds: u64) -> Self {
        Self { tokens, by: wrk::Load { connections, seconds } }
    }

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
        let url = format!("http://{}/mcp", server.address);
        let (file, count) = (folder.file(self.tokens), available.to_string());
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        let status = answer.status.to_string();
        let wrk =
            self.by.begin("load.lua", &url, &[file, &count, &status, &answer.body, ask::BODY])?;
        Ok(Working { wrk, load: self, available })
    }
}

impl Working {
    /// It must not have come to its end yet.
    pub fn still(&mut self) -> anyhow::Result<()> {
        self.wrk.still()
    }

    /// Waits for the end. An answer that is wrong, a connection that broke, or a token that came twice where none
    /// should is an error.
    pub fn end(self) -> anyhow::Result<Outcome> {
        let Self { wrk, load, available } = self;
        let ended = wrk.end()?;
        ensure!(
            load.tokens != Tokens::Fresh || ended.sent <= available as f64,
            "{available} tokens were not enough for {} s: measure for a shorter time",
            load.by.seconds
        );
        Ok(ended.outcome)
    }
}
