//! Is the token for the server that it is about to be shown to, and for no other?

use reqwest::Url;

use super::{revocation, store::Login, web::Web};
use crate::{
    call::{peek::audiences, show::quoted},
    exit::Failure,
    output,
};

/// What Keycloak's interface for one's own account calls itself. A token of a client as its console makes it is for that too.
const ACCOUNT: &str = "account";

/// Whether this server may be shown the token. An issuer that passes over `resource` (RFC 8707) gives one for whomever the
/// scope stands for, so a hostile server that names the scope of another one could use it there, and one that names its own
/// scope beside that would have a token for both (C7). A token that names another URL, or that does not name this server at
/// all, is given back and refused, unless the person says that this is right.
pub async fn check(web: &Web, login: &Login) -> Result<(), Failure> {
    let Some(failure) = refusal(login) else { return Ok(()) };
    let back = match revocation::revoke(web, login).await {
        Ok(()) => "  it was given back".to_owned(),
        Err(why) => format!("  {why}"),
    };
    Err(failure.and(&back))
}

fn refusal(login: &Login) -> Option<Failure> {
    let audience = Audience::of(login);
    // another word beside this server's name is mostly another name of it
    let counts = |other: &&str| !audience.is_for_server() || Url::parse(other).is_ok();
    let others: Vec<_> = audience.others().filter(counts).collect();
    if others.is_empty() {
        return None;
    }
    let what = if audience.is_for_server() {
        format!("{} too", output::line(&others.join(", ")))
    } else {
        let server = output::line(&login.resource);
        format!("{}, and not for {server}", output::line(&audience.told.join(", ")))
    };
    let all: Vec<_> = audience.named.iter().copied().chain(others).collect();
    Some(Failure::usage(format!(
        "the token says that it is for {what}: who gets it could use it there, so it is not kept. If it is your server, \
         make both the same URL; if you trust this server with tokens for that one, say so with --audience {}",
        quoted(&output::line(&all.join(" ")))
    )))
}

/// Tells of a token with which the server could change the person's own account.
pub fn tell(login: &Login) {
    if Audience::of(login).others().any(|other| other == ACCOUNT) {
        output::note(&format!(
            "careful: the token is for {ACCOUNT} too, as Keycloak calls the settings of your own account: {} could change \
             them with it. Do you trust that server? `mcp-auth logout` gives the token back; whoever runs the issuer \
             turns off the client's full scope",
            output::line(&login.resource)
        ));
    }
}

/// Whom a token says that it is for.
struct Audience<'a> {
    login: &'a Login,
    told: Vec<String>,
    /// Those that the person has named.
    named: Vec<&'a str>,
}

impl<'a> Audience<'a> {
    fn of(login: &'a Login) -> Self {
        let named = login.audience.as_deref().unwrap_or_default().split_whitespace().collect();
        Self { login, told: audiences(&login.tokens.access).unwrap_or_default(), named }
    }

    fn is_known(&self, one: &str) -> bool {
        one == self.login.resource || self.named.contains(&one)
    }

    /// Is it for this server, among others?
    fn is_for_server(&self) -> bool {
        self.told.iter().any(|one| self.is_known(one))
    }

    /// Whom it is for beside that. The issuer is none of them beside the server: some issuers name themselves there, so that
    /// who has the token can ask about the person. A token for the issuer alone is one for whatever else can be asked of it,
    /// such as its administration.
    fn others(&self) -> impl Iterator<Item = &str> {
        let issuer = self.login.issuer.trim_end_matches('/');
        let is_issuer = move |one: &str| {
            let rest = one.strip_prefix(issuer).filter(|_| self.is_for_server());
            rest.is_some_and(|rest| matches!(rest, "" | "/" | "/userinfo"))
        };
        let all = self.told.iter().map(String::as_str);
        all.filter(move |one| !self.is_known(one) && !is_issuer(one))
    }
}
