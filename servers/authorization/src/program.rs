//! How is the program called? It serves, or it changes who may log in and which key signs.

use std::{
    ffi::OsString,
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, error};
use common::{PublicUrl, server};
use toml::Table;
use tracing::warn;

use crate::{
    admin,
    app::app,
    config::{self, Rights},
    demo::DEMO,
    prometheus,
    settings::{Service, Settings},
    shown,
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
    #[command(arg_required_else_help = false)]
    User {
        #[command(subcommand)]
        action: admin::User,
    },
    /// Which key signs; a running server notices
    #[command(arg_required_else_help = false)]
    Keys {
        #[command(subcommand)]
        action: admin::Keys,
    },
    /// Which clients have registered themselves
    #[command(arg_required_else_help = false)]
    Clients {
        #[command(subcommand)]
        action: admin::Clients,
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
        let flags = Flags::from_arg_matches(matches)?;
        let shown = shown::settings::<Flags>(matches, &flags.settings);
        Ok(Self { flags, shown })
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
        let fail = |why: String| clap::Error::raw(error::ErrorKind::ValueValidation, why);
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
            return say(&format!("{}{}", self.shown, shown::rest(&settings)?));
        }
        let bound = server::bind(&settings.listen).await?;
        let metrics = match settings.service.metrics {
            Some(address) => Some(prometheus::bind(address).await?),
            None => None,
        };
        let (router, server) = app(&settings, &bound.url).await?;
        tokio::spawn(server.housekeeping());
        if let Some((listener, handle)) = metrics {
            tokio::spawn(prometheus::publish(listener, handle));
        }
        if let Err(error) = say(&greeting(&bound.url, &settings.service)) {
            warn!("{error:#}"); // whoever started us need not read it
        }
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

/// Writes it on standard output. Who reads may go when he has enough; a disk that is full is told.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}
