//! Where are the steps of the workshop? Each one's router in this process, or listening on a free port.

use axum::Router;
use clap::{CommandFactory, FromArgMatches, builder::Resettable};
use common::{PublicUrl, server};
use tokio::task::JoinHandle;

use crate::{Target, Token, issuer::Issuer};

/// The last step that there is.
pub const LAST: u8 = 8;

/// The first step with keys.
pub const KEYS: u8 = 5;

/// The first step with a door.
pub const DOOR: u8 = 6;

/// Runs `$first!(step1)` for the first step, `$then!(stepN)` for another.
macro_rules! by_number {
    ($step:expr, $first:ident, $then:ident) => {
        match $step {
            1 => $first!(step1),
            2 => $then!(step2),
            3 => $then!(step3),
            4 => $then!(step4),
            5 => $then!(step5),
            6 => $then!(step6),
            7 => $then!(step7),
            8 => $then!(step8),
            other => return Err(format!("there is no step {other}; the steps are 1 to {LAST}")),
        }
    };
}

/// The router of a step with these flags, as if it listened at `url`. Environment variables count for nothing,
/// so that a test does not depend on whose machine it runs.
///
/// # Errors
/// A sentence: there is no such step, or it does not start with these settings.
pub fn app(step: u8, url: &PublicUrl, flags: &[&str]) -> Result<Router, String> {
    macro_rules! app {
        ($step:ident) => {
            $step::app(&settings::<$step::Settings>(flags)?, url)
        };
    }
    by_number!(step, app, app).map_err(|error| format!("step {step} does not start: {error:#}"))
}

/// A step on its default port, in this process, as a target for its contracts.
///
/// # Errors
/// As [`app`].
pub fn target(step: u8, flags: &[&str]) -> Result<Target, String> {
    target_at(step, PublicUrl::localhost(9000), flags)
}

/// A step with this public URL, in this process. It has keys of its own, and if it has a door, a caller with all
/// scopes.
///
/// # Errors
/// As [`app`].
pub fn target_at(step: u8, url: PublicUrl, flags: &[&str]) -> Result<Target, String> {
    let url = url.on_loopback(9000);
    let issuer = Issuer::new(&url.to_string(), &url.endpoint())?;
    let flags = with_keys(step, &issuer, flags);
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let target = Target::app(app(step, &url, &flags)?, &url.endpoint(), step)?;
    entitled(target, issuer)
}

/// A step that listens on a free port of this machine until the task is ended.
///
/// # Errors
/// As [`app`], and when there is no port.
pub async fn listening(step: u8, flags: &[&str]) -> Result<(Target, JoinHandle<()>), String> {
    let folder = Issuer::new("not known yet", "not known yet")?;
    let mut flags = with_keys(step, &folder, flags);
    flags.extend(["--port", "0"].map(str::to_owned));
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let text = |error: anyhow::Error| format!("step {step} does not start: {error:#}");
    macro_rules! listening {
        ($step:ident) => {{
            let settings = settings::<$step::Settings>(&flags)?;
            let bound = server::bind(&settings.listen).await.map_err(text)?;
            let (url, app) = (bound.url.clone(), $step::app(&settings, &bound.url).map_err(text)?);
            let limits = settings.connections.clone();
            let until = std::future::pending::<()>();
            (
                url,
                tokio::spawn(async move { server::serve_until(until, bound, app, &limits).await }),
            )
        }};
    }
    macro_rules! first {
        ($step:ident) => {{
            let settings = settings::<$step::Settings>(&flags)?;
            let bound = $step::server::bind(&settings.listen).await.map_err(text)?;
            let (url, app) = (bound.url.clone(), $step::app(&settings, &bound.url).map_err(text)?);
            let serving = async move { drop($step::server::serve(bound, app).await) };
            (url, tokio::spawn(serving))
        }};
    }
    let (url, task) = by_number!(step, first, listening);
    let target = Target::url(&url.endpoint(), step)?;
    let issuer = folder.named(&url.to_string(), &url.endpoint());
    Ok((entitled(target, issuer)?, task))
}

fn with_keys(step: u8, issuer: &Issuer, flags: &[&str]) -> Vec<String> {
    let dir = issuer.files().dir().display().to_string();
    let keys = ["--keys-dir".to_owned(), dir];
    let own = if step < KEYS { &keys[..0] } else { &keys };
    flags.iter().map(|flag| (*flag).to_owned()).chain(own.iter().cloned()).collect()
}

fn entitled(target: Target, issuer: Issuer) -> Result<Target, String> {
    let caller = match target.step {
        DOOR.. => Some(Token(issuer.token(&serde_json::json!({}))?)),
        _ => None,
    };
    Ok(target.with_caller(caller).with_issuer(issuer))
}

/// Parses flags without looking at the environment.
///
/// # Errors
/// What clap says.
pub fn settings<S: CommandFactory + FromArgMatches>(flags: &[&str]) -> Result<S, String> {
    let command = S::command().mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command
        .try_get_matches_from([&["step"], flags].concat())
        .map_err(|error| error.to_string())?;
    S::from_arg_matches(&matches).map_err(|error| error.to_string())
}
