//! Every row once, then every row again, so that whatever slows the machine down slows all of them: and of the rounds
//! the median.

use bench::{
    figure::Figure,
    wrk::{self, Outcome, Sample},
};
use mcp_auth::issuer::keys::Alg;

use crate::{
    ceiling, flow,
    load::{self, Kind, Load},
    party::{PEOPLE, Party, Running, Setup, Who},
    proof,
};

/// How many ask at a time.
pub const CONNECTIONS: usize = PEOPLE;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub rounds: usize,
    pub seconds: u64,
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Single(Kind),
    /// From the page to log in to the token.
    Flow,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub party: Party,
    pub task: Task,
}

const fn program(party: Party) -> Row {
    Row { party, task: Task::Single(Kind::Program) }
}

const WITH_LOG: Party = Party { who: Who::OursWithLog, alg: Alg::Es256 };
const OURS: Party = Party::ours(Alg::Es256);
const THEIRS: Party = Party::theirs(Alg::Es256);
const KNOWN: Task = Task::Single(Kind::Known(50));

pub const OURS_ES256: Row = program(OURS);
pub const THEIRS_ES256: Row = program(THEIRS);
pub const OURS_RS256: Row = program(Party::ours(Alg::Rs256));
pub const OURS_KNOWN: Row = Row { party: OURS, task: KNOWN };
pub const THEIRS_KNOWN: Row = Row { party: THEIRS, task: KNOWN };
pub const OURS_FLOW: Row = Row { party: OURS, task: Task::Flow };
pub const THEIRS_FLOW: Row = Row { party: THEIRS, task: Task::Flow };

/// All rows.
pub const ROWS: [Row; 11] = [
    OURS_ES256,
    program(WITH_LOG),
    THEIRS_ES256,
    OURS_RS256,
    program(Party::theirs(Alg::Rs256)),
    program(Party::ours(Alg::EdDsa)),
    OURS_KNOWN,
    Row { party: OURS, task: Task::Single(Kind::Once(20_000)) },
    THEIRS_KNOWN,
    OURS_FLOW,
    THEIRS_FLOW,
];

/// Signatures of which the bare rate is measured.
pub const CEILINGS: [Alg; 3] = [Alg::Es256, Alg::Rs256, Alg::EdDsa];

/// Start and memory of one server, again and again.
pub struct Starts {
    pub party: Party,
    /// In milliseconds.
    pub start: Figure,
    /// Resident and proportional, in MiB.
    pub resident: Figure,
    pub share: Figure,
}

/// All that was measured.
pub struct Measured {
    /// In the order of [`ROWS`].
    pub samples: Vec<Vec<Sample>>,
    /// In the order of [`CEILINGS`], signatures a second.
    pub ceilings: Vec<Vec<f64>>,
    pub starts: Vec<Starts>,
}

impl Measured {
    /// Measures all of it.
    pub fn take(setup: &Setup, plan: Plan) -> anyhow::Result<Self> {
        let starts = [OURS, THEIRS].map(|party| starts(setup, party, 4 * plan.rounds));
        let starts = starts.into_iter().collect::<Result<_, _>>()?;
        let mut samples = vec![Vec::new(); ROWS.len()];
        let mut ceilings = vec![Vec::new(); CEILINGS.len()];
        for round in 0..plan.rounds {
            eprintln!("round {} of {}", round + 1, plan.rounds);
            for (place, alg) in CEILINGS.into_iter().enumerate() {
                ceilings[place].push(ceiling::measure(alg, plan.seconds)?);
            }
            for place in 0..ROWS.len() {
                // each round begins elsewhere: no row is always the one after the same other
                let row = (place + round * 3) % ROWS.len();
                let sample = one(setup, ROWS[row], plan);
                let name = ROWS[row].party.name();
                let sample = sample.map_err(|e| e.context(format!("{name} {:?}", ROWS[row])))?;
                samples[row].push(sample);
            }
        }
        Ok(Self { samples, ceilings, starts })
    }
}

/// Starts with a database that is there, as after an update of the program.
fn starts(setup: &Setup, party: Party, times: usize) -> anyhow::Result<Starts> {
    let folder = setup.folder()?;
    drop(setup.start(party, &folder)?);
    let (mut start, mut resident, mut share) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let server = setup.start(party, &folder)?;
        start.push(server.start.as_secs_f64() * 1e3);
        resident.push(server.idle.resident as f64 / 1024.0);
        share.push(server.share as f64 / 1024.0);
    }
    let [start, resident, share] = [start, resident, share].map(Figure::of);
    Ok(Starts { party, start, resident, share })
}

fn one(setup: &Setup, row: Row, plan: Plan) -> anyhow::Result<Sample> {
    let folder = setup.folder()?;
    let mut server = setup.start(row.party, &folder)?;
    let (cpu, outcome) = match row.task {
        Task::Flow => {
            flow::many(&server.site, CONNECTIONS, plan.seconds)?;
            flows(&server, plan.seconds)?
        }
        Task::Single(kind) => {
            let expected = load::prepare(kind, &server.site, folder.path())?;
            let load = |seconds| {
                let load = Load { kind, by: wrk::Load { connections: CONNECTIONS, seconds } };
                load.expecting(&server.site, folder.path(), &expected)?.end()
            };
            let is_once = matches!(kind, Kind::Once(_));
            if !is_once {
                load(plan.seconds)?; // warm
            }
            let before = server.process.cpu()?;
            let outcome = load(if is_once { 1 } else { plan.seconds })?;
            (server.process.cpu()? - before, outcome)
        }
    };
    server.process.is_alive()?;
    Ok(outcome.with(cpu, server.idle, server.process.memory()?))
}

fn flows(server: &Running, seconds: u64) -> anyhow::Result<(f64, Outcome)> {
    let before = server.process.cpu()?;
    let mut flows = flow::many(&server.site, CONNECTIONS, seconds)?;
    let cpu = server.process.cpu()? - before;
    for token in &flows.tokens {
        proof::check_token(token, &server.site, "app")?;
    }
    flows.micros.sort_by(f64::total_cmp);
    let count = flows.micros.len();
    let at = |part: usize| flows.micros.get(count * part / 100).copied().unwrap_or_default();
    let (p50, p99) = (at(50), at(99));
    Ok((cpu, Outcome { requests: count as f64, seconds: flows.seconds, p50, p99 }))
}
