//! Starts the authorization server, or changes its people, keys and clients.

use std::process::ExitCode;

use mcp_auth_server::program::Program;

fn main() -> ExitCode {
    common::settings::main(Program::run)
}
