//! Tokens in the wrong hands, and clients that say to be others.

use std::sync::Arc;

use axum::{body::Body, http::Request};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use tokio::task::JoinSet;

use crate::{
    steps::{code, consent_page, exchange, introspected, is_active, pair, refresh, tokens},
    world::{
        Answer, Browser, LOCAL, OTHER, RESOURCE, SECRET, VERIFIER, WEB, World, claims, encoded,
        request,
    },
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

async fn token_request(world: &World, basic: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let mut request =
        Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(basic)));
    }
    world.send(request.body(Body::from(encoded(fields))).unwrap()).await
}

#[tokio::test]
async fn nobody_is_a_client_by_saying_so() {
    let world = World::with(|builder| builder.without_rates()).await;
    let good = format!("secret:{}", SECRET.replace(' ', "+"));
    let (id, secret) = (("client_id", "secret"), ("client_secret", SECRET));
    let wrong = format!("{SECRET}!");
    for (what, basic, fields, status, error) in [
        ("without its secret", None, &[id][..], 401, "invalid_client"),
        ("with a wrong secret", None, &[id, ("client_secret", &*wrong)], 401, "invalid_client"),
        ("with an empty secret", None, &[id, ("client_secret", "")], 401, "invalid_client"),
        ("with a wrong secret in the header", Some("secret:x"), &[], 401, "invalid_client"),
        ("with no secret in the header", Some("secret:"), &[], 401, "invalid_client"),
        ("with a header that cannot be read", Some("secret"), &[id], 401, "invalid_client"),
        (
            "with the secret of another",
            None,
            &[("client_id", "web"), secret],
            401,
            "invalid_client",
        ),
        ("a public client with a header", Some("local:"), &[], 401, "invalid_client"),
        ("nobody", None, &[], 401, "invalid_client"),
        ("an unknown one", None, &[("client_id", "nobody")], 401, "invalid_client"),
        (
            "an unknown one with a secret",
            None,
            &[("client_id", "nobody"), secret],
            401,
            "invalid_client",
        ),
        (
            "one in the header, one in the form",
            Some(&good),
            &[("client_id", "web")],
            401,
            "invalid_client",
        ),
        ("by both ways", Some(&good), &[id, secret], 400, "invalid_request"),
        ("with two ids", None, &[id, ("client_id", "web"), secret], 400, "invalid_request"),
        ("with two secrets", None, &[id, secret, ("client_secret", "x")], 400, "invalid_request"),
        (
            "by a signature that is none",
            None,
            &[
                id,
                ("client_assertion", "x"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ],
            401,
            "invalid_client",
        ),
        (
            "by a secret and a signature",
            None,
            &[
                id,
                secret,
                ("client_assertion", "x"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ],
            400,
            "invalid_request",
        ),
    ] {
        let code = code(&world, "secret", WEB).await;
        let grant =
            [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let answer = token_request(&world, basic, &[&grant[..], fields].concat()).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()), "{what}");
        let is_told_how = answer.headers.contains_key("www-authenticate");
        assert_eq!(is_told_how, basic.is_some() && status == 401, "{what}");
        let answer = token_request(&world, Some(&good), &grant).await;
        assert_eq!(
            answer.status, 200,
            "{what}: and the code is still the client's own: {}",
            answer.text
        );
    }
    // what stands in the address is in logs, and not read
    let code = code(&world, "secret", WEB).await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let address = format!("/token?{}", encoded(&[id, secret]));
    assert_eq!(world.form(&address, &fields).await.status, 401);
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
async fn clients_that_may_not_act_alone_do_not() {
    let world = World::new().await;
    for (client, secret) in [("local", ""), ("secret", SECRET), (RESOURCE, SECRET)] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
        ];
        assert_eq!(world.token(&fields).await.json()["error"], "unauthorized_client", "{client}");
    }
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "AUTHORIZATION_CODE",
    ] {
        let fields = [
            ("grant_type", grant),
            ("client_id", "local"),
            ("username", "alice"),
            ("password", "a good password"),
        ];
        assert_eq!(world.token(&fields).await.json()["error"], "unsupported_grant_type", "{grant}");
    }
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
