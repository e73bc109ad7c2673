//! Keys of an issuer elsewhere: found, fetched, kept up to date, and kept through whatever an issuer may do.

mod authority;
mod fake;
mod faults;
mod outage;
mod proxy;
mod tls;
mod unknown;

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::get};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use mcp_auth::{
    Identity, VerifyError,
    algorithm::Algorithm,
    issuer::keys::{Alg, SigningKey},
    jwt::Policy,
    remote::{ConnectError, Remote, RemoteVerifier},
    verify::{Cause, Verify as _},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use self::fake::{AUDIENCE, Fake, NOW, key, token};

/// What a test waits for at most.
const PATIENCE: Duration = Duration::from_secs(20);

fn remote(fake: &Fake) -> Remote {
    Remote::new(Policy::new(&fake.issuer, AUDIENCE))
        .timeout(Duration::from_secs(1))
        .wait(Duration::ZERO)
}

async fn connected(fake: &Fake) -> RemoteVerifier {
    remote(fake).connect().await.unwrap()
}

async fn ask(verifier: &RemoteVerifier, token: &str) -> Result<Identity, VerifyError> {
    verifier.verify(token, NOW).await
}

fn is_unavailable(answer: &Result<Identity, VerifyError>) -> bool {
    matches!(answer, Err(VerifyError::Unavailable { retry_after }) if retry_after.as_secs() > 0)
}

#[tokio::test]
async fn metadata_stands_at_one_of_three_addresses() {
    let key = key();
    for (path, at) in [
        ("", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration"),
        ("/", "/.well-known/openid-configuration"),
        ("/realms/a", "/.well-known/oauth-authorization-server/realms/a"),
        ("/realms/a", "/.well-known/openid-configuration/realms/a"),
        ("/realms/a", "/realms/a/.well-known/openid-configuration"),
    ] {
        let fake = Fake::at(path, at, &[&key]).await;
        let verifier = connected(&fake).await;
        let caller = ask(&verifier, &token(&fake, &key)).await.unwrap();
        assert_eq!((caller.subject(), caller.issuer()), ("alice", &*fake.issuer), "{at}");
    }
    let nowhere = Fake::at("/realms/a", "/realms/a/metadata", &[&key]).await;
    let error = remote(&nowhere).connect().await.unwrap_err().to_string();
    assert!(error.contains("answers 404"), "{error}");
}

#[tokio::test]
async fn whoever_signs_with_another_key_is_refused() {
    let (ours, other) = (key(), key());
    let fake = Fake::new(&[&ours]).await;
    let verifier = connected(&fake).await;
    let answer = ask(&verifier, &token(&fake, &other)).await;
    assert_eq!(answer.unwrap_err(), VerifyError::Invalid(Cause::Key));
    let good = token(&fake, &ours);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let changed =
        format!("{signed}.{}{signature}", if signature.starts_with('A') { 'B' } else { 'A' });
    let answer = ask(&verifier, &changed[..good.len()]).await;
    assert_eq!(answer.unwrap_err(), VerifyError::Invalid(Cause::Signature));
}

#[tokio::test]
async fn keys_of_every_kind_that_the_policy_names_are_taken() {
    let keys =
        [Alg::Rs256, Alg::Es256, Alg::EdDsa].map(|alg| SigningKey::generate(alg, 2048).unwrap());
    let fake = Fake::new(&keys.each_ref()).await;
    let all = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let policy = Policy::new(&fake.issuer, AUDIENCE).algorithms(all);
    let verifier = Remote::new(policy).connect().await.unwrap();
    for key in &keys {
        let answer = ask(&verifier, &token(&fake, key)).await;
        assert!(answer.is_ok(), "{}: {answer:?}", key.alg().name());
    }
    let strict = connected(&fake).await; // RS256 alone, whatever the issuer has
    for (key, is_good) in keys.iter().zip([true, false, false]) {
        assert_eq!(ask(&strict, &token(&fake, key)).await.is_ok(), is_good, "{}", key.alg().name());
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_passed_over() {
    let (ours, weak, other) = (key(), key(), key());
    let fake = Fake::new(&[]).await;
    let with = |key: &SigningKey, name: &str, value: Value| {
        let mut jwk = key.jwk().unwrap();
        jwk[name] = value;
        jwk
    };
    let zeros = "A".repeat(43); // 32 bytes, and on no curve
    let mut twice = with(&other, "kid", ours.kid().into());
    twice["use"] = "sig".into();
    fake.publish(&json!({"keys": [
        with(&weak, "use", "enc".into()),
        with(&weak, "n", "AQAB".into()),
        with(&weak, "kty", "oct".into()),
        with(&weak, "alg", "RSA-OAEP".into()),
        with(&weak, "key_ops", json!(["encrypt"])),
        with(&weak, "kid", "".into()),
        {"kty": "EC", "crv": "P-256", "kid": "short", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "kid": "no point", "x": zeros, "y": zeros},
        {"kty": "OKP", "crv": "X25519", "kid": "other", "x": "AA"},
        "not an object", null, {},
        ours.jwk().unwrap(),
        twice,
    ]}));
    let verifier = connected(&fake).await;
    assert!(ask(&verifier, &token(&fake, &ours)).await.is_ok());
    assert_eq!(ask(&verifier, &token(&fake, &weak)).await.unwrap_err(), Cause::Key.into());
    let unnamed = fake::named_token(&fake, &weak, "");
    assert_eq!(ask(&verifier, &unnamed).await.unwrap_err(), Cause::Key.into());
    let usurped = fake::named_token(&fake, &other, ours.kid());
    assert_eq!(ask(&verifier, &usurped).await.unwrap_err(), Cause::Signature.into());
}

#[tokio::test]
async fn keys_that_change_are_fetched_now_and_then_and_old_verdicts_end() {
    let (first, second) = (key(), key());
    let fake = Fake::new(&[&first]).await;
    let verifier = remote(&fake).refresh(Duration::from_secs(1)).connect().await.unwrap();
    let generation = verifier.generation();
    assert!(ask(&verifier, &token(&fake, &first)).await.is_ok());
    fake.sign_with(&[&second]);
    let changed = async {
        while verifier.generation() == generation {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.unwrap();
    assert_eq!(ask(&verifier, &token(&fake, &first)).await.unwrap_err(), Cause::Key.into());
    assert!(ask(&verifier, &token(&fake, &second)).await.is_ok());
    let fetches = fake.key_fetches();
    drop(verifier);
    tokio::time::sleep(Duration::from_millis(2500)).await; // what must not happen has no event to wait for
    assert!(fake.key_fetches() <= fetches + 1, "nobody needs the keys any more");
}

#[tokio::test]
async fn from_inside_an_issuer_has_another_address_and_the_same_name() {
    let key = key();
    let fake = Fake::called("https://login.example.com/realms/a", &[&key]).await;
    let policy = || Policy::new(&fake.issuer, AUDIENCE);
    let quick = |remote: Remote| remote.wait(Duration::ZERO).timeout(Duration::from_secs(1));
    for inside in
        [fake.origin.clone(), format!("{}/", fake.origin), format!("{}/realms/a", fake.origin)]
    {
        let remote = quick(Remote::new(policy())).internal_url(&inside).unwrap();
        let verifier = remote.connect().await.unwrap();
        assert!(ask(&verifier, &token(&fake, &key)).await.is_ok(), "{inside}");
    }
    for bad in
        ["keycloak:8080", "ftp://keycloak", "http://user@keycloak", "http://keycloak/realms/b"]
    {
        let error = Remote::new(policy()).internal_url(bad).unwrap_err().to_string();
        assert!(error.contains(bad), "{error}");
    }
    // another issuer at the inner address is not taken for ours
    let policy = Policy::new("https://login.example.com/realms/b", AUDIENCE);
    let remote = quick(Remote::new(policy)).internal_url(&fake.origin).unwrap();
    assert!(remote.connect().await.is_err());
}

#[tokio::test]
async fn settings_that_cannot_work_are_told() {
    let remote = || Remote::new(Policy::new("https://login.example.com", AUDIENCE));
    let error = remote().authorities(b"no certificate").unwrap_err().to_string();
    assert!(error.contains("no certificate"), "{error}");
    assert!(remote().proxy("::").is_err());
    for bad in ["http://login.example.com", "login.example.com", "https://login.example.com?a", ""]
    {
        let connecting = Remote::new(Policy::new(bad, AUDIENCE)).connect();
        let error = connecting.now_or_never().expect("it waits for what cannot come").unwrap_err();
        assert!(matches!(error, ConnectError::Setting(_)), "{error}");
        assert!(error.to_string().contains(bad), "{error}");
    }
}

/// Status and document of `/ready`.
async fn ready(verifier: &RemoteVerifier) -> (u16, Value) {
    let app =
        Router::new().route("/ready", get(mcp_auth::remote::ready)).with_state(verifier.clone());
    let answer = app.oneshot(Request::get("/ready").body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers().contains_key("retry-after"), status == 503);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}
