//! Pages that somebody else frames or opens for a person, and buttons that are pressed twice.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    browser::Browser,
    steps::{consent_page, exchange, pair, refresh, registered},
    world::{Answer, LOCAL, WEB, World, request},
};

/// What every page has, whatever it says: nobody frames it, keeps it, learns its address or runs a script in it.
fn is_guarded(what: &str, answer: &Answer, back: &str) {
    let header = |name: &str| answer.headers[name].to_str().unwrap();
    let page = &answer.text;
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash =
        STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes()));
    let mut policy: Vec<_> = header("content-security-policy").split("; ").map(str::trim).collect();
    policy.sort_unstable();
    let style = format!("style-src 'sha256-{hash}'");
    let to = format!("form-action 'self' {back}");
    let wanted =
        ["base-uri 'none'", "default-src 'none'", to.trim(), "frame-ancestors 'none'", &style];
    assert_eq!(policy, wanted, "{what}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(header(name), value, "{what}: {name}");
    }
    for no in [
        "<script",
        "javascript:",
        " style=",
        " onclick",
        " onload",
        "<iframe",
        "<img",
        "//localhost:9100",
    ] {
        assert!(!page.contains(no), "{what}: {no}");
    }
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{what}");
}

#[tokio::test]
async fn every_page_has_its_guards() {
    let world = World::new().await;
    let here = "http://localhost";
    let asked = request("local", LOCAL, &[]);
    let mut browser = Browser::default();
    let login = browser.get(&world, &asked).await;
    is_guarded("login", &login, here);
    let wrong = browser.log_in(&world, &login, "\"><script>alert(1)</script>", "x").await;
    assert!(wrong.text.contains("&quot;&gt;&lt;script&gt;"), "{}", wrong.text);
    is_guarded("wrong password", &wrong, here);
    let page = browser.log_in(&world, &wrong, "alice", "a good password").await;
    is_guarded("consent", &page, here);
    let web = browser.get(&world, &request("web", WEB, &[])).await;
    is_guarded("consent of a web client", &web, "https://app.example");
    let v6 = "http://[::1]:5000/callback";
    let client = registered(&world, &json!({"redirect_uris": [v6]})).await;
    let asked = request(client["client_id"].as_str().unwrap(), v6, &[]);
    is_guarded("consent of a client on IPv6", &browser.get(&world, &asked).await, "http:");
    let again = Browser { cookie: Some(format!("visit={}", "A".repeat(43))) }
        .decide(&world, &page, "allow")
        .await;
    is_guarded("consent without a session", &again, here);
    let stranger = registered(&world, &json!({"redirect_uris": [WEB]})).await;
    let asked = request(stranger["client_id"].as_str().unwrap(), WEB, &[("scope", "none")]);
    is_guarded("a stranger's mistake", &browser.get(&world, &asked).await, "");
    for (what, path) in [
        ("an unknown client", request("nobody", LOCAL, &[])),
        ("an unknown address", request("local", WEB, &[])),
        ("nothing asked", "/authorize".into()),
        ("a broken request", "/authorize?client_id=%zz".into()),
        ("a long request", format!("/authorize?client_id={}", "x".repeat(9000))),
    ] {
        is_guarded(what, &browser.get(&world, &path).await, "");
    }
    for path in ["/login", "/consent"] {
        for fields in [&[][..], &[("request", "x")], &[("csrf", &*"x".repeat(20_000))]] {
            is_guarded(path, &browser.post(&world, path, fields).await, "");
        }
        is_guarded(path, &Browser::default().post(&world, path, &[("csrf", "x")]).await, "");
    }
    let mut left = 200;
    let answer = loop {
        let answer = browser.get(&world, "/authorize").await;
        left -= 1;
        if answer.status == 429 || left == 0 {
            break answer;
        }
    };
    assert!(answer.status == 429 && answer.headers.contains_key("retry-after"));
    is_guarded("too many", &answer, "");
}

#[tokio::test]
async fn the_way_back_is_not_kept_and_tells_nobody_where_from() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    let answer = browser.decide(&world, &page, "allow").await;
    assert_eq!(answer.status, 303, "a 307 would send the form along");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(answer.text.is_empty());
}

#[tokio::test]
async fn whoever_presses_twice_gets_two_codes_and_no_error() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let login = browser.get(&world, &request("local", LOCAL, &[])).await;
    let page = browser.log_in(&world, &login, "alice", "a good password").await;
    // back to the page to log in, and once more
    let again = browser.log_in(&world, &login, "alice", "a good password").await;
    assert!(again.text.contains("Allow “The local program” access?"), "{}", again.text);
    let mut pairs = Vec::new();
    for page in [&page, &page, &again] {
        let code = browser.decide(&world, page, "allow").await.parameter("code").unwrap();
        pairs.push(pair(&exchange(&world, "local", LOCAL, &code).await));
    }
    for (_, token) in &pairs {
        assert_eq!(refresh(&world, "local", token).await.status, 200, "each by itself");
    }
    assert_eq!(
        browser.decide(&world, &page, "deny").await.parameter("error").unwrap(),
        "access_denied"
    );
    // back to the page to allow, when somebody else has logged in at this browser since
    let mut other = Browser::default();
    let login = other.get(&world, &request("local", LOCAL, &[])).await;
    other.log_in(&world, &login, "gus", "another password").await;
    let answer = other.decide(&world, &page, "allow").await;
    assert!(answer.location().starts_with("/authorize?"));
    assert!(other.get(&world, answer.location()).await.text.contains("<strong>gus</strong>"));
}
