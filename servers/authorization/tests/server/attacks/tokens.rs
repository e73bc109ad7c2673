//! Tokens in the wrong hands.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::task::JoinSet;

use crate::{
    browser::Browser,
    steps::{consent_page, exchange, introspected, is_active, pair, refresh, tokens},
    world::{LOCAL, OTHER, RESOURCE, SECRET, World, claims, request},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_send_a_refresh_token_at_once_one_is_answered_and_all_ends() {
    let world = Arc::new(World::new().await);
    let (first, token) = tokens(&world, "local", LOCAL).await;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (world, token) = (world.clone(), token.clone());
        all.spawn(async move { refresh(&world, "local", &token).await });
    }
    let answers = all.join_all().await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), bad.len()), (1, 49));
    assert!(bad.iter().all(|answer| answer.json()["error"] == "invalid_grant"));
    let (second, renewed) = pair(good[0]);
    assert_eq!(refresh(&world, "local", &renewed).await.status, 400, "the family has ended");
    for access in [first, second] {
        assert!(!is_active(&world, &access).await, "and its access tokens");
    }
}

#[tokio::test]
async fn a_refresh_never_gives_more_than_was_allowed() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let asked = request("local", LOCAL, &[("scope", "mcp:read")]);
    let page = consent_page(&world, &mut browser, &asked).await;
    let code = browser.decide(&world, &page, "allow").await.parameter("code").unwrap();
    let (_, token) = pair(&exchange(&world, "local", LOCAL, &code).await);
    let with = async |token: &str, name: &str, value: &str| {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "local")];
        world.token(&[&fields[..], &[(name, value)]].concat()).await
    };
    for (name, value, error) in [
        ("scope", "mcp:tools", "invalid_scope"),
        ("scope", "mcp:read mcp:tools", "invalid_scope"),
        ("scope", "mcp:read admin", "invalid_scope"),
        ("scope", "mcp:*", "invalid_scope"),
        ("resource", OTHER, "invalid_target"),
    ] {
        let answer = with(&token, name, value).await;
        assert_eq!(answer.json()["error"], error, "{value}");
    }
    let answer = with(&token, "scope", "mcp:read").await;
    assert_eq!(answer.json()["scope"], "mcp:read", "a refused request has not cost the token");
    assert_eq!(claims(&pair(&answer).0)["scope"], "mcp:read");
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_alone() {
    let world = World::new().await;
    let (_, token) = tokens(&world, "local", LOCAL).await;
    for client in ["web", "neighbour"] {
        assert_eq!(refresh(&world, client, &token).await.json()["error"], "invalid_grant");
    }
    assert_eq!(refresh(&world, "local", &token).await.status, 200, "and nothing has ended by that");
}

#[tokio::test]
async fn a_token_is_described_to_the_server_that_it_is_for_alone() {
    let world = World::new().await;
    let (access, renewed) = tokens(&world, "local", LOCAL).await;
    let known = introspected(&world, RESOURCE, &access).await.json();
    assert_eq!((&known["active"], &known["sub"]), (&true.into(), &"alice".into()));
    let nothing = serde_json::json!({"active": false});
    let mut parts: Vec<_> = access.split('.').map(str::to_owned).collect();
    let claims = claims(&access).to_string().replace("alice", "gus");
    parts[1] = URL_SAFE_NO_PAD.encode(claims);
    let changed = parts.join(".");
    for (what, server, token) in [
        ("another server", OTHER, &*access),
        ("a client with a secret", "secret", &access),
        ("a refresh token", RESOURCE, &renewed),
        ("a changed token", RESOURCE, &changed),
        ("no token at all", RESOURCE, "x"),
    ] {
        let answer = introspected(&world, server, token).await;
        assert_eq!((answer.status, answer.json()), (200, nothing.clone()), "{what}");
    }
    for (what, fields) in [
        ("nobody", &[("token", &*access)][..]),
        ("a public client", &[("token", &access), ("client_id", "local")]),
        ("a wrong secret", &[("token", &access), ("client_id", RESOURCE), ("client_secret", "x")]),
        ("no secret", &[("token", &access), ("client_id", RESOURCE)]),
        ("an unknown server", &[("token", &access), ("client_id", "x"), ("client_secret", SECRET)]),
    ] {
        let answer = world.form("/introspect", fields).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (401, &"invalid_client".into()),
            "{what}"
        );
    }
    world.pass(300);
    assert!(!is_active(&world, &access).await, "it has expired");
}

#[tokio::test]
async fn nobody_ends_the_tokens_of_others() {
    let world = World::new().await;
    let (access, renewed) = tokens(&world, "local", LOCAL).await;
    for token in [&*access, &renewed] {
        for (client, secret, status) in [
            ("web", "", 200),
            ("neighbour", "", 200),
            ("secret", SECRET, 200),
            (RESOURCE, SECRET, 200),
            ("nobody", "", 401),
            ("", "", 401),
            ("secret", "", 401),
        ] {
            let fields = [("token", token), ("client_id", client), ("client_secret", secret)];
            assert_eq!(world.form("/revoke", &fields).await.status, status, "{client}");
        }
        assert!(is_active(&world, &access).await);
    }
    let (access, renewed) = pair(&refresh(&world, "local", &renewed).await);
    let revoke = async |token: &str| {
        let fields = [("token", token), ("client_id", "local")];
        assert_eq!(world.form("/revoke", &fields).await.status, 200);
    };
    revoke(&access).await;
    assert!(!is_active(&world, &access).await, "its own it does, at once");
    let (access, renewed) = pair(&refresh(&world, "local", &renewed).await);
    revoke(&renewed).await;
    assert!(!is_active(&world, &access).await, "and all that came of it");
    assert_eq!(refresh(&world, "local", &renewed).await.status, 400);
}
