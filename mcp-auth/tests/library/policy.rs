//! What a server may ask of a token beyond what every token must be.

use std::{
    fs,
    time::{Duration, Instant},
};

use mcp_auth::{
    Cause, Clock, Identity, VerifyError,
    cache::Cache,
    issuer::files::KeyFiles,
    jwks::KeySet,
    jwt::{Policy, Verifier},
    testing::Token,
};
use serde_json::json;

use crate::issuer::{AUDIENCE, NAME, NOW, shared};

fn policy() -> Policy {
    Policy::new(NAME, AUDIENCE)
}

/// What this policy says of a token.
fn verify(policy: Policy, token: Token<'_>) -> Result<Identity, VerifyError> {
    let verifier = Verifier::with_policy(shared().key_set(), policy);
    verifier.verify(&token.mint().unwrap(), NOW)
}

fn alice() -> Token<'static> {
    shared().token("alice")
}

#[test]
fn tokens_of_clients_that_are_not_known_are_refused() {
    let without_client = || alice().claim("client_id", "x").bad("client-missing".parse().unwrap());
    let azp = |azp: &str| without_client().claim("azp", azp);
    for (token, is_known) in [
        (alice().client("agent"), true),
        (alice().client("other-agent"), true),
        (azp("agent"), true),
        (alice().client("agen"), false),
        (alice().client("agent2"), false),
        (alice().client("Agent"), false),
        (azp("stranger"), false),
        (alice().client("stranger").claim("azp", "agent"), false), // `client_id` says who it is
        (without_client(), false),
    ] {
        let answer = verify(policy().clients(["agent", "other-agent"]), token);
        let expected = if is_known { Ok(()) } else { Err(Cause::Client.into()) };
        assert_eq!(answer.map(drop), expected);
    }
    assert!(verify(policy(), without_client()).is_ok(), "all, where none are named");
    let none: [&str; 0] = [];
    let answer = verify(policy().clients(none), alice());
    assert_eq!(answer.unwrap_err(), Cause::Client.into(), "an empty list knows nobody");
}

#[test]
fn a_server_of_two_names_takes_tokens_for_either() {
    let second = "https://mcp.example.com/mcp";
    let both = || policy().audience(second);
    for audience in [json!(AUDIENCE), json!(second), json!([second, "https://other.example"])] {
        assert!(verify(both(), alice().claim("aud", audience.clone())).is_ok(), "{audience}");
    }
    for audience in [json!("https://other.example"), json!([]), json!([second, 1])] {
        let answer = verify(both(), alice().claim("aud", audience.clone()));
        assert_eq!(answer.unwrap_err(), Cause::Audience.into(), "{audience}");
    }
    let answer = verify(policy(), alice().audience(second));
    assert_eq!(answer.unwrap_err(), Cause::Audience.into());
}

#[test]
fn roles_are_read_where_the_policy_says_and_nowhere_else() {
    let token = || {
        let token = alice().claim("roles", json!(["a"]));
        let token = token.claim("realm_access", json!({"roles": ["b"]}));
        let clients = json!({"my/client": {"roles": ["c", "d"]}, "other": {"roles": ["e"]}});
        token.claim("resource_access", clients)
    };
    let roles = |policy: Policy, token: Token<'_>| {
        let caller = verify(policy, token)?;
        Ok::<_, VerifyError>(caller.roles().collect::<Vec<_>>().join(" "))
    };
    let of_client = ["/resource_access/my~1client/roles"];
    assert_eq!(roles(policy(), token()).unwrap(), "a b");
    assert_eq!(roles(policy().roles_at(of_client), token()).unwrap(), "c d");
    assert_eq!(roles(policy().roles_at(["/nowhere/at/all"]), token()).unwrap(), "");
    let none: [&str; 0] = [];
    assert_eq!(roles(policy().roles_at(none), token()).unwrap(), "");
    for wrong in [json!("c"), json!({"roles": "c"}), json!({"roles": ["c", 1]})] {
        let clients = json!({"my/client": wrong});
        let answer = roles(policy().roles_at(of_client), alice().claim("resource_access", clients));
        let cause = Cause::Claim("the one that holds the roles");
        assert_eq!(answer.unwrap_err(), cause.into(), "{wrong}");
    }
}

#[test]
fn the_leeway_is_five_seconds_or_what_was_set() {
    for (policy, leeway) in [
        (policy(), 5),
        (policy().leeway(Duration::ZERO), 0),
        (policy().leeway(Duration::from_millis(30_900)), 30),
    ] {
        let ended = |seconds: i64| alice().claim("exp", NOW - seconds);
        let begins = |name: &str, seconds: i64| alice().claim(name, NOW + seconds);
        let answer = |token| verify(policy.clone(), token).map(drop);
        assert_eq!(answer(ended(leeway - 1)), Ok(()));
        assert_eq!(answer(ended(leeway)), Err(Cause::Expired.into()));
        for name in ["nbf", "iat"] {
            assert_eq!(answer(begins(name, leeway)), Ok(()), "{name}");
            let early =
                VerifyError::Invalid(Cause::Early(if name == "nbf" { "nbf" } else { "iat" }));
            assert_eq!(answer(begins(name, leeway + 1)), Err(early));
        }
    }
}

fn cache() -> Cache {
    Cache::new(10, 1 << 20, Duration::from_secs(60)).unwrap()
}

#[test]
fn a_verdict_that_is_kept_is_of_one_token_and_ends_with_it() {
    let verifier = Verifier::with_policy(shared().key_set(), policy());
    let cache = cache();
    let (good, other) = (alice().mint().unwrap(), shared().token("bob").mint().unwrap());
    for _ in 0..2 {
        assert_eq!(verifier.verify_with(&cache, &good, NOW).unwrap().subject(), "alice");
    }
    assert_eq!(cache.len(), 1);
    let (said, signature) = (good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    let forged = verifier.verify_with(&cache, &format!("{said}.{signature}"), NOW);
    assert_eq!(forged.unwrap_err(), Cause::Signature.into());
    assert_eq!(cache.len(), 1, "a refusal is not kept");
    let late = verifier.verify_with(&cache, &good, NOW + 24 * 3600);
    assert_eq!(late.unwrap_err(), Cause::Expired.into());
}

#[test]
fn a_verdict_that_is_kept_ends_with_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    fs::copy(KeyFiles::new(shared().keys_dir()).jwks(), &file).unwrap();
    let keys = KeySet::new(file.clone(), Clock::default());
    let verifier = Verifier::with_policy(keys, policy());
    let (cache, token) = (cache(), alice().mint().unwrap());
    assert!(verifier.verify_with(&cache, &token, NOW).is_ok());
    fs::write(&file, r#"{"keys": []}"#).unwrap();
    let begun = Instant::now();
    while verifier.verify_with(&cache, &token, NOW).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "the key is gone, and still opens");
        std::thread::yield_now();
    }
}
