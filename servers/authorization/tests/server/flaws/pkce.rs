//! PKCE, everywhere and whole.

use serde_json::json;

use crate::{
    browser::Browser,
    steps::{code, exchange_with, registered},
    world::{CHALLENGE, LOCAL, SECRET, VERIFIER, WEB, World, request},
};

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
        ("secret", WEB, SECRET),
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
