//! A study of 119 live MCP servers (2026) found at least one of nine flaws in every one. None of them is here.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    steps::{
        allowed, code, consent_page, exchange, exchange_with, is_active, manage, managed, pair,
        refresh, register, registered,
    },
    world::{Browser, CHALLENGE, ISSUER, LOCAL, VERIFIER, WEB, World, challenge, claims, request},
};

const ELSEWHERE: &str = "https://elsewhere.example/callback";

/// Flaw: what a client has registered is checked once, and something else is used later.
#[tokio::test]
async fn registration_is_bound_to_what_is_used_later() {
    let world = World::new().await;
    let mut metadata = json!({"client_name": "A tool", "redirect_uris": [WEB], "scope": "mcp:read",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]});
    let client = registered(&world, &metadata).await;
    let (id, token) = (client["client_id"].as_str().unwrap(), &client["registration_access_token"]);
    let token = token.as_str().unwrap();
    let change = async |metadata: &_| {
        let answer = manage(&world, "PUT", &client, token, Some(metadata)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    // Alice reads who it is; while she reads, it takes another name
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request(id, WEB, &[])).await;
    metadata["client_name"] = "Another tool".into();
    change(&metadata).await;
    let answer = browser.decide(&world, &page, "allow").await;
    assert!(answer.location().starts_with("/authorize?"), "{}", answer.location());
    let anew = browser.get(&world, answer.location()).await;
    assert_eq!(anew.status, 200, "she is asked anew");
    metadata["client_name"] = "A tool".into();
    change(&metadata).await;
    let answer = browser.decide(&world, &page, "allow").await;
    let tokens = exchange(&world, id, WEB, &answer.parameter("code").unwrap()).await;
    // what she has allowed is for answers to the place that she has seen
    metadata["redirect_uris"] = json!([ELSEWHERE]);
    change(&metadata).await;
    let answer = browser.get(&world, &request(id, ELSEWHERE, &[])).await;
    assert!(answer.status == 200 && answer.text.contains("elsewhere.example"), "{}", answer.text);
    let answer = browser.get(&world, &request(id, WEB, &[])).await;
    assert_eq!(answer.status, 400, "it is not registered any more");
    // what it does not want to do any more, it cannot
    metadata["grant_types"] = json!(["authorization_code"]);
    change(&metadata).await;
    assert_eq!(refresh(&world, id, &pair(&tokens).1).await.status, 400);
}

/// Flaw: a right to refresh that was given up, or a client that was deleted, still counts.
#[tokio::test]
async fn what_a_client_gives_up_it_has_no_more() {
    let world = World::new().await;
    let mut metadata = json!({"redirect_uris": [WEB], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"]});
    let client = registered(&world, &metadata).await;
    let (id, token) = (client["client_id"].as_str().unwrap(), &client["registration_access_token"]);
    let token = token.as_str().unwrap();
    let first = pair(&exchange(&world, id, WEB, &code(&world, id, WEB).await).await);
    metadata["grant_types"] = json!(["authorization_code"]);
    assert_eq!(manage(&world, "PUT", &client, token, Some(&metadata)).await.status, 200);
    let refused = refresh(&world, id, &first.1).await;
    assert_eq!(refused.json()["error"], "unauthorized_client");
    assert!(is_active(&world, &first.0).await);
    assert_eq!(managed(&world, "DELETE", &client, token).await.status, 204);
    assert!(!is_active(&world, &first.0).await, "its tokens end with it");
}

/// Flaw: a client's name and address are shown, and believed, as if somebody had looked at them.
#[tokio::test]
async fn a_registered_name_and_address_are_not_trusted_blindly() {
    let world = World::new().await;
    let hostile = "<script>alert(1)</script>\"'&";
    let metadata = json!({"client_name": hostile, "redirect_uris": [ELSEWHERE, LOCAL]});
    let client = registered(&world, &metadata).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::default();
    for (redirect, host, warning) in [
        (ELSEWHERE, "elsewhere.example", "Its name is what it calls itself"),
        (LOCAL, "localhost", "any program there can call itself so"),
    ] {
        let page = browser.get(&world, &request(id, redirect, &[])).await;
        let page = match page.text.contains("name=\"password\"") {
            true => browser.log_in(&world, &page, "alice", "a good password").await,
            false => page,
        };
        assert!(page.text.contains("“&lt;script&gt;"), "{}", page.text);
        assert!(!page.text.contains("<script") && !page.text.contains("\"'&"), "{}", page.text);
        assert!(page.text.contains(&format!("<dd><strong>{host}</strong>")), "{}", page.text);
        assert!(page.text.contains(warning), "{}", page.text);
    }
    // the name of a client that she knows opens nothing
    let name = json!({"client_name": "The web program", "redirect_uris": [ELSEWHERE]});
    allowed(&world, "web", WEB).await;
    let usurper = registered(&world, &name).await;
    let asked = request(usurper["client_id"].as_str().unwrap(), ELSEWHERE, &[]);
    assert_eq!(browser.get(&world, &asked).await.status, 200, "she is asked");
    for uri in
        ["javascript:alert(1)", "data:text/html,x", "https://a.example;script-src *", "https://*/"]
    {
        let answer = register(&world, &json!({"redirect_uris": [uri]})).await;
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uri}");
    }
}

/// Flaw: one layer promises PKCE, another does not ask for it.
#[tokio::test]
async fn pkce_is_the_same_in_every_layer() {
    let world = World::with(|builder| builder.without_rates()).await;
    let metadata = world
        .send(
            axum::http::Request::get("/.well-known/oauth-authorization-server")
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(metadata.json()["code_challenge_methods_supported"], json!(["S256"]));
    let described =
        json!({"redirect_uris": [WEB], "token_endpoint_auth_method": "client_secret_post"});
    let described = registered(&world, &described).await;
    let said = |name: &str| described[name].as_str().unwrap();
    for (client, redirect, secret) in [
        ("local", LOCAL, ""),
        ("web", WEB, ""),
        ("secret", WEB, crate::world::SECRET),
        (said("client_id"), WEB, said("client_secret")),
    ] {
        let asked =
            request(client, redirect, &[("code_challenge", ""), ("code_challenge_method", "")]);
        let answer = Browser::default().get(&world, &asked).await;
        assert!(!answer.text.contains("name=\"password\""), "{client}: asked without a challenge");
        let long = "x".repeat(129);
        for verifier in ["", "x", CHALLENGE, &VERIFIER[..42], &long, &VERIFIER.replace('-', "+")] {
            let code = code(&world, client, redirect).await;
            let others =
                [("client_id", client), ("client_secret", secret), ("code_verifier", verifier)];
            let answer = exchange_with(&world, &code, &others).await;
            assert_eq!(answer.json()["error"], "invalid_grant", "{client} {verifier:?}");
            let right = [("client_id", client), ("client_secret", secret)];
            let again = exchange_with(&world, &code, &right).await;
            assert_eq!(again.status, 400, "a code is good for one guess");
        }
        let code = code(&world, client, redirect).await;
        let right = [("client_id", client), ("client_secret", secret)];
        assert_eq!(exchange_with(&world, &code, &right).await.status, 200, "{client}");
    }
}

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

/// Flaw: whoever leaves PKCE out, or asks for less of it, gets on without.
#[tokio::test]
async fn pkce_cannot_be_downgraded() {
    let world = World::new().await;
    for others in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge", "")],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge_method", "S256 plain")],
        &[("code_challenge_method", "S512")],
        &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
    ] {
        let answer = Browser::default().get(&world, &request("local", LOCAL, others)).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{others:?}");
        assert_eq!(answer.parameter("code"), None);
    }
    // a second parameter is not taken for the first
    for more in ["&code_challenge_method=plain", "&code_challenge=x", "&code%5Fchallenge=x"] {
        let asked = request("local", LOCAL, &[]) + more;
        let answer = Browser::default().get(&world, &asked).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{more}");
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

/// Flaw: `state`, or what the server itself remembers by, can be guessed, or comes back changed.
#[tokio::test]
async fn what_must_not_be_guessed_is_random_and_state_comes_back_as_it_was() {
    let world = World::with(|builder| builder.without_rates()).await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("web", WEB, &[])).await;
    browser.decide(&world, &page, "allow").await;
    for state in [
        "x",
        "a b+c%20d",
        "&code=evil&state=2#",
        "\u{e4}\u{1f512}",
        "a\r\nb\0",
        "=?/",
        &"s".repeat(2000),
    ] {
        let answer = browser.get(&world, &request("web", WEB, &[("state", state)])).await;
        assert_eq!(answer.parameter("state").as_deref(), Some(state));
        assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER));
    }
    let mut seen = [HashSet::new(), HashSet::new(), HashSet::new()];
    for _ in 0..64 {
        let code = browser.get(&world, &request("web", WEB, &[])).await.parameter("code").unwrap();
        let mut other = Browser::default();
        let csrf = other.get(&world, &request("web", WEB, &[])).await.hidden("csrf");
        let (_, cookie) = other.cookie.as_deref().unwrap().split_once('=').unwrap();
        for (secret, seen) in [&*code, &csrf, cookie].into_iter().zip(&mut seen) {
            seen.insert(URL_SAFE_NO_PAD.decode(secret).unwrap());
        }
    }
    for seen in seen {
        assert_eq!(seen.len(), 64, "one came twice");
        for place in 0..32 {
            let values: HashSet<_> = seen.iter().map(|secret| secret[place]).collect();
            assert!(values.len() > 32, "byte {place} is {values:?}");
        }
        assert!(seen.iter().all(|secret| secret.len() == 32), "256 bits");
    }
}

/// Flaw: a code is taken twice, or what the first use gave outlives the second.
#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::new().await;
    for (what, client, verifier, later) in [
        ("by the same client", "local", VERIFIER, 0),
        ("by another client", "web", VERIFIER, 0),
        ("without the verifier", "local", "", 0),
        ("when it would have expired", "local", VERIFIER, 120),
    ] {
        let code = code(&world, "local", LOCAL).await;
        let (access, renewed) = pair(&exchange(&world, "local", LOCAL, &code).await);
        assert!(is_active(&world, &access).await);
        world.pass(later);
        let others = [("client_id", client), ("code_verifier", verifier)];
        let again = exchange_with(&world, &code, &others).await;
        assert_eq!(again.json()["error"], "invalid_grant", "{what}");
        assert!(!is_active(&world, &access).await, "{what}: the access token ends");
        assert_eq!(
            refresh(&world, "local", &renewed).await.status,
            400,
            "{what}: and the refresh token"
        );
    }
    let code = code(&world, "local", LOCAL).await;
    world.pass(60);
    assert_eq!(exchange(&world, "local", LOCAL, &code).await.status, 400, "and for a minute");
}
