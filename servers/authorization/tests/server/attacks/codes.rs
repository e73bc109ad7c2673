//! Codes in the wrong hands, and answers from the wrong server.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::{
    browser::Browser,
    steps::{allowed, code, consent_page, exchange, exchange_with, is_active, pair, refresh},
    world::{ISSUER, LOCAL, WEB, World, challenge, request},
};

#[tokio::test]
async fn a_code_of_another_session_is_worth_nothing() {
    let world = World::new().await;
    // the attacker's own code, put into the answer to somebody else's request, who has another verifier
    let (his, ours) = (code(&world, "local", LOCAL).await, "0".repeat(43));
    let asked = request("local", LOCAL, &[("code_challenge", &challenge(&ours))]);
    let mut browser = Browser::default();
    consent_page(&world, &mut browser, &asked).await;
    let injected = exchange_with(&world, &his, &[("code_verifier", &ours)]).await;
    assert_eq!(injected.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_of_another_client_is_worth_nothing() {
    let world = World::new().await;
    for (client, others) in [
        ("neighbour", &[][..]),
        ("web", &[]),
        ("secret", &[("client_secret", crate::world::SECRET)]),
    ] {
        let code = code(&world, "local", LOCAL).await;
        let others = [others, &[("client_id", client)]].concat();
        let answer = exchange_with(&world, &code, &others).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &"invalid_grant".into()),
            "{client}"
        );
    }
}

#[tokio::test]
async fn a_code_is_for_the_address_and_the_server_it_was_asked_for() {
    let world = World::new().await;
    let here = "http://localhost:5000/callback";
    for (name, value, error) in [
        ("redirect_uri", LOCAL, "invalid_grant"),
        ("redirect_uri", "http://localhost:5001/callback", "invalid_grant"),
        ("redirect_uri", WEB, "invalid_grant"),
        ("resource", "https://other.example/mcp", "invalid_target"),
    ] {
        let code = code(&world, "local", here).await;
        let answer = exchange_with(&world, &code, &[("redirect_uri", here), (name, value)]).await;
        assert_eq!(answer.json()["error"], error, "{name} {value}");
    }
    let code = code(&world, "local", here).await;
    assert_eq!(exchange(&world, "local", here, &code).await.status, 200);
}

/// Mix-up: a client that knows several servers sees by `iss` whose answer it is (RFC 9207).
#[tokio::test]
async fn every_answer_says_which_server_it_is_from() {
    let world = World::new().await;
    let mut answers = vec![allowed(&world, "local", LOCAL).await];
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request("local", LOCAL, &[])).await;
    answers.push(browser.decide(&world, &page, "deny").await);
    for other in [
        ("response_type", "token"),
        ("code_challenge", ""),
        ("resource", "https://other.example/"),
        ("scope", "none"),
        ("request", "x"),
        ("request_uri", "https://evil.example/"),
        ("state", &*"s".repeat(5000)),
    ] {
        answers.push(browser.get(&world, &request("local", LOCAL, &[other])).await);
    }
    let asked = request("local", LOCAL, &[("scope", "mcp:tools")]);
    let mut browser = Browser::default();
    let page = browser.get(&world, &asked).await;
    answers.push(browser.log_in(&world, &page, "gus", "another password").await);
    for (which, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 303, "{which}");
        assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER), "{which}");
        assert_eq!(answer.parameter("code").is_some(), which == 0, "{which}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_send_a_code_at_once_one_is_answered_and_all_ends() {
    let world = Arc::new(World::new().await);
    let code = code(&world, "local", LOCAL).await;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (world, code) = (world.clone(), code.clone());
        all.spawn(async move { exchange(&world, "local", LOCAL, &code).await });
    }
    let answers = all.join_all().await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 49));
    assert!(bad.iter().all(|answer| answer.json()["error"] == "invalid_grant"));
    let (access, renewed) = pair(good[0]);
    assert!(!is_active(&world, &access).await, "the access token has ended");
    assert_eq!(refresh(&world, "local", &renewed).await.status, 400, "and the refresh token");
}
