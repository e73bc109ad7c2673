//! The exercise of step 2: a page that sends no `Origin` is kept out too.
//!
//! `cargo test -p step2 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use clap::Parser as _;
use common::PublicUrl;
use step2::{Settings, app};
use tower::ServiceExt as _;

const ORIGIN: &str = "http://localhost:6274";

/// `GET /health` with these headers.
async fn knock(headers: &[(&str, &str)]) -> StatusCode {
    let settings = Settings::parse_from(["step2", "--allow-origin", ORIGIN]);
    let app = app(&settings, &PublicUrl::localhost(9000)).unwrap();
    let mut request = Request::get("/health").header("host", "localhost:9000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
#[ignore = "exercise"]
async fn an_image_in_a_strange_page_is_refused() {
    for site in ["cross-site", "same-site"] {
        let status = knock(&[("sec-fetch-site", site), ("sec-fetch-dest", "image")]).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "Sec-Fetch-Site: {site}, no Origin");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_person_and_a_program_are_let_in() {
    assert_eq!(knock(&[]).await, StatusCode::OK, "a program sends no Sec-Fetch-Site");
    for site in ["none", "same-origin"] {
        let status = knock(&[("sec-fetch-site", site)]).await;
        assert_eq!(status, StatusCode::OK, "Sec-Fetch-Site: {site}");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_page_that_was_allowed_is_still_let_in() {
    for site in ["same-site", "cross-site"] {
        let status = knock(&[("origin", ORIGIN), ("sec-fetch-site", site)]).await;
        assert_eq!(status, StatusCode::OK, "--allow-origin {ORIGIN}, Sec-Fetch-Site: {site}");
    }
    let status = knock(&[("origin", "http://evil.com"), ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a strange Origin stays strange");
}

#[tokio::test]
#[ignore = "exercise"]
async fn what_nobody_knows_is_refused() {
    for headers in [
        &[("sec-fetch-site", "")][..],
        &[("sec-fetch-site", "NONE")],
        &[("sec-fetch-site", "none, cross-site")],
        &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(knock(headers).await, StatusCode::FORBIDDEN, "{headers:?}");
    }
}
