//! Writes the document.

use std::fmt::Write as _;

use bench::{figure::Figure, wrk::Sample};

use crate::{
    flood::{CALLERS, FLOOD},
    goals::Measured,
    load::Tokens,
    rounds::Plan,
    rows::{ROWS, Row},
};

/// The whole document. What was found by looking, and not by measuring, stands in `notes.md`.
pub fn write(measured: &Measured, plan: Plan, machine: &str) -> anyhow::Result<String> {
    let mut text = String::from(include_str!("head.md"));
    write!(text, "\n## Goals\n\n| | goal | measured | reached |\n|---|---|---|---|\n")?;
    for goal in measured.goals() {
        let reached = if goal.is_reached { "yes" } else { "**no**" };
        writeln!(text, "| {} | {} | {} | {reached} |", goal.what, goal.goal, goal.measured)?;
    }
    write!(text, "\n{}\n## Machine\n\n{machine}", include_str!("notes.md"))?;
    writeln!(
        text,
        "* {} rounds, each with every row for {} s; in the tables the median of the rounds, and in brackets the least and the most",
        plan.rounds, plan.seconds
    )?;
    for connections in [32, 1, 512] {
        table(&mut text, measured, connections)?;
    }
    let flood = &measured.flood;
    write!(
        text,
        "\n## A flood of bad signatures\n\n{CALLERS} callers with cached tokens; p99 of their waiting time: {:.0} µs in quiet,\n{:.0} µs while {FLOOD} \
         connections send bad signatures as fast as they are refused, {:.0} a second.\n\n{}",
        flood.quiet,
        flood.flooded,
        flood.refused,
        include_str!("tail.md")
    )?;
    Ok(text)
}

fn table(text: &mut String, measured: &Measured, connections: usize) -> anyhow::Result<()> {
    let word = if connections == 1 { "connection" } else { "connections" };
    write!(text, "\n## {connections} {word}\n\n")?;
    writeln!(
        text,
        "| server | tokens | CPU µs/request | requests/s of bare axum | requests/s | server's core busy | p50 µs | p99 µs | idle MiB | loaded MiB |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|---|")?;
    for row in ROWS.into_iter().filter(|row| row.connections == connections) {
        let samples = measured.of(row);
        let of = |value: fn(&Sample) -> f64| Figure::of(samples.iter().map(value));
        writeln!(
            text,
            "| {} | {} | {:.1} | {:.2} | {:.0} | {:.0} % | {:.0} | {:.0} | {:.1} | {:.1} |",
            row.server.name(),
            named(row),
            of(|sample| sample.cpu),
            measured.ratio(row, row.bare()),
            of(|sample| sample.rate).median,
            of(|sample| sample.busy).median,
            of(|sample| sample.p50).median,
            of(|sample| sample.p99).median,
            of(|sample| sample.idle.resident as f64 / 1024.0).median,
            of(|sample| sample.loaded.peak as f64 / 1024.0).median,
        )?;
    }
    Ok(())
}

fn named(row: Row) -> String {
    match row.tokens {
        Tokens::Good(1) => "one".to_owned(),
        Tokens::Good(count) => format!("{count}"),
        Tokens::Fresh => "each only once".to_owned(),
        Tokens::BadSignature => "bad signature".to_owned(),
        Tokens::WrongAudience => "wrong audience".to_owned(),
    }
}
