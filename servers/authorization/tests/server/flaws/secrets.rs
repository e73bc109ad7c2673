//! What nobody may guess, and what is good once.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    browser::Browser,
    steps::{code, consent_page, exchange, exchange_with, is_active, pair, refresh},
    world::{ISSUER, LOCAL, VERIFIER, WEB, World, request},
};

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
