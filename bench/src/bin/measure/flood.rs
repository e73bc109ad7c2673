//! How long do callers with a known token wait while somebody sends bad signatures as fast as he can?

use bench::figure::Figure;

use crate::{
    load::{Load, Tokens},
    rounds::{Plan, Setup},
};

/// Callers, each with a connection of his own.
pub const CALLERS: usize = 32;
/// Connections of the flood.
pub const FLOOD: usize = 128;

/// What the callers saw.
pub struct Flood {
    /// The 99th percentile of their waiting time without the flood, in microseconds.
    pub quiet: Figure,
    /// And with it.
    pub flooded: Figure,
    /// The second by the first, in each round.
    pub ratio: Figure,
    /// Bad tokens refused a second.
    pub refused: Figure,
}

/// Quiet, flooded, quiet, flooded.
pub fn measure(setup: &Setup, plan: Plan) -> anyhow::Result<Flood> {
    let callers = Load::new(Tokens::Good(1000), CALLERS, plan.seconds);
    // it begins before they do, and ends after them
    let flood = Load::new(Tokens::BadSignature, FLOOD, plan.seconds + 2);
    let (mut quiet, mut flooded, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let server = setup.server("axum-layer")?;
        quiet.push(callers.begin(&server, &setup.folder)?.end()?.p99);
        let mut flooding = flood.begin(&server, &setup.folder)?;
        server.until_busy()?;
        flooded.push(callers.begin(&server, &setup.folder)?.end()?.p99);
        flooding.still()?;
        let outcome = flooding.end()?;
        refused.push(outcome.requests / outcome.seconds);
    }
    let ratio = flooded.iter().zip(&quiet).map(|(flooded, quiet)| flooded / quiet);
    Ok(Flood {
        ratio: Figure::of(ratio),
        quiet: Figure::of(quiet),
        flooded: Figure::of(flooded),
        refused: Figure::of(refused),
    })
}
