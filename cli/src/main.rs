//! The command `mcp-auth`: which subcommand is meant, and how did it end?

mod call;
mod dotenv;
mod exit;
mod folder;
mod input;
mod inspect;
mod keys;
mod login;
mod logout;
mod output;
mod times;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use exit::Failure;

/// Calls MCP servers over HTTP, logs in at them, makes tokens and keys, and says what is wrong with them
#[derive(Parser)]
#[command(
    name = "mcp-auth",
    version,
    after_help = format!("{EXAMPLES}\n\n{}", exit::HELP),
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Call(Box<call::Args>),
    Login(Box<login::Args>),
    Logout(logout::Args),
    Token(Box<token::Args>),
    Keys(keys::Args),
    Inspect(inspect::Args),
    /// Prints completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const EXAMPLES: &str = "\
Examples:
  mcp-auth keys generate
  mcp-auth token alice
  mcp-auth call http://localhost:9000/mcp tools list
  mcp-auth login http://localhost:9000/mcp
  mcp-auth inspect \"$MCP_TOKEN\"

In the folder of the workshop, where nothing is installed: cargo run --bin mcp-auth -- token alice";

const COMPLETIONS: &str = "\
Examples:
  mcp-auth completions bash > ~/.local/share/bash-completion/completions/mcp-auth
  mcp-auth completions zsh > ~/.zfunc/_mcp-auth
  mcp-auth completions fish > ~/.config/fish/completions/mcp-auth.fish
  mcp-auth completions powershell >> $PROFILE";

fn main() -> ExitCode {
    login::browser::remember();
    // before the arguments are read: `.env` has their defaults
    let loaded = dotenv::load();
    let cli = Cli::parse();
    let json = match &cli.command {
        Command::Call(args) => args.json(),
        Command::Login(args) => args.json(),
        Command::Logout(args) => args.json(),
        Command::Token(args) => args.json(),
        Command::Keys(args) => args.json(),
        Command::Inspect(args) => args.json(),
        Command::Completions { .. } => false,
    };
    match loaded.and_then(|()| run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Call(args) => call::run(*args),
        Command::Login(args) => login::run(&args),
        Command::Logout(args) => logout::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mcp-auth", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_group =
                command.get_subcommands().next().is_some() && command.get_name() != "mcp-auth";
            assert!(is_group || help.contains("Example"), "{} has none", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
