//! The issuer and the verifier that the tests share.

use std::sync::LazyLock;

use mcp_auth::{Clock, jwt::Verifier, testing::Issuer};

pub const NAME: &str = "http://localhost:9000";
pub const AUDIENCE: &str = "http://localhost:9000/mcp";
pub const NOW: i64 = 1_800_000_000;

/// One issuer for all tests: making keys takes a moment.
pub fn shared() -> &'static Issuer {
    static ISSUER: LazyLock<Issuer> = LazyLock::new(new);
    &ISSUER
}

pub fn new() -> Issuer {
    Issuer::new(NAME, AUDIENCE).unwrap().with_clock(Clock::new(|| NOW))
}

pub fn verifier(issuer: &Issuer) -> Verifier {
    Verifier::new(issuer.key_set(), NAME.into(), AUDIENCE.into(), issuer.leeway())
}
