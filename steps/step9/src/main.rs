//! Starts step 9.

use std::process::ExitCode;

use common::server;
use step9::{Settings, app, login};

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let issuer = login::named_or_embedded(&settings, &bound.url).await?;
        let app = app(&settings, &bound.url, &issuer).await?;
        print!("{}", login::invitation(&settings, &bound.url, &issuer));
        server::serve(bound, app, &settings.connections).await
    })
}
