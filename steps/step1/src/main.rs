//! Starts step 1.

use std::process::ExitCode;

use step1::{Settings, app, server};

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let app = app(&settings, &bound.url)?;
        println!("{}", bound.url);
        server::serve(bound, app).await
    })
}
