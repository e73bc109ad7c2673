//! Starts the authorization server.

use std::process::ExitCode;

use common::server;
use mcp_auth_server::settings::{Settings, app};

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let app = app(&settings, &bound.url).await?;
        println!("{}", bound.url);
        server::serve(bound, app, &settings.connections).await
    })
}
