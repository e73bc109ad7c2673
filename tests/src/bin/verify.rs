//! Does a server keep its contracts? Asks over HTTP, on any system.

use std::process::ExitCode;

use clap::Parser;
use workshop_tests::{
    Target, Token,
    issuer::Issuer,
    judge::{self, Line, Question},
    steps,
};

/// Asks a server for the contracts 1 to N: a line per promise, exit status 1 if one is broken.
///
/// Without --url it starts step N itself, on a free port. A promise that needs what is not given, such as a
/// plain HTTP URL or keys to sign with, is not asked, and the line says so.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  cargo run -p workshop-tests --bin verify -- 4
  cargo run -p workshop-tests --bin verify -- 4 --only health_says_healthy
  cargo run -p workshop-tests --bin verify -- 6 --url http://localhost:9000/mcp
  cargo run -p workshop-tests --bin verify -- 2 --url https://mcp.example.com/mcp --token \"$MCP_TOKEN\"
  cargo run -p workshop-tests --bin verify -- 8 --list"
)]
struct Settings {
    /// The step: contracts 1 to this one are asked
    #[arg(value_name = "N")]
    step: u8,
    /// The endpoint of a server that runs already; for step 1 the server's URL
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What the server calls its endpoint, if that is another URL: for one behind a proxy
    #[arg(long, value_name = "URL", requires = "url")]
    public_url: Option<String>,
    /// A token with all scopes, for a server with a door
    #[arg(long, env = "MCP_TOKEN", hide_env_values = true, value_name = "TOKEN", requires = "url")]
    token: Option<String>,
    /// Folder of the keys that the server trusts, to sign tokens with [default: .workshop, for step 9 .workshop/login, for a server on this machine]
    #[arg(long, env = "MCP_KEYS_DIR", value_name = "DIR")]
    keys_dir: Option<std::path::PathBuf>,
    /// Ask this promise alone; may be given again
    #[arg(long, value_name = "PROMISE")]
    only: Vec<String>,
    /// Leave this promise out; may be given again
    #[arg(long, value_name = "PROMISE")]
    skip: Vec<String>,
    /// Show what would be asked, with the requirements that each promise proves
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Settings::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("verify: {error}");
            ExitCode::from(2)
        }
    }
}

#[tokio::main]
async fn run(settings: &Settings) -> Result<bool, String> {
    let questions = chosen(settings)?;
    if settings.list {
        for question in &questions {
            println!("{question}");
        }
        return Ok(true);
    }
    let target = match &settings.url {
        Some(url) => named(settings, url).await?,
        // times that are short enough to wait for; the task ends with the program
        None if settings.step < 2 => steps::listening(settings.step, &[]).await?.0,
        None => {
            steps::listening(settings.step, &["--header-timeout", "2", "--body-timeout", "2"])
                .await?
                .0
        }
    };
    let asked = if settings.step == 1 { target.public_url() } else { target.resource() };
    println!("asking {asked} for contracts 1 to {}", settings.step);
    let (mut kept, mut broken, mut unasked) = (0, Vec::new(), 0);
    for question in questions {
        let line = judge::ask(&target, question).await;
        match &line {
            Line { answer: judge::Outcome::Kept, .. } => kept += 1,
            Line { answer: judge::Outcome::Broken(_), question } => broken.push(*question),
            Line { answer: judge::Outcome::NotAsked(_), .. } => unasked += 1,
        }
        println!("{line}");
    }
    println!();
    for question in &broken {
        println!("broken: {question}"); // its line is far above, and says what came, not what was promised
    }
    println!("{kept} kept, {} broken, {unasked} not asked", broken.len());
    if kept == 0 && broken.is_empty() {
        return Err("nothing was asked, so nothing is known".into());
    }
    Ok(broken.is_empty())
}

/// The promises to ask.
fn chosen(settings: &Settings) -> Result<Vec<Question>, String> {
    if settings.step == 0 || settings.step > steps::LAST {
        return Err(format!(
            "there is no contract {}; they are 1 to {}",
            settings.step,
            steps::LAST
        ));
    }
    let all = judge::questions(settings.step);
    for name in settings.only.iter().chain(&settings.skip) {
        if !all.iter().any(|question| question.promise().name == name) {
            return Err(format!(
                "contracts 1 to {} have no promise {name}; --list shows all",
                settings.step
            ));
        }
    }
    let wanted = |question: &Question| {
        let is = |name: &String| name == question.promise().name;
        (settings.only.is_empty() || settings.only.iter().any(is)) && !settings.skip.iter().any(is)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// A server that runs already.
async fn named(settings: &Settings, url: &str) -> Result<Target, String> {
    let mut target = Target::url(url, settings.step)?;
    if let Some(public) = &settings.public_url {
        target = target.known_as(public)?;
    }
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&target.host().as_str());
    let own = mcp_auth::settings::Keys { keys_dir: settings.keys_dir.clone() };
    if settings.step >= steps::KEYS && (is_here || settings.keys_dir.is_some()) {
        let (dir, issuer) = match settings.step {
            steps::PROVIDER.. => {
                let dir = settings.keys_dir.clone();
                (dir.unwrap_or_else(|| own.dir().join("login")), other(&target).await?)
            }
            _ => (own.dir(), target.public_url()),
        };
        match Issuer::of(dir, &issuer, &target.resource()) {
            Ok(issuer) => target = target.with_issuer(issuer),
            Err(error) if settings.keys_dir.is_some() => return Err(error),
            Err(error) => eprintln!("verify: no tokens of our own: {error}"),
        }
    }
    if settings.step >= steps::DOOR {
        let own = target.issuer().map(|issuer| issuer.token(&serde_json::json!({})));
        let caller = settings.token.clone().map(Ok).or(own).transpose()?;
        if caller.is_none() {
            return Err("this server has a door: give a token with all scopes (--token), or the keys it trusts (--keys-dir)".into());
        }
        target = target.with_caller(caller.map(Token));
    }
    Ok(target)
}

/// The issuer whose tokens the server takes, as it says itself.
async fn other(target: &Target) -> Result<String, String> {
    let answer = target.get("/.well-known/oauth-protected-resource").anonymous().send().await?;
    let metadata = answer.is(200)?.json()?;
    let issuer = metadata["authorization_servers"][0].as_str().map(str::to_owned);
    issuer.ok_or_else(|| answer.unlike("an issuer in authorization_servers"))
}
