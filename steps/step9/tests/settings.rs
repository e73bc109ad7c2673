//! What is somebody told whose settings cannot work?

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::net::TcpListener;

use clap::Parser as _;
use common::PublicUrl;
use step9::{Settings, login};

#[tokio::test]
async fn the_flag_of_the_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let settings = Settings::try_parse_from(["step9", "--login-port", &port]).unwrap();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let told = format!("{:#}", login::named_or_embedded(&settings, &url).await.unwrap_err());
    assert!(told.contains("another port with --login-port"), "{told}");
}

#[test]
fn a_pointer_that_points_nowhere() {
    for wrong in ["realm_access", "roles/", "/", ""] {
        let refused = Settings::try_parse_from(["step9", "--roles", wrong]).unwrap_err();
        assert!(refused.to_string().contains("a JSON pointer is expected"), "{wrong}: {refused}");
    }
    let two = Settings::try_parse_from(["step9", "--roles", "/a/b,/c"]).unwrap();
    assert_eq!(two.issuer.roles, ["/a/b", "/c"]);
}
