//! Measures the authorization server beside one of others: `bench/authorization.sh` builds it and starts it.

mod ceiling;
mod flow;
mod http;
mod load;
mod page;
mod party;
mod proof;
mod report;
mod rounds;

use std::path::PathBuf;

use bench::{
    document::{self, AUTHORIZATION},
    machine,
};
use clap::Parser;
use mcp_auth::issuer::keys::Alg;

use crate::{
    party::Setup,
    rounds::{Measured, Plan},
};

/// Parts of our server whose versions matter.
const PARTS: [&str; 6] = ["axum", "hyper", "tokio", "sqlx", "aws-lc-rs", "aws-lc-sys"];

#[derive(Parser)]
enum Arguments {
    /// Every row, and a part of a document about it
    Run {
        #[command(flatten)]
        setup: Setup,
        /// The document
        #[arg(long)]
        out: PathBuf,
        /// What compiled the programs
        #[arg(long)]
        compiler: String,
        /// Versions of what is not in our lock file, as they are to be shown
        #[arg(long)]
        version: Vec<String>,
        /// Today
        #[arg(long)]
        day: String,
        /// How often each row is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// For how many seconds each time, after as many for it to get warm
        #[arg(long, default_value_t = 2)]
        seconds: u64,
    },
    /// How many signatures a second does the library make, if it does nothing else? Prints the number.
    Sign {
        /// Of which kind
        algorithm: Alg,
        /// For how long
        seconds: u64,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Sign { algorithm, seconds } => ceiling::sign(algorithm, seconds),
        Arguments::Run { setup, out, compiler, version, day, rounds, seconds } => {
            let busy = machine::busy()?;
            let awake = machine::awake();
            let plan = Plan { rounds, seconds };
            proof::wrong_answers_are_noticed(&setup)?;
            let mut versions = machine::versions(include_str!("../../../../Cargo.lock"), &PARTS);
            versions.extend(version);
            let machine = machine::describe(&compiler, &busy, awake.is_some(), &versions)?;
            let measured = Measured::take(&setup, plan)?;
            document::write_last(
                &out,
                AUTHORIZATION,
                &report::write(&measured, plan, &machine, &day)?,
            )?;
            for goal in measured.goals() {
                let reached = if goal.is_reached { "reached " } else { "NOT YET " };
                println!("{reached} {}: {} (goal {})", goal.what, goal.measured, goal.goal);
            }
            Ok(())
        }
    }
}
