//! Pages that somebody else frames, forges, or opens for a person.

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    browser::Browser,
    steps::{consent_page, exchange, pair, refresh, registered},
    world::{Answer, LOCAL, WEB, World, encoded, request},
};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "a good password")];

/// Has this answer logged somebody in, or given a code away?
fn has_worked(answer: &Answer) -> bool {
    let to = answer.headers.get("location").map(|to| to.to_str().unwrap()).unwrap_or_default();
    to.contains("code=") || (answer.status == 303 && answer.headers.contains_key("set-cookie"))
}

#[tokio::test]
async fn a_login_is_not_forged() {
    let world = World::new().await;
    let asked = request("local", LOCAL, &[]);
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let (page, his) = (victim.get(&world, &asked).await, attacker.get(&world, &asked).await);
    let (form, csrf, his) = (page.hidden("request"), page.hidden("csrf"), his.hidden("csrf"));
    let other = request("neighbour", "http://localhost/neighbour", &[]);
    let (_, other) = other.split_once('?').unwrap();
    for (what, cookie, asked, csrf) in [
        ("the proof of the attacker's page", victim.cookie.clone(), &*form, &*his),
        ("the attacker's cookie", attacker.cookie.clone(), &form, &csrf),
        ("no cookie", None, &form, &csrf),
        (
            "two cookies",
            Some(format!(
                "{}; {}",
                victim.cookie.as_ref().unwrap(),
                attacker.cookie.as_ref().unwrap()
            )),
            &form,
            &csrf,
        ),
        ("a proof for another request", victim.cookie.clone(), other, &csrf),
        ("no proof", victim.cookie.clone(), &form, ""),
    ] {
        let fields = [&[("request", asked), ("csrf", csrf)][..], &ALICE].concat();
        let answer = Browser { cookie }.post(&world, "/login", &fields).await;
        assert!(!has_worked(&answer), "{what}");
    }
    // a form as other sites can send it without asking first
    for kind in ["text/plain", "multipart/form-data; boundary=x", "application/json", ""] {
        let fields = [&[("request", &*form), ("csrf", &csrf)][..], &ALICE].concat();
        let request = Request::post("/login").header("cookie", victim.cookie.as_ref().unwrap());
        let request = request.header("content-type", kind).body(Body::from(encoded(&fields)));
        assert!(!has_worked(&world.send(request.unwrap()).await), "{kind}");
    }
    let fields = [&[("request", &*form), ("csrf", &csrf)][..], &ALICE].concat();
    assert!(has_worked(&victim.post(&world, "/login", &fields).await), "this is how it should be");
}

#[tokio::test]
async fn a_consent_is_not_forged() {
    let world = World::new().await;
    let asked = request("local", LOCAL, &[]);
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let page = consent_page(&world, &mut victim, &asked).await;
    let his = attacker.get(&world, &asked).await;
    let his = attacker.log_in(&world, &his, "gus", "another password").await;
    let fields = [
        ("request", &*page.hidden("request")),
        ("csrf", &his.hidden("csrf")),
        ("decision", "allow"),
    ];
    assert!(!has_worked(&victim.post(&world, "/consent", &fields).await));
    assert!(has_worked(&victim.decide(&world, &page, "allow").await), "this is how it should be");
}

#[tokio::test]
async fn a_cookie_of_before_the_login_is_nobodys() {
    let world = World::new().await;
    let asked = request("local", LOCAL, &[]);
    let mut browser = Browser::default();
    let page = browser.get(&world, &asked).await;
    let planted = browser.cookie.clone();
    assert!(browser.log_in(&world, &page, "alice", "a good password").await.text.contains("alice"));
    assert_ne!(browser.cookie, planted, "the cookie changes");
    let answer = Browser { cookie: planted }.get(&world, &asked).await;
    assert!(answer.text.contains("name=\"password\""), "whoever knew it is not logged in");
    let chosen = Some(format!("visit={}", "A".repeat(43)));
    let mut browser = Browser { cookie: chosen.clone() };
    let page = browser.get(&world, &asked).await;
    browser.log_in(&world, &page, "alice", "a good password").await;
    assert_ne!(browser.cookie, chosen);
    world.pass(8 * 3600);
    assert!(browser.get(&world, &asked).await.text.contains("name=\"password\""), "it ends");
}

#[tokio::test]
async fn no_script_and_no_other_site_reads_or_sets_the_cookie() {
    for (issuer, name, is_secure) in [
        ("https://login.example", "__Host-visit=", true),
        ("http://localhost:9100", "visit=", false),
    ] {
        let world = World::called(issuer, |builder| builder).await;
        let answer = Browser::default().get(&world, &request("local", LOCAL, &[])).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let mut parts: Vec<_> = cookie.split("; ").collect();
        assert!(parts.remove(0).starts_with(name), "{cookie}");
        let wanted = ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"];
        assert_eq!(parts, wanted[..if is_secure { 4 } else { 3 }], "no Domain either");
    }
}

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
