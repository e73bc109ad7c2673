//! Is the token for the server that it is about to be shown to, and for no other?

use reqwest::Url;

use super::{revocation, store::Login, web::Web};
use crate::{
    call::{peek::audiences, show::quoted},
    exit::Failure,
    output,
};

/// Whether this server may be shown the token. An issuer that passes over `resource` (RFC 8707) gives one for whomever the
/// scope stands for, so a hostile server that names the scope of another one could use it there, and one that names its own
/// scope beside that would have a token for both (C7). A token that names another URL is given back and refused, unless the
/// person says that this is right.
pub async fn check(web: &Web, login: &Login) -> Result<(), Failure> {
    let Some(failure) = refusal(login) else { return Ok(()) };
    let back = match revocation::revoke(web, login).await {
        Ok(()) => "  it was given back".to_owned(),
        Err(why) => format!("  {why}"),
    };
    Err(failure.and(&back))
}

fn refusal(login: &Login) -> Option<Failure> {
    let told = audiences(&login.tokens.access).unwrap_or_default();
    let others: Vec<_> = others(login, &told).filter(|other| is_url(other)).collect();
    if others.is_empty() {
        return None;
    }
    let what = if told.contains(&login.resource) {
        format!("{} too", output::line(&others.join(", ")))
    } else {
        not_for(login, &told)
    };
    let known = login.audience.as_deref().unwrap_or_default().split_whitespace();
    let all: Vec<_> = known.chain(others).collect();
    Some(Failure::usage(format!(
        "the token says that it is for {what}: who gets it could use it there, so it is not kept. If it is your server, \
         make both the same URL; if you trust this server with tokens for that one, say so with --audience {}",
        quoted(&output::line(&all.join(" ")))
    )))
}

/// Tells of other words in a token's audience: nobody here can say what they stand for.
pub fn tell(login: &Login) {
    let told = audiences(&login.tokens.access).unwrap_or_default();
    let others: Vec<_> = others(login, &told).filter(|other| !is_url(other)).collect();
    if others.is_empty() {
        return;
    }
    let whom = if told.contains(&login.resource) {
        format!("{} too", output::line(&others.join(", ")))
    } else {
        not_for(login, &told)
    };
    output::note(&format!(
        "careful: the token says that it is for {whom}: who gets it could use it there. Do you trust that server? \
         `mcp-auth logout` gives the token back"
    ));
}

/// Whom it is for beside this server and those that the person has named. The issuer is none of them beside the server: some
/// issuers name themselves there, so that who has the token can ask about the person. A token for the issuer alone is one for
/// whatever else can be asked of it, such as its administration.
fn others<'a>(login: &'a Login, told: &'a [String]) -> impl Iterator<Item = &'a str> {
    let issuer = login.issuer.trim_end_matches('/');
    let known = login.audience.as_deref().unwrap_or_default();
    let is_for_server = told.contains(&login.resource);
    let is_known = move |one: &str| {
        let its_own = one.strip_prefix(issuer).filter(|_| is_for_server);
        one == login.resource
            || known.split_whitespace().any(|known| known == one)
            || its_own.is_some_and(|rest| matches!(rest, "" | "/" | "/userinfo"))
    };
    told.iter().map(String::as_str).filter(move |one| !is_known(one))
}

/// Of whatever scheme: some issuers name programming interfaces `api://…`.
fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok()
}

fn not_for(login: &Login, told: &[String]) -> String {
    format!("{}, and not for {}", output::line(&told.join(", ")), output::line(&login.resource))
}
