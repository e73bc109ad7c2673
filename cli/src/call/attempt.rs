//! How often is the same tried? Once; and with a login that is kept, once more with a new token when the server refuses the
//! old one, and once more with more scope when it asks for that. Never in a loop: a server could keep us running (C3).

use std::io::IsTerminal as _;

use super::{
    Action, Options, actions, client::Client, headers::HeaderChange, show::quoted, target::Target,
};
use crate::{
    exit::{Failure, Status},
    keys::agrees,
    login::{
        Folder, Page,
        session::{Session, StepUp},
        trace::Trace,
        web::{ANSWER, LOGIN, Web},
    },
    output,
};

/// What is done with the login that `mcp-auth login` has kept.
#[derive(clap::Args)]
#[command(next_help_heading = "Login")]
pub struct LoginOptions {
    /// Log in for more scope without a question, when the server asks for it
    #[arg(long, global = true)]
    yes: bool,
    /// Call without the login that is kept for this URL
    #[arg(long, global = true)]
    no_login: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    folder: Folder,
    /// Draw what is asked of the issuer: who asks whom, what and why, secrets masked
    #[arg(long, global = true)]
    trace: bool,
}

/// The login that is kept for this URL, unless the caller brings credentials of his own, or wants none.
pub fn stored(url: &Target, options: &Options) -> Result<Option<Session>, Failure> {
    let own = options.header.iter().any(HeaderChange::is_authorization);
    if options.login.no_login || own {
        return Ok(None);
    }
    let web = Web { time: options.timeout.min(ANSWER), trace: Trace::new(options.login.trace) };
    let Some(store) = options.login.folder.store_if_any()? else { return Ok(None) };
    Session::find(store, web, url)
}

/// Runs an action with the token that the client has, or with those of a login.
pub async fn run(
    client: &mut Client,
    session: Option<Session>,
    options: &Options,
    action: &Action,
) -> Result<(), Failure> {
    let Some(mut session) = session else { return once(client, options, action).await };
    let url = client.target().shown();
    let about = format!("  (this is about the login kept for {url}; --no-login calls without it)");
    let explained = |failure: Failure| failure.and(&about);
    match session.token().await {
        // a server of a lesson stands where another one stood, whose issuer is gone: it may want no token at all
        Err(failure) if failure.is(Status::Unreachable) && client.target().is_loopback() => {
            let why = failure.message();
            output::note(&format!(
                "the login kept for {url} cannot be renewed, so this goes without it: {why}"
            ));
            return once(client, options, action).await;
        }
        token => client.authorize(token.map_err(explained)?).await?,
    }
    let mut done = once(client, options, action).await;
    if done.as_ref().is_err_and(|failure| failure.is(Status::Refused)) {
        client.authorize(session.another().await.map_err(explained)?).await?;
        done = once(client, options, action).await;
    }
    let Err(failure) = done else { return Ok(()) };
    let Some(lacking) = session.lacks(&failure) else { return Err(failure) };
    let scope = session.union(&lacking);
    if !agreed(options, &lacking, &scope).await {
        let login = format!("mcp-auth login {url}{}", again(&session, &scope));
        return Err(
            failure.and(&format!("  add --yes to log in for it, or do that yourself: {login}"))
        );
    }
    let page = options.login.page.clone();
    client.authorize(session.step_up(scope, StepUp { page, time: LOGIN }).await?).await?;
    // who still lacks it now may not have it: the answer says so, and nobody is asked again
    once(client, options, action).await
}

async fn once(client: &mut Client, options: &Options, action: &Action) -> Result<(), Failure> {
    actions::run(client, options.era, action, options.json).await
}

/// Does the person want to log in for more?
async fn agreed(options: &Options, lacking: &str, scope: &str) -> bool {
    let (lacking, scope) = (output::line(lacking), output::line(scope));
    if options.login.yes {
        output::note(&format!("the server asks for {lacking}: logging in for {scope}"));
        return true;
    }
    if !std::io::stdin().is_terminal() {
        return false;
    }
    output::note(&format!("The server asks for {lacking}. Log in again, for {scope}? [y/N]"));
    // in a thread of its own, so that Ctrl-C is heard
    let answer = tokio::task::spawn_blocking(|| agrees(&mut std::io::stdin().lock())).await;
    matches!(answer, Ok(true))
}

/// What is typed for the same login with this scope. The words come from a server, and people paste such a line into a shell.
fn again(session: &Session, scope: &str) -> String {
    let mut typed = String::new();
    for (flag, value) in [
        ("--scope", Some(scope)),
        ("--issuer", session.named_issuer()),
        ("--audience", session.audience()),
        ("--client-id", session.named_client()),
    ] {
        if let Some(value) = value {
            typed.push_str(&format!(" {flag} {}", quoted(&output::line(value))));
        }
    }
    if session.is_in_own_name() {
        typed.push_str(" --client-credentials");
    }
    typed
}
