//! How is the program called? It serves, or it changes who may log in and which key signs.

use std::{ffi::OsString, fmt::Write as _, io::Write as _, path::PathBuf, time::Duration};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind,
    parser::ValueSource,
};
use common::{PublicUrl, server};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use toml::{Table, Value};
use tracing::info;

use crate::{
    admin, client,
    config::{self, Rights},
    registry,
    settings::{DEMO, Service, Settings, app},
};

/// The flags as they stand, without the file.
#[derive(Debug, Parser)]
#[command(
    name = "authorization",
    version,
    about = "An OAuth 2.1 authorization server for MCP, for development and small teams",
    after_help = "Without a command it serves. A flag wins over its variable, that over --config FILE, and the file over the default.",
    disable_help_subcommand = true
)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Who may log in
    User {
        #[command(subcommand)]
        action: admin::User,
    },
    /// Which key signs; a running server notices
    Keys {
        #[command(subcommand)]
        action: admin::Keys,
    },
    /// Which clients have registered themselves
    Clients {
        #[command(subcommand)]
        action: registry::Clients,
    },
}

/// The program with all that was said to it.
#[derive(Debug)]
pub struct Program {
    flags: Flags,
    shown: String,
}

impl CommandFactory for Program {
    fn command() -> clap::Command {
        Flags::command()
    }

    fn command_for_update() -> clap::Command {
        Flags::command()
    }
}

impl FromArgMatches for Program {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { flags: Flags::from_arg_matches(matches)?, shown: shown(matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.flags.update_from_arg_matches(matches)
    }
}

impl Parser for Program {
    fn try_parse() -> Result<Self, clap::Error> {
        Self::try_parse_from(std::env::args_os())
    }

    fn try_parse_from<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let fail = |why: String| clap::Error::raw(ErrorKind::ValueValidation, why);
        let (settings, rights) = match file(&arguments) {
            Some(path) => config::read(&path).map_err(fail)?,
            None => (Table::new(), Rights::default()),
        };
        let command = config::defaults(Self::command(), settings).map_err(fail)?;
        let matches = command.try_get_matches_from(arguments)?;
        let mut program = Self::from_arg_matches(&matches)?;
        program.flags.settings.rights = rights;
        Ok(program)
    }
}

/// The file of settings, which has to be known before the rest can be read.
fn file(arguments: &[OsString]) -> Option<PathBuf> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    std::env::var_os("AUTHORIZATION_CONFIG").map(PathBuf::from)
}

/// A setting as one writes it into a file.
fn value(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) => Value::Integer(number),
        (_, Ok(is)) => Value::Boolean(is),
        _ => Value::String(text.to_owned()),
    }
}

/// The settings that count, as a file of settings, and where each is from.
fn shown(matches: &ArgMatches) -> String {
    let mut shown = String::new();
    let mut command = Flags::command();
    command.build(); // now each flag knows its default
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let (Some(name), Ok(Some(values))) = (arg.get_long(), matches.try_get_raw(id)) else {
            continue;
        };
        if ["config", "print-config"].contains(&name) {
            continue;
        }
        let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
        let usual = arg.get_default_values().iter().map(|value| value.to_string_lossy());
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ if usual.eq(values.iter().map(String::as_str)) => "default",
            _ => "file",
        };
        let value = match &values[..] {
            [one] => value(one),
            all => Value::Array(all.iter().map(|one| value(one)).collect()),
        };
        let _ = writeln!(shown, "{name} = {value}  # {from}");
    }
    shown
}

impl Program {
    /// Does what was asked for.
    ///
    /// # Errors
    /// One sentence.
    pub async fn run(self) -> anyhow::Result<()> {
        let Flags { settings, action } = self.flags;
        match action {
            Some(Action::User { action }) => return action.run(&settings),
            Some(Action::Keys { action }) => return action.run(&settings),
            Some(Action::Clients { action }) => return action.run(&settings).await,
            None => {}
        }
        if settings.service.print_config {
            say(&format!("{}{}", self.shown, rest(&settings)?));
            return Ok(());
        }
        let metrics = settings.service.metrics.map(|_| PrometheusBuilder::new().install_recorder());
        let metrics = metrics.transpose()?;
        let bound = server::bind(&settings.listen).await?;
        let (router, server) = app(&settings, &bound.url).await?;
        tokio::spawn(server.housekeeping());
        if let (Some(address), Some(handle)) = (settings.service.metrics, metrics) {
            tokio::spawn(publish(tokio::net::TcpListener::bind(address).await?, handle));
            info!("metrics are at http://{address}/metrics");
        }
        say(&greeting(&bound.url, &settings.service));
        server::serve(bound, router, &settings.connections).await?;
        server.close().await;
        Ok(())
    }
}

/// The name of the server, alone in its line; in development, what somebody wants to know who has just started it.
fn greeting(url: &PublicUrl, service: &Service) -> String {
    let mut text = format!("{url}\n");
    if !url.is_development() {
        return text;
    }
    if service.people.is_none() {
        let names = DEMO.map(|(name, password, _)| format!("{name} / {password}"));
        let _ = writeln!(text, "\nfor development: everybody can log in as {}", names.join(", "));
    }
    let _ = writeln!(
        text,
        "\ntry:\n  curl {url}/.well-known/oauth-authorization-server\n  \
         curl {url}/register -H 'content-type: application/json' -d '{{\"client_name\": \"My first client\", \
         \"redirect_uris\": [\"http://localhost/callback\"], \"token_endpoint_auth_method\": \"none\", \
         \"grant_types\": [\"authorization_code\", \"refresh_token\"]}}'"
    );
    text
}

/// Writes it on the terminal. Whoever started us need not read it: a closed end is no reason to panic.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

async fn publish(listener: tokio::net::TcpListener, handle: PrometheusHandle) {
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep(); // or what nobody asks for would grow
        }
    });
    let page = async move || handle.render();
    let router = axum::Router::new().route("/metrics", axum::routing::get(page));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!("metrics: {error}");
    }
}

/// What is no flag: scopes, roles, clients without their secrets, people without their passwords.
fn rest(settings: &Settings) -> anyhow::Result<String> {
    let Rights { scopes, roles } = &settings.rights;
    let mut tables = Table::new();
    tables.insert("scopes".into(), Value::try_from(scopes)?);
    tables.insert("roles".into(), Value::try_from(roles)?);
    let mut shown = format!("\n{tables}");
    if let Some(file) = &settings.service.clients {
        let mut clients: Vec<_> = client::file::read(file)?.into_values().collect();
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        let _ = writeln!(shown, "\n# clients of {}", file.display());
        for client in clients {
            let proof = match client.proof {
                client::Proof::Public => "none",
                client::Proof::Secret(_) => "a secret: ********",
                client::Proof::Keys(_) => "keys",
            };
            let _ =
                writeln!(shown, "#   {}, proof {proof}, {}", client.id, client.redirects.join(" "));
        }
    }
    if let Some(file) = &settings.service.people {
        let _ =
            writeln!(shown, "\n# people of {}\n{}", file.display(), admin::listed(file, "#   ")?);
    }
    Ok(shown)
}
