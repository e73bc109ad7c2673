//! Every row once, then every row again, so that whatever slows the machine down slows all of them: and of the rounds
//! the median.

use std::path::{Path, PathBuf};

use bench::wrk::Sample;

use crate::{
    load::{Folder, Load, Tokens},
    rows::{ROWS, Row},
    server::Running,
};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub rounds: usize,
    pub seconds: u64,
}

/// The programs and the tokens.
pub struct Setup {
    pub serve: PathBuf,
    pub guarded: PathBuf,
    pub folder: Folder,
}

impl Setup {
    /// A new server of the comparison.
    pub fn server(&self, name: &str) -> anyhow::Result<Running> {
        self.run(&self.serve, &[name])
    }

    /// This program with these arguments and the keys.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Running> {
        let keys = self.folder.path.join("keys.json").display().to_string();
        let arguments: Vec<&str> = arguments.iter().copied().chain([&*keys]).collect();
        Running::start(program, &arguments, &self.folder.last(Tokens::Good(1))?)
    }
}

/// The samples of each row, a list for each in the order of [`ROWS`].
pub fn all(setup: &Setup, plan: Plan) -> anyhow::Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); ROWS.len()];
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for place in 0..ROWS.len() {
            // each round begins elsewhere: no row is always the one after the same other
            let row = (place + round * 7) % ROWS.len();
            samples[row].push(one(setup, ROWS[row], plan.seconds)?);
        }
    }
    Ok(samples)
}

fn one(setup: &Setup, row: Row, seconds: u64) -> anyhow::Result<Sample> {
    let context = || format!("{} {:?} {}", row.server.name(), row.tokens, row.connections);
    let measure = || {
        let mut server = setup.server(&row.server.name())?;
        let before = server.process.cpu()?;
        let load = Load::new(row.tokens, row.connections, seconds);
        let outcome = load.begin(&server, &setup.folder)?.end()?;
        server.process.is_alive()?;
        let cpu = server.process.cpu()? - before;
        Ok(outcome.with(cpu, server.idle, server.process.memory()?))
    };
    measure().map_err(|error: anyhow::Error| error.context(context()))
}
