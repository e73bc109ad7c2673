//! Pages that are mixed up, gone around, or lead away.

use serde_json::json;

use super::ELSEWHERE;
use crate::{
    browser::Browser,
    steps::{consent_page, exchange_with, pair, registered},
    world::{LOCAL, World, challenge, claims, request},
};

/// Flaw: two requests at the same browser, and what one has brought is used for the other.
#[tokio::test]
async fn two_requests_in_one_browser_do_not_mix() {
    let world = World::new().await;
    let (first_verifier, second_verifier) = ("1".repeat(43), "2".repeat(43));
    let (first, second) = (challenge(&first_verifier), challenge(&second_verifier));
    let first = request("local", LOCAL, &[("state", "one"), ("code_challenge", &first)]);
    let neighbour = "http://localhost/neighbour";
    let second = [("state", "two"), ("code_challenge", &*second), ("scope", "mcp:read")];
    let second = request("neighbour", neighbour, &second);
    let mut browser = Browser::default();
    let (login_1, login_2) =
        (browser.get(&world, &first).await, browser.get(&world, &second).await);
    let page_1 = browser.log_in(&world, &login_1, "alice", "a good password").await;
    // the second tab's form is of before the login: it leads on, to its own request
    let page_2 = browser.log_in(&world, &login_2, "alice", "a good password").await;
    assert!(
        page_1.text.contains("The local program") && page_2.text.contains("The neighbour program")
    );
    // the proof of one page is no proof for the other
    let (asked, csrf) = (page_1.hidden("request"), page_2.hidden("csrf"));
    let fields = [("request", &*asked), ("csrf", &csrf), ("decision", "allow")];
    assert!(browser.post(&world, "/consent", &fields).await.location().starts_with("/authorize?"));
    for (page, state, redirect, client, verifier, scope) in [
        (page_2, "two", neighbour, "neighbour", second_verifier, "mcp:read"),
        (page_1, "one", LOCAL, "local", first_verifier, "mcp:read mcp:tools"),
    ] {
        let answer = browser.decide(&world, &page, "allow").await;
        assert!(answer.location().starts_with(&format!("{redirect}?code=")));
        assert_eq!(answer.parameter("state").as_deref(), Some(state));
        let code = answer.parameter("code").unwrap();
        let others =
            [("client_id", client), ("code_verifier", &*verifier), ("redirect_uri", redirect)];
        let tokens = exchange_with(&world, &code, &others).await;
        let claims = claims(&pair(&tokens).0);
        assert_eq!((&claims["client_id"], &claims["scope"]), (&client.into(), &scope.into()));
    }
}

/// Flaw: there is a page to allow, and a way around it.
#[tokio::test]
async fn the_consent_page_cannot_be_bypassed() {
    let world = World::new().await;
    let asked = request("local", LOCAL, &[]);
    let mut browser = Browser::default();
    let login = browser.get(&world, &asked).await;
    let before = browser.cookie.clone();
    let page = browser.log_in(&world, &login, "alice", "a good password").await;
    let (form, csrf, login) = (page.hidden("request"), page.hidden("csrf"), login.hidden("csrf"));
    let decide = async |cookie: Option<String>, fields: &[(&str, &str)]| {
        let answer = Browser { cookie }.post(&world, "/consent", fields).await;
        answer.headers.get("location").is_some_and(|to| to.to_str().unwrap().contains("code="))
    };
    let (ours, other) = (browser.cookie.clone(), {
        let mut other = Browser::default();
        consent_page(&world, &mut other, &asked).await;
        other.cookie
    });
    let allow = ("decision", "allow");
    let (other_state, other_scope) =
        (form.replace("a%20state", "another"), form.replace("mcp%3Aread%20", ""));
    assert!(other_state != form && other_scope != form);
    for (what, cookie, fields) in [
        ("no cookie", None, &[("request", &*form), ("csrf", &csrf), allow][..]),
        ("another's cookie", other, &[("request", &form), ("csrf", &csrf), allow]),
        ("the cookie of before", before, &[("request", &form), ("csrf", &csrf), allow]),
        ("no proof", ours.clone(), &[("request", &form), allow]),
        ("an empty proof", ours.clone(), &[("request", &form), ("csrf", ""), allow]),
        ("the proof of the login", ours.clone(), &[("request", &form), ("csrf", &login), allow]),
        ("a made-up proof", ours.clone(), &[("request", &form), ("csrf", &"A".repeat(43)), allow]),
        ("another state", ours.clone(), &[("request", &other_state), ("csrf", &csrf), allow]),
        ("another scope", ours.clone(), &[("request", &other_scope), ("csrf", &csrf), allow]),
        ("no decision", ours.clone(), &[("request", &form), ("csrf", &csrf)]),
        ("both", ours.clone(), &[("request", &form), ("csrf", &csrf), allow, ("decision", "deny")]),
        ("another word", ours.clone(), &[("request", &form), ("csrf", &csrf), ("decision", "yes")]),
    ] {
        assert!(!decide(cookie, fields).await, "{what}");
    }
    let right = [("request", &*form), ("csrf", &csrf), allow];
    assert!(decide(ours, &right).await, "all of this was refused for its own reason");
    // nothing that a client can say spares the question
    for more in
        ["&prompt=none", "&prompt=consent&max_age=0", "&decision=allow", "&approval_prompt=auto"]
    {
        let answer = browser.get(&world, &format!("{asked}{more}")).await;
        assert!(answer.text.contains("Allow “The local program” access?"), "{more}");
    }
    assert_eq!(browser.get(&world, "/consent?decision=allow").await.status, 405);
    assert_eq!(browser.post(&world, &asked, &[allow]).await.status, 405);
}

/// Flaw: a link to the server leads to a page of the attacker's choice.
#[tokio::test]
async fn no_link_to_this_server_leads_to_strangers() {
    let world = World::new().await;
    let stranger = json!({"redirect_uris": [ELSEWHERE, LOCAL], "scope": "mcp:tools"});
    let stranger = registered(&world, &stranger).await;
    let id = stranger["client_id"].as_str().unwrap();
    // it is registered, and may be anybody's: a mistake in the request is no way to it
    let mut browser = Browser::default();
    for others in
        [("response_type", "token"), ("scope", "no"), ("code_challenge", ""), ("resource", "no")]
    {
        let answer = browser.get(&world, &request(id, ELSEWHERE, &[others])).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.headers.contains_key("location"), "{others:?}");
        let link = format!("href=\"{ELSEWHERE}?error=");
        assert!(answer.text.contains(&link) && answer.text.contains("iss="), "{}", answer.text);
        let answer = browser.get(&world, &request(id, LOCAL, &[others])).await;
        assert!(answer.location().starts_with(LOCAL), "a program of his own is told");
    }
    let page = browser.get(&world, &request(id, ELSEWHERE, &[("scope", "mcp:tools")])).await;
    let answer = browser.log_in(&world, &page, "gus", "another password").await;
    assert_eq!((answer.status, answer.headers.get("location")), (400, None), "nothing is left");
    // forms that are not ours lead to our own page at most
    for target in [
        "//evil.example",
        "https://evil.example",
        "@evil.example",
        "\r\nLocation: https://evil.example",
    ] {
        for path in ["/login", "/consent"] {
            let fields =
                [("request", target), ("csrf", "x"), ("username", "alice"), ("decision", "allow")];
            let answer = browser.post(&world, path, &fields).await;
            let to = answer.headers.get("location").map(|to| to.to_str().unwrap());
            assert!(to.is_none_or(|to| to.starts_with("/authorize?")), "{path} {target:?}: {to:?}");
        }
    }
}
