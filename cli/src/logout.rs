//! How does a login end? `mcp-auth logout`: the tokens are given back to their issuer (RFC 7009), and forgotten.

use serde_json::json;

use crate::{
    call::target::Target,
    exit::Failure,
    login::{
        Folder, revocation, stoppable,
        store::{Login, Store},
        trace::Trace,
        web::Web,
    },
    output,
};

/// Gives tokens back to their issuer, and forgets them
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// URL of the MCP endpoint that you have logged in at
    #[arg(required_unless_present = "all", value_parser = Target::endpoint)]
    url: Option<Target>,
    /// End all logins, and forget as which client this command has registered at each issuer
    #[arg(long, conflicts_with = "url")]
    all: bool,
    #[command(flatten)]
    folder: Folder,
    /// Draw each exchange as it happens: who asks whom, what and why, secrets masked
    #[arg(long)]
    trace: bool,
    /// Print JSON, for scripts
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Examples:
  mcp-auth logout http://localhost:9000/mcp
  mcp-auth logout --all

What the issuer cannot be told is forgotten here all the same; then the token is good until it ends by itself.

Exit status: 0 forgotten, and given back where that is possible; 1 there is no such login; 2 the command line is wrong.";

impl Args {
    /// Is the reader a program?
    pub fn json(&self) -> bool {
        self.json
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let store = args.folder.store()?;
    let logins = match &args.url {
        Some(target) => match store.login(target)? {
            Some(login) => vec![login],
            None => return Err(unknown(&store, target)?),
        },
        None => store.logins()?,
    };
    let web = Web { time: revocation::TIME, trace: Trace::new(args.trace) };
    let ended = stoppable(async {
        web.trace.begin();
        let mut ended = Vec::new();
        for login in logins {
            ended.push(end(&web, &store, login).await?);
        }
        Ok(ended)
    })?;
    let clients = if args.all { store.forget_clients()? } else { 0 };
    if args.json {
        let one = |(login, back): &(Login, Result<(), String>)| {
            let (revoked, why) = (back.is_ok(), back.as_ref().err());
            json!({"url": login.url, "issuer": login.issuer, "revoked": revoked, "why": why})
        };
        let all: Vec<_> = ended.iter().map(one).collect();
        return output::print(&output::json(&json!({"ended": all, "clients": clients})));
    }
    let mut text = String::new();
    for (login, back) in &ended {
        let back = match back {
            Ok(()) => format!("given back to {}", output::line(&login.issuer)),
            Err(why) => why.clone(),
        };
        text.push_str(&format!("forgotten: the login at {} ({back})\n", output::line(&login.url)));
    }
    if clients > 0 {
        text.push_str(&format!("forgotten: as whom this command has registered, at {clients}\n"));
    }
    if text.is_empty() {
        output::note("there is no login");
    }
    output::print(&text)
}

/// Gives back and forgets; what came of the first.
async fn end(
    web: &Web,
    store: &Store,
    login: Login,
) -> Result<(Login, Result<(), String>), Failure> {
    let turn = store.turn(&login.url).await?;
    // another command may have renewed it since, and its tokens are those that count
    let target = login.url.parse::<Target>().map_err(Failure::other)?;
    let login = store.login(&target)?.unwrap_or(login);
    let back = revocation::revoke(web, &login).await;
    store.forget(&turn, &login.url)?;
    Ok((login, back))
}

fn unknown(store: &Store, target: &Target) -> Result<Failure, Failure> {
    let others: Vec<_> = store.logins()?.iter().map(|login| output::line(&login.url)).collect();
    let others = match &others[..] {
        [] => "there is none anywhere".to_owned(),
        others => format!("you are logged in at {}", others.join(", ")),
    };
    Ok(Failure::other(format!("there is no login at {}: {others}", target.shown())))
}
