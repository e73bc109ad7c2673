//! Starts step 9.

use std::process::ExitCode;

use common::server;
use step9::{Settings, app, login};

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let issuer = match &settings.issuer.issuer {
            Some(issuer) => issuer.clone(),
            None => login::start(&settings, &bound.url).await?,
        };
        let app = app(&settings, &bound.url, &issuer).await?;
        println!("{}", bound.url.endpoint());
        server::serve(bound, app, &settings.connections).await
    })
}
