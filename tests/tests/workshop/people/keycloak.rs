//! What only a real identity provider can show. `WORKSHOP_KEYCLOAK` is the name of its realm, such as
//! `http://localhost:8080/realms/mcp-realm`, and `WORKSHOP_AUDIENCE` whom its tokens are for.

use workshop_tests::browser::Login;

use super::{ALL, World};
use crate::running::Server;

fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; scripts/check_all.sh --only keycloak sets it")
    })
}

impl World {
    /// With the people of a Keycloak that runs.
    pub(super) async fn keycloak() -> Self {
        let (issuer, resource) = (told("WORKSHOP_KEYCLOAK"), told("WORKSHOP_AUDIENCE"));
        let server = Server::start(
            9,
            &["--issuer", &issuer, "--audience", &resource, "--roles", "/realm_access/roles"],
        );
        let login = Login::at(&issuer, &ALL.join(" ")).await.unwrap();
        Self { server, login, resource }
    }
}
