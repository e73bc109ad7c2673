//! Where are the steps of the workshop? Each one's router, in this process.

use axum::Router;
use clap::{CommandFactory, FromArgMatches, builder::Resettable};
use common::PublicUrl;

use crate::Target;

/// The last step that there is.
pub const LAST: u8 = 4;

/// A step, ready to be asked.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its router.
    pub router: Router,
    /// The URL of its endpoint.
    pub resource: String,
}

/// The router of a step with these flags, as if it listened at `url`. Environment variables count for nothing,
/// so that a test does not depend on whose machine it runs.
///
/// # Errors
/// A sentence: there is no such step, or it does not start with these settings.
pub fn app(step: u8, url: &PublicUrl, flags: &[&str]) -> Result<Step, String> {
    macro_rules! app {
        ($step:ident) => {
            $step::app(&settings::<$step::Settings>(flags)?, url)
        };
    }
    let router = match step {
        1 => app!(step1),
        2 => app!(step2),
        3 => app!(step3),
        4 => app!(step4),
        _ => return Err(format!("there is no step {step}; the steps are 1 to {LAST}")),
    };
    let router = router.map_err(|error| format!("step {step} does not start: {error:#}"))?;
    Ok(Step { router, resource: url.endpoint() })
}

/// A step on its default port, as a target for its contracts.
///
/// # Errors
/// As [`app`].
pub fn target(step: u8, flags: &[&str]) -> Result<Target, String> {
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let step_app = app(step, &url, flags)?;
    Target::app(step_app.router, &step_app.resource, step)
}

/// Parses flags without looking at the environment.
fn settings<S: CommandFactory + FromArgMatches>(flags: &[&str]) -> Result<S, String> {
    let command = S::command().mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command
        .try_get_matches_from([&["step"], flags].concat())
        .map_err(|error| error.to_string())?;
    S::from_arg_matches(&matches).map_err(|error| error.to_string())
}
