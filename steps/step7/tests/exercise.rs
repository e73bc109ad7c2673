//! The exercise of step 7: what is said of this server is said over TLS, or not at all.
//!
//! `cargo test -p step7 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use step7::metadata::ProtectedResource;

const HERE: &str = "https://mcp.example.com/mcp";

/// Does a server start whose clients use `resource`, and log in at `issuer`?
fn starts(resource: &str, issuer: &str) -> Result<(), String> {
    let made = ProtectedResource::new(resource, issuer, "mcp:read".parse().unwrap());
    made.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
#[ignore = "exercise"]
fn a_server_that_others_reach_needs_https() {
    for (resource, issuer) in [
        ("http://mcp.example.com/mcp", "https://login.example.com"),
        (HERE, "http://login.example.com"),
        ("http://localhost.evil.com/mcp", "https://login.example.com"),
        ("http://localhost:9000@evil.com/mcp", "https://login.example.com"),
        ("http://127.0.0.1.evil.com:9000/mcp", "https://login.example.com"),
        ("ftp://mcp.example.com/mcp", "https://login.example.com"),
    ] {
        let why = starts(resource, issuer).expect_err(&format!("{resource}, {issuer}"));
        assert!(why.contains("https"), "the sentence says what is allowed: {why}");
    }
}

#[test]
#[ignore = "exercise"]
fn on_ones_own_machine_http_will_do() {
    for authority in ["localhost", "localhost:9000", "127.0.0.1:9000", "[::1]:9000", "[::1]"] {
        let issuer = format!("http://{authority}");
        assert_eq!(starts(&format!("{issuer}/mcp"), &issuer), Ok(()), "{issuer}");
    }
}

#[test]
#[ignore = "exercise"]
fn https_will_do_everywhere() {
    assert_eq!(starts(HERE, "https://login.example.com/realms/mcp"), Ok(()));
    assert_eq!(starts(HERE, "http://localhost:9100"), Ok(()), "an issuer on the same machine");
}

#[test]
#[ignore = "exercise"]
fn a_fragment_has_no_place_in_either() {
    for (resource, issuer) in [
        ("https://mcp.example.com/mcp#section", "https://login.example.com"),
        (HERE, "https://login.example.com#section"),
    ] {
        assert!(starts(resource, issuer).is_err(), "{resource}, {issuer}");
    }
}
