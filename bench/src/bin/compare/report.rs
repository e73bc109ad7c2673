//! What was to be reached, and the part of the document about it.

use std::fmt::Write as _;

use bench::{figure::Figure, wrk::Sample};
use mcp_auth::issuer::keys::Alg;

use crate::{
    load::Kind,
    rounds::{
        CEILINGS, CONNECTIONS, Measured, OURS_ES256, OURS_FLOW, OURS_KNOWN, OURS_RS256, Plan, ROWS,
        Row, THEIRS_ES256, THEIRS_FLOW, THEIRS_KNOWN, Task,
    },
};

/// One goal.
pub struct Goal {
    pub what: &'static str,
    /// As it is written in the document.
    pub goal: String,
    pub measured: String,
    pub is_reached: bool,
}

impl Measured {
    fn of(&self, row: Row) -> &[Sample] {
        let place = ROWS.iter().position(|other| *other == row);
        place.map_or(&[], |place| &self.samples[place])
    }

    fn ceiling(&self, alg: Alg) -> &[f64] {
        let place = CEILINGS.iter().position(|other| *other == alg);
        place.map_or(&[], |place| &self.ceilings[place])
    }

    /// The goals in the order of the document.
    pub fn goals(&self) -> Vec<Goal> {
        let of = |what, ratio: Figure, goal: f64| Goal {
            what,
            goal: format!("≥ {goal}"),
            measured: format!("{ratio:.2}"),
            is_reached: ratio.median >= goal,
        };
        let times = |what, ours, theirs, goal: f64| {
            let pairs = || self.of(ours).iter().zip(self.of(theirs));
            let cpu = Figure::of(pairs().map(|(ours, theirs)| theirs.cpu / ours.cpu));
            let rate = of(what, Figure::of(pairs().map(|(o, t)| o.rate / t.rate)), goal);
            Goal { measured: format!("{}; by CPU {:.2}", rate.measured, cpu.median), ..rate }
        };
        let rsa = self.of(OURS_RS256).iter().zip(self.ceiling(Alg::Rs256));
        let rsa = Figure::of(rsa.map(|(sample, bare)| sample.rate / bare));
        let mut goals = vec![
            times(
                "tokens for programs with ES256, of oidc-provider's",
                OURS_ES256,
                THEIRS_ES256,
                4.0,
            ),
            of("tokens for programs with RS256, of the bare signatures", rsa, 0.8),
            times("introspection, of oidc-provider's", OURS_KNOWN, THEIRS_KNOWN, 5.0),
            times("the whole code flow, of oidc-provider's", OURS_FLOW, THEIRS_FLOW, 3.0),
        ];
        if let Some(ours) = self.starts.first() {
            let at_most = |what, figure: Figure, goal: f64, unit| Goal {
                what,
                goal: format!("≤ {goal} {unit}"),
                measured: format!("{figure:.1} {unit}"),
                is_reached: figure.median <= goal,
            };
            let start = "start to first answer, with a database that is there";
            goals.push(at_most(start, ours.start, 50.0, "ms"));
            goals.push(at_most("memory when idle", ours.resident, 25.0, "MiB"));
        }
        goals
    }
}

/// The part of the document, with its heading. What was found by looking, and not by measuring, stands in `notes.md`.
pub fn write(measured: &Measured, plan: Plan, machine: &str, day: &str) -> anyhow::Result<String> {
    let mut text = String::from(include_str!("head.md"));
    write!(text, "\n### Goals\n\n| | goal | measured | reached |\n|---|---|---|---|\n")?;
    for goal in measured.goals() {
        let reached = if goal.is_reached { "yes" } else { "**no**" };
        writeln!(text, "| {} | {} | {} | {reached} |", goal.what, goal.goal, goal.measured)?;
    }
    write!(text, "\n### {CONNECTIONS} connections\n\n")?;
    writeln!(
        text,
        "| | server | a second | CPU µs each | server's core busy | p50 µs | p99 µs | loaded MiB |\n|---|---|---|---|---|---|---|---|"
    )?;
    for row in ROWS {
        let samples = measured.of(row);
        let of = |value: fn(&Sample) -> f64| Figure::of(samples.iter().map(value));
        writeln!(
            text,
            "| {} | {} | {:.0} | {:.1} | {:.0} % | {:.0} | {:.0} | {:.1} |",
            named(row),
            row.party.name(),
            of(|sample| sample.rate),
            of(|sample| sample.cpu).median,
            of(|sample| sample.busy).median,
            of(|sample| sample.p50).median,
            of(|sample| sample.p99).median,
            of(|sample| sample.loaded.peak as f64 / 1024.0).median,
        )?;
    }
    for alg in CEILINGS {
        let rate = Figure::of(measured.ceiling(alg).iter().copied());
        let micros = 1e6 / rate.median;
        writeln!(text, "| bare signatures, {alg} | aws-lc | {rate:.0} | {micros:.1} | | | | |")?;
    }
    write!(
        text,
        "\n### Start and memory\n\n| server | start to first answer, ms | resident when idle, MiB | of it its own share (Pss), MiB |\n|---|---|---|---|\n"
    )?;
    for starts in &measured.starts {
        let (start, resident, share) = (starts.start, starts.resident, starts.share);
        let name = starts.party.name();
        writeln!(text, "| {name} | {start:.1} | {resident:.1} | {share:.1} |")?;
    }
    write!(text, "\n{}\n### Machine of this part\n\n{machine}", include_str!("notes.md"))?;
    writeln!(
        text,
        "* {} rounds, each with every row for {} s after {} s to get warm; in the tables the median of the rounds, and in brackets the least and the most",
        plan.rounds, plan.seconds, plan.seconds
    )?;
    writeln!(text, "* Measured on {day}")?;
    Ok(text)
}

fn named(row: Row) -> String {
    match row.task {
        Task::Single(Kind::Program) => format!("`client_credentials`, {}", row.party.alg),
        Task::Single(Kind::Known(count)) => format!("introspection, {count} tokens"),
        Task::Single(Kind::Once(_)) => "introspection, each token once".to_owned(),
        Task::Flow => "code flow, ES256".to_owned(),
    }
}
