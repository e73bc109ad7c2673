//! Measures servers side by side: `measure run` and `measure memory`. `bench/run.sh` builds it and starts it.

mod ask;
mod flood;
mod goals;
mod load;
mod memory;
mod report;
mod rounds;
mod rows;
mod server;

use std::path::PathBuf;

use anyhow::ensure;
use bench::{
    document::{self, AUTHORIZATION},
    figure::Figure,
    machine,
};
use clap::Parser;

use crate::{
    goals::Measured,
    load::{Folder, Load, Tokens},
    rounds::{Plan, Setup},
};

/// Parts whose versions matter.
const PARTS: [&str; 8] =
    ["axum", "hyper", "tokio", "rmcp", "jsonwebtoken", "aws-lc-rs", "aws-lc-sys", "quick_cache"];

#[derive(Parser)]
enum Arguments {
    /// Every row, and a document about it
    Run {
        /// Folder for keys and tokens, which are made if they are not there
        #[arg(long)]
        tokens: PathBuf,
        /// The document
        #[arg(long)]
        out: PathBuf,
        /// What compiled the programs
        #[arg(long)]
        compiler: String,
        /// How often each row is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// For how many seconds each time
        #[arg(long, default_value_t = 2)]
        seconds: u64,
        /// How many good tokens there are; more than are used up in that time
        #[arg(long, default_value_t = 100_000)]
        distinct: usize,
    },
    /// Does the memory stay as small as it was?
    Memory {
        /// Folder for keys
        #[arg(long)]
        tokens: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Memory { tokens } => memory::measure(&tokens),
        Arguments::Run { tokens, out, compiler, rounds, seconds, distinct } => {
            let busy = machine::busy()?;
            bench::tokens::prepare(&tokens, distinct)?;
            let folder = Folder { path: tokens, fresh: distinct };
            let (serve, guarded) = (server::beside("serve")?, server::beside("guarded")?);
            let setup = Setup { serve, guarded, folder };
            let plan = Plan { rounds, seconds };
            let awake = machine::awake();
            wrong_answers_are_noticed(&setup)?;
            let versions = machine::versions(include_str!("../../../Cargo.lock"), &PARTS);
            let machine = machine::describe(&compiler, &busy, awake.is_some(), &versions)?;
            let (start, idle) = start(&setup, 4 * rounds)?;
            let flood = flood::measure(&setup, plan)?;
            let measured = Measured { samples: rounds::all(&setup, plan)?, flood, start, idle };
            let text = report::write(&measured, plan, &machine)?;
            document::write_before(&out, AUTHORIZATION, &text)?;
            for goal in measured.goals() {
                let reached = if goal.is_reached { "reached " } else { "NOT YET " };
                println!("{reached} {}: {} (goal {})", goal.what, goal.measured, goal.goal);
            }
            Ok(())
        }
    }
}

/// A check that cannot fail is none: told to expect something else, the load must say that every answer is wrong.
fn wrong_answers_are_noticed(setup: &Setup) -> anyhow::Result<()> {
    let server = setup.server("axum")?;
    let load = Load::new(Tokens::Good(1), 1, 1);
    let right = server.ask(&setup.folder.last(Tokens::Good(1))?)?;
    for (status, body) in [(201, right.body.clone()), (right.status, format!("{} ", right.body))] {
        let other = ask::Answer { status, body };
        let outcome = load.expecting(&other, &server, &setup.folder)?.end();
        let is_noticed = outcome.is_err_and(|error| error.to_string().contains("are wrong"));
        ensure!(is_noticed, "the load does not notice wrong answers");
    }
    Ok(())
}

/// Start and idle memory of the smallest guarded server, so many times: milliseconds and MiB.
fn start(setup: &Setup, times: usize) -> anyhow::Result<(Figure, Figure)> {
    let (mut starts, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let server = setup.run(&setup.guarded, &[])?;
        starts.push(server.start.as_secs_f64() * 1e3);
        sizes.push(server.idle.resident as f64 / 1024.0);
    }
    Ok((Figure::of(starts), Figure::of(sizes)))
}
