//! Starts step 6.

use std::process::ExitCode;

use common::server;
use step6::{Settings, app};

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let app = app(&settings, &bound.url)?;
        println!("{}", bound.url.endpoint());
        server::serve(bound, app, &settings.connections).await
    })
}
