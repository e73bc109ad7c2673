//! Forms that we have not made, and cookies that are not the person's own.

use axum::{body::Body, http::Request};

use crate::{
    browser::Browser,
    steps::consent_page,
    world::{Answer, LOCAL, World, encoded, request},
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
async fn whoever_leaves_has_left_and_nobody_is_made_to_leave() {
    let world = World::new().await;
    let asked = request("local", LOCAL, &[]);
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &asked).await;
    let session = browser.cookie.clone();
    let form = page.hidden("request");
    for csrf in ["", "x", &"A".repeat(43)] {
        browser
            .post(&world, "/consent", &[("request", &form), ("csrf", csrf), ("decision", "leave")])
            .await;
        browser.cookie = session.clone();
        assert!(browser.get(&world, &asked).await.text.contains("access?"), "still logged in");
    }
    let answer = browser.decide(&world, &page, "leave").await;
    let anew = browser.get(&world, answer.location()).await;
    assert!(anew.text.contains("name=\"password\""), "{}", anew.text);
    let answer = Browser { cookie: session }.get(&world, &asked).await;
    assert!(answer.text.contains("name=\"password\""), "the cookie of before is worth nothing");
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
