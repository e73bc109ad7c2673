//! Who may knock, how often, and with how much?

use std::convert::Infallible;

use axum::{body::Body, http::Request};
use futures_util::{FutureExt as _, stream};
use mcp_auth_server::Builder;

use crate::{
    browser::Browser,
    documents::later,
    world::{Answer, LOCAL, World, request},
};

async fn knock(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_of_others_may_read_what_is_public_and_send_nothing_in_a_persons_name() {
    let world = World::new().await;
    let page = ("origin", "https://page.example");
    for (method, path) in [
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/jwks.json"),
        ("POST", "/token"),
        ("POST", "/register"),
        ("POST", "/revoke"),
        ("DELETE", "/register/somebody"),
    ] {
        let wanted = [
            page,
            ("access-control-request-method", method),
            ("access-control-request-headers", "mcp-protocol-version"),
        ];
        let preflight = knock(&world, "OPTIONS", path, &wanted).await;
        assert_eq!(preflight.status, 204, "{path}");
        assert_eq!(
            preflight.headers["access-control-allow-headers"], "mcp-protocol-version",
            "{path}"
        );
        let answer = knock(&world, method, path, &[page]).await;
        for headers in [&preflight.headers, &answer.headers] {
            assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
            assert!(!headers.contains_key("access-control-allow-credentials"), "{path}");
        }
    }
    for (method, path) in
        [("GET", "/authorize"), ("POST", "/login"), ("POST", "/consent"), ("POST", "/introspect")]
    {
        for asked in [method, "OPTIONS"] {
            let answer =
                knock(&world, asked, path, &[page, ("access-control-request-method", method)])
                    .await;
            assert_eq!(answer.status, 403, "{asked} {path}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{asked} {path}");
        }
    }
    for (path, status) in [("/login", 400), ("/consent", 400), ("/introspect", 403)] {
        let answer = knock(&world, "POST", path, &[("origin", "null")]).await;
        assert_eq!(answer.status, status, "a form of a page that tells no referrer: {path}");
    }
}

#[tokio::test]
async fn nobody_is_served_under_a_foreign_name() {
    let world = World::with(|builder| builder.hosts(vec!["as.example:8443".into()])).await;
    for (host, status) in [
        ("localhost:9100", 200),
        ("as.example:8443", 200),
        ("evil.example", 403),
        ("localhost:9101", 403),
    ] {
        let path = "/.well-known/oauth-authorization-server";
        assert_eq!(knock(&world, "GET", path, &[("host", host)]).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn what_is_longer_than_anybody_needs_is_refused() {
    let world = World::new().await;
    let long = "x".repeat(20_000);
    let url = knock(&world, "GET", &format!("/authorize?state={long}"), &[]).await;
    assert_eq!(url.status, 414);
    let headers = knock(&world, "GET", "/ready", &[("a", &long), ("b", &long)]).await;
    assert_eq!(headers.status, 431);
    let form = world.token(&[("grant_type", "authorization_code"), ("code", &long)]).await;
    assert_eq!((form.status, &form.json()["error"]), (400, &"invalid_request".into()));
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_to_wait_unless_nobody_counts() {
    let world = World::new().await;
    let mut refused = 0;
    for _ in 0..40 {
        let answer = knock(&world, "POST", "/register", &[]).await;
        if answer.status == 429 {
            assert!(answer.headers.contains_key("retry-after"));
            refused += 1;
        }
    }
    assert!((9..=10).contains(&refused), "{refused} of 40 were refused: thirty are free");
    assert_eq!(knock(&world, "POST", "/token", &[]).await.status, 400, "tokens are counted apart");
    let world = World::with(Builder::without_rates).await;
    for _ in 0..200 {
        assert_eq!(knock(&world, "POST", "/register", &[]).await.status, 400);
    }
}

#[tokio::test]
async fn who_guesses_passwords_waits_longer_and_longer_whether_the_name_is_somebodys_or_not() {
    let world = World::new().await;
    let mut pages = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::default();
        let page = browser.get(&world, &request("local", LOCAL, &[])).await;
        for _ in 0..3 {
            let answer = browser.log_in(&world, &page, name, "a wrong password").await;
            assert_eq!(answer.status, 403, "{name}");
        }
        let answer = until_refused(&world, &mut browser, &page, name).await;
        let (before, rest) = answer.text.split_once("Try again in ").unwrap();
        let text = format!("{before}{}", rest.split_once('.').unwrap().1);
        pages.push(text.replace(name, "NAME").replace(&answer.hidden("csrf"), "CSRF"));
    }
    assert_eq!(pages[0], pages[1], "the page tells nobody which names there are");
    world.pass(-7200);
    let mut browser = Browser::default();
    let page = browser.get(&world, &request("local", LOCAL, &[])).await;
    let answer = until_refused(&world, &mut browser, &page, "alice").await;
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=64).contains(&wait), "{wait} s, because somebody has set the clock back");
    later(wait).await;
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
    assert_eq!(page.status, 200, "after the wait the right one is let in: {}", page.text);
}

/// Guesses until that is too often: on a slow machine a wait may be over before the next guess.
async fn until_refused(world: &World, browser: &mut Browser, page: &Answer, name: &str) -> Answer {
    for _ in 0..6 {
        let answer = browser.log_in(world, page, name, "a wrong password").await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("{name} can be guessed at for ever");
}

/// A program that embeds this server has the same limit.
#[tokio::test]
async fn one_request_more_than_can_be_answered_at_a_time_is_sent_away() {
    let world = World::with(Builder::without_rates).await;
    let body = || Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    let slow = || {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let request = Request::post("/token").header(form.0, form.1).body(body());
        Box::pin(world.send(request.unwrap()))
    };
    let mut waiting: Vec<_> = (0..256).map(|_| slow()).collect();
    for one in &mut waiting {
        assert!(one.now_or_never().is_none());
    }
    let answer = knock(&world, "GET", "/jwks.json", &[]).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(
        knock(&world, "GET", "/ready", &[]).await.status,
        200,
        "whoever watches is answered"
    );
    waiting.pop();
    assert_eq!(knock(&world, "GET", "/jwks.json", &[]).await.status, 200, "a place is free");
}
