//! Where are the steps of the workshop? Each one's router in this process, or listening on a free port.

use axum::Router;
use clap::{CommandFactory, FromArgMatches, builder::Resettable};
use common::{PublicUrl, server};
use tokio::task::JoinHandle;

use crate::{Target, Token, issuer::Issuer};

/// The last step that there is.
pub const LAST: u8 = 9;

/// The first step with keys.
pub const KEYS: u8 = 5;

/// The first step with a door.
pub const DOOR: u8 = 6;

/// The first step whose tokens somebody else gives out.
pub const PROVIDER: u8 = 9;

/// Runs `$first!(step1)` for the first step, `$last!(step9)` for the last, `$then!(stepN)` for another.
macro_rules! by_number {
    ($step:expr, $first:ident, $then:ident, $last:ident) => {
        match $step {
            1 => $first!(step1),
            2 => $then!(step2),
            3 => $then!(step3),
            4 => $then!(step4),
            5 => $then!(step5),
            6 => $then!(step6),
            7 => $then!(step7),
            8 => $then!(step8),
            9 => $last!(step9),
            other => return Err(format!("there is no step {other}; the steps are 1 to {LAST}")),
        }
    };
}

/// The router of a step with these flags, as if it listened at `url`. Environment variables count for nothing,
/// so that a test does not depend on whose machine it runs. Where somebody else gives out the tokens, a flag names him.
///
/// # Errors
/// A sentence: there is no such step, or it does not start with these settings.
pub async fn app(step: u8, url: &PublicUrl, flags: &[&str]) -> Result<Router, String> {
    macro_rules! app {
        ($step:ident) => {
            $step::app(&settings::<$step::Settings>(flags)?, url)
        };
    }
    macro_rules! last {
        ($step:ident) => {{
            let settings = settings::<$step::Settings>(flags)?;
            $step::app(&settings, url, &named(&settings)?).await
        }};
    }
    by_number!(step, app, app, last)
        .map_err(|error| format!("step {step} does not start: {error:#}"))
}

/// A step on its default port, in this process, as a target for its contracts.
///
/// # Errors
/// As [`app`].
pub async fn target(step: u8, flags: &[&str]) -> Result<Target, String> {
    target_at(step, PublicUrl::localhost(9000), flags).await
}

/// A step with this public URL, in this process. It has keys of its own, and if it has a door, a caller with all
/// scopes.
///
/// # Errors
/// As [`app`].
pub async fn target_at(step: u8, url: PublicUrl, flags: &[&str]) -> Result<Target, String> {
    let url = url.on_loopback(9000);
    let issuer = match step {
        PROVIDER.. => Issuer::served(&url.endpoint()).await?,
        _ => Issuer::new(&url.to_string(), &url.endpoint())?,
    };
    let flags = trusting(step, &issuer, flags);
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let target = Target::app(app(step, &url, &flags).await?, &url.endpoint(), step)?;
    entitled(target, issuer)
}

/// A step that listens on a free port of this machine until the task is ended.
///
/// # Errors
/// As [`app`], and when there is no port.
pub async fn listening(step: u8, flags: &[&str]) -> Result<(Target, JoinHandle<()>), String> {
    let issuer = match step {
        PROVIDER.. => Issuer::served("not known yet").await?,
        _ => Issuer::new("not known yet", "not known yet")?,
    };
    let mut flags = trusting(step, &issuer, flags);
    flags.extend(["--port", "0"].map(str::to_owned));
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let text = |error: anyhow::Error| format!("step {step} does not start: {error:#}");
    macro_rules! serving {
        ($bound:expr, $app:expr, $settings:expr) => {{
            let (bound, app, limits) = ($bound, $app.map_err(text)?, $settings.connections.clone());
            let until = std::future::pending::<()>();
            (
                bound.url.clone(),
                tokio::spawn(async move { server::serve_until(until, bound, app, &limits).await }),
            )
        }};
    }
    macro_rules! listening {
        ($step:ident) => {{
            let settings = settings::<$step::Settings>(&flags)?;
            let bound = server::bind(&settings.listen).await.map_err(text)?;
            let app = $step::app(&settings, &bound.url);
            serving!(bound, app, settings)
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
    macro_rules! last {
        ($step:ident) => {{
            let settings = settings::<$step::Settings>(&flags)?;
            let bound = server::bind(&settings.listen).await.map_err(text)?;
            let app = $step::app(&settings, &bound.url, &named(&settings)?).await;
            serving!(bound, app, settings)
        }};
    }
    let (url, task) = by_number!(step, first, listening, last);
    let target = Target::url(&url.endpoint(), step)?;
    let name = if step < PROVIDER { url.to_string() } else { issuer.name().to_owned() };
    let issuer = issuer.named(&name, &url.endpoint());
    Ok((entitled(target, issuer)?, task))
}

/// Whose tokens the last step takes.
fn named(settings: &step9::Settings) -> Result<String, String> {
    settings.issuer.issuer.clone().ok_or_else(|| "step 9 needs --issuer here".into())
}

/// The flags by which a step trusts this issuer, after these.
fn trusting(step: u8, issuer: &Issuer, flags: &[&str]) -> Vec<String> {
    let own = match step {
        PROVIDER.. => vec!["--issuer".to_owned(), issuer.name().to_owned()],
        KEYS.. => vec!["--keys-dir".to_owned(), issuer.files().dir().display().to_string()],
        _ => vec![],
    };
    flags.iter().map(|flag| (*flag).to_owned()).chain(own).collect()
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
