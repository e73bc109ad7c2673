//! From a client's request to a token, and on.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    browser::Browser,
    steps::{
        allowed, code, consent_page, exchange, is_active, managed, pair, refresh, registered,
        tokens,
    },
    world::{ISSUER, LOCAL, NOW, RESOURCE, WEB, World, claims, request},
};

#[tokio::test]
async fn a_person_logs_in_and_allows_and_the_client_gets_tokens() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let redirect = "http://localhost:49152/callback";
    let page = browser.get(&world, &request("local", redirect, &[])).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("The local program") && page.text.contains(RESOURCE),
        "{}",
        page.text
    );
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
    for told in [
        "alice",
        "The local program",
        RESOURCE,
        "localhost:49152",
        "use its tools",
        "your own machine",
    ] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let answer = browser.decide(&world, &page, "allow").await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("http://localhost:49152/callback?code="));
    assert_eq!(answer.parameter("state").as_deref(), Some("a state"));
    assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER));
    let answer = exchange(&world, "local", redirect, &answer.parameter("code").unwrap()).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (200, &"no-store".parse().unwrap()),
        "{}",
        answer.text
    );
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &300.into()));
    assert_eq!(body["scope"], "mcp:read mcp:tools");
    let token = body["access_token"].as_str().unwrap();
    let caller = world.verifier().verify(token, NOW).unwrap();
    assert_eq!((caller.subject(), caller.client()), ("alice", Some("local")));
    assert_eq!(claims(token)["aud"], RESOURCE);
    let next = refresh(&world, "local", body["refresh_token"].as_str().unwrap()).await;
    assert_eq!(next.status, 200, "{}", next.text);
    assert_ne!(next.json()["refresh_token"], body["refresh_token"]);
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_all_that_came_of_it() {
    let world = World::new().await;
    let code = allowed(&world, "local", LOCAL).await.parameter("code").unwrap();
    let first = exchange(&world, "local", LOCAL, &code).await.json();
    let first = first["refresh_token"].as_str().unwrap().to_owned();
    let second = refresh(&world, "local", &first).await.json()["refresh_token"].clone();
    let again = refresh(&world, "local", &first).await;
    assert_eq!((again.status, &again.json()["error"]), (400, &"invalid_grant".into()));
    let after = refresh(&world, "local", second.as_str().unwrap()).await;
    assert_eq!((after.status, &after.json()["error"]), (400, &"invalid_grant".into()));
}

/// One connection for all: whoever held it and wanted another would wait for himself.
#[tokio::test]
async fn in_memory_everything_is_as_on_a_disk() {
    let world = World::in_memory().await;
    let client = registered(&world, &json!({"redirect_uris": [LOCAL], "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]})).await;
    let id = client["client_id"].as_str().unwrap();
    let token = client["registration_access_token"].as_str().unwrap();
    let (access, first) = tokens(&world, id, LOCAL).await;
    assert!(is_active(&world, &access).await);
    let (access, second) = pair(&refresh(&world, id, &first).await);
    let asked = (0..50).map(|_| is_active(&world, &access));
    assert!(join_all(asked).await.into_iter().all(|is_active| is_active));
    let code = code(&world, id, LOCAL).await;
    let all = join_all((0..50).map(|_| exchange(&world, id, LOCAL, &code))).await;
    assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(refresh(&world, id, &first).await.status, 400);
    assert_eq!(refresh(&world, id, &second).await.status, 400, "the first came a second time");
    assert!(!is_active(&world, &access).await);
    assert_eq!(managed(&world, "DELETE", &client, token).await.status, 204);
    assert_eq!(Browser::default().get(&world, "/ready").await.status, 200);
}

#[tokio::test]
async fn who_says_no_or_has_no_right_sends_the_client_away() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    let answer = browser.decide(&world, &page, "deny").await;
    assert_eq!(answer.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER));
    let mut browser = Browser::default();
    let page = browser.get(&world, &request("local", LOCAL, &[("scope", "mcp:tools")])).await;
    let answer = browser.log_in(&world, &page, "gus", "another password").await;
    assert_eq!(answer.parameter("error").as_deref(), Some("access_denied"), "nothing is left");
}

#[tokio::test]
async fn a_wrong_password_gets_the_same_page_for_everybody() {
    let world = World::new().await;
    let mut texts = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::default();
        let page = browser.get(&world, &request("local", LOCAL, &[])).await;
        let page = browser.log_in(&world, &page, name, "a wrong password").await;
        assert_eq!(page.status, 403);
        let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
        texts.push(page.text.replace(name, "").replace(&csrf, "").replace(&request, ""));
    }
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn consent_is_remembered_where_nobody_else_can_be_the_client() {
    let world = World::new().await;
    for (client, redirect, asks_again) in [("web", WEB, false), ("local", LOCAL, true)] {
        let mut browser = Browser::default();
        let page = consent_page(
            &world,
            &mut browser,
            &request(client, redirect, &[("scope", "mcp:read")]),
        )
        .await;
        assert_eq!(browser.decide(&world, &page, "allow").await.status, 303);
        let again = browser.get(&world, &request(client, redirect, &[("scope", "mcp:read")])).await;
        assert_eq!(again.status, if asks_again { 200 } else { 303 }, "{client}");
        let more = browser.get(&world, &request(client, redirect, &[])).await;
        assert_eq!(more.status, 200, "{client}: more than was allowed");
        let page = &more.text[more.text.find("It could then").unwrap()..];
        let list = &page[..page.find("</ul>").unwrap()];
        assert_eq!(list.contains("mcp:read"), asks_again, "{client}: asked for what is new");
        assert!(list.contains("mcp:tools"));
    }
}

#[tokio::test]
async fn consent_of_a_client_that_authenticates_is_remembered_whatever_port_it_listens_on() {
    let world = World::new().await;
    let client = registered(&world, &json!({"redirect_uris": [LOCAL]})).await;
    let id = client["client_id"].as_str().unwrap();
    allowed(&world, id, "http://localhost:5000/callback").await;
    let mut browser = Browser::default();
    let page = browser.get(&world, &request(id, "http://localhost:5001/callback", &[])).await;
    let answer = browser.log_in(&world, &page, "alice", "a good password").await;
    assert!(answer.status == 303 && answer.parameter("code").is_some(), "{}", answer.text);
}

#[tokio::test]
async fn what_cannot_be_believed_is_shown_and_never_redirected_to() {
    let world = World::new().await;
    for (client, redirect, others) in [
        ("nobody", LOCAL, &[][..]),
        ("local", "https://evil.example/", &[]),
        ("local", LOCAL, &[("client_id", "")]),
    ] {
        let mut browser = Browser::default();
        let answer = browser.get(&world, &request(client, redirect, others)).await;
        assert_eq!(answer.status, 400, "{client} {redirect}");
        assert!(!answer.headers.contains_key("location"), "{client} {redirect}");
    }
}

#[tokio::test]
async fn every_other_mistake_is_told_to_the_client() {
    let world = World::new().await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("resource", "https://other.example/mcp", "invalid_target"),
        ("scope", "admin", "invalid_scope"),
        ("response_mode", "fragment", "invalid_request"),
        ("request", "x", "request_not_supported"),
    ] {
        let mut browser = Browser::default();
        let answer = browser.get(&world, &request("local", LOCAL, &[(name, value)])).await;
        assert_eq!(answer.status, 303, "{name}={value}");
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(answer.parameter("state").as_deref(), Some("a state"), "{name}={value}");
        assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER), "{name}={value}");
    }
}

#[tokio::test]
async fn whoever_is_not_the_one_who_is_logged_in_logs_in_himself() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    let before = browser.cookie.clone();
    let answer = browser.decide(&world, &page, "leave").await;
    assert_eq!(answer.status, 303);
    let page = browser.get(&world, answer.location()).await;
    assert!(page.text.contains("Password"), "{}", page.text);
    let page = browser.log_in(&world, &page, "gus", "another password").await;
    assert!(page.text.contains("<strong>gus</strong>"), "{}", page.text);
    let mut old = Browser { cookie: before };
    let page = old.get(&world, &request("local", LOCAL, &[])).await;
    assert!(page.text.contains("Password"), "the session of before is over");
}
