//! Are the keys read again when they change? A step whose folder of keys changes under it.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::PublicUrl;
use mcp_auth::{issuer::keys::Alg, jwks::thumbprint};
use serde_json::{Value, json};
use workshop_tests::{Target, Token, issuer::Issuer, steps};

const NAME: &str = "http://localhost:9000";

/// A step with a folder of keys that the test can change.
async fn target(step: u8) -> (Target, Issuer) {
    let issuer = Issuer::new(NAME, &format!("{NAME}/mcp")).unwrap();
    let dir = issuer.files().dir().display().to_string();
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let app = steps::app(step, &url, &["--keys-dir", &dir]).await.unwrap();
    let target = Target::app(app, &url.endpoint(), step).unwrap();
    let caller = Token(issuer.token(&json!({})).unwrap());
    (target.with_caller(Some(caller)), issuer)
}

async fn kids(t: &Target) -> Vec<String> {
    let document = t.get("/.well-known/jwks.json").send().await.unwrap().json().unwrap();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    document["keys"].as_array().unwrap().iter().map(kid).collect()
}

async fn discover(t: &Target, token: &str) -> u16 {
    let call = t.modern("server/discover", json!({})).token(token);
    call.send().await.unwrap().status.as_u16()
}

#[tokio::test]
async fn after_a_rotation_both_keys_are_published_and_the_document_is_another() {
    for step in [5, 6, 8] {
        let (t, issuer) = target(step).await;
        let tag =
            |answer: workshop_tests::Answer| answer.header("etag").unwrap().unwrap().to_owned();
        let before = tag(t.get("/.well-known/jwks.json").send().await.unwrap());
        let now = issuer.claims()["iat"].as_i64().unwrap();
        let new = issuer.files().rotate(Alg::Rs256, 2048, 3600, now).unwrap();
        assert_eq!(kids(&t).await, [new.kid(), issuer.kid()], "step {step}");
        let answer = t.get("/.well-known/jwks.json").header("if-none-match", &before).send().await;
        assert_ne!(tag(answer.unwrap().is(200).unwrap().clone()), before, "step {step}");
    }
}

#[tokio::test]
async fn what_an_old_key_signed_is_good_until_the_key_is_taken_away() {
    for step in 6..steps::PROVIDER {
        let (t, issuer) = target(step).await;
        let old = issuer.token(&json!({})).unwrap();
        assert_eq!(discover(&t, &old).await, 200, "step {step}");
        let now = issuer.claims()["iat"].as_i64().unwrap();
        issuer.files().rotate(Alg::Rs256, 2048, 3600, now).unwrap();
        assert_eq!(discover(&t, &old).await, 200, "step {step}: the overlap has begun");
        let dir = issuer.files().dir().to_owned();
        let young = Issuer::of(dir, NAME, &t.resource()).unwrap();
        assert_ne!(young.kid(), issuer.kid());
        assert_eq!(discover(&t, &young.token(&json!({})).unwrap()).await, 200, "step {step}");
        issuer.files().rotate(Alg::Rs256, 2048, 0, now).unwrap(); // no overlap
        assert_eq!(discover(&t, &old).await, 401, "step {step}: the key is gone");
    }
}

#[tokio::test]
async fn without_a_key_set_nobody_is_ready_and_nobody_is_let_in() {
    for step in 5..steps::PROVIDER {
        for broken in [None, Some("{"), Some("{}"), Some("{\"keys\":[]}"), Some("[]"), Some("")] {
            let (t, issuer) = target(step).await;
            t.get("/ready").send().await.unwrap().is(200).unwrap();
            let good = fs::read(issuer.files().jwks()).unwrap();
            match broken {
                None => fs::remove_file(issuer.files().jwks()).unwrap(),
                Some(text) => fs::write(issuer.files().jwks(), text).unwrap(),
            }
            for path in ["/ready", "/.well-known/jwks.json"] {
                let answer = t.get(path).send().await.unwrap();
                let body = answer.refused(503).unwrap();
                let reason = body["error_description"].as_str().unwrap();
                assert!(reason.contains("key set"), "step {step} {path}: {reason}");
                let folder = issuer.files().dir().display().to_string();
                assert!(!reason.contains(&folder), "a path of ours: {reason}");
                assert!(answer.headers.contains_key("retry-after"));
            }
            if step >= steps::DOOR {
                let answer = t.modern("server/discover", json!({})).send().await.unwrap();
                answer.refused(503).unwrap();
                assert!(answer.headers.contains_key("retry-after"));
            }
            fs::write(issuer.files().jwks(), good).unwrap();
            t.get("/ready").send().await.unwrap().is(200).unwrap();
        }
    }
}

#[tokio::test]
async fn with_no_key_in_use_nobody_is_ready() {
    for step in [5, 6] {
        let (t, issuer) = target(step).await;
        let mut document: Value =
            serde_json::from_slice(&fs::read(issuer.files().jwks()).unwrap()).unwrap();
        document["keys"][0]["exp"] = json!(1);
        fs::write(issuer.files().jwks(), document.to_string()).unwrap();
        t.get("/ready").send().await.unwrap().refused(503).unwrap();
        assert!(kids(&t).await.is_empty(), "step {step}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_trusted_is_passed_over() {
    for step in [5, 6] {
        let (t, issuer) = target(step).await;
        let good: Value =
            serde_json::from_slice(&fs::read(issuer.files().jwks()).unwrap()).unwrap();
        let good = &good["keys"][0];
        let modulus = URL_SAFE_NO_PAD.decode(good["n"].as_str().unwrap()).unwrap();
        let number = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
        let smaller = [&[modulus[0] & 0x7f | 0x40], &modulus[1..]].concat(); // 2047 bits
        for (member, value) in [
            ("use", json!("enc")),
            ("alg", json!("RS512")),
            ("alg", json!("none")),
            ("kty", json!("oct")),
            ("kid", json!("another")),
            ("e", json!("AQ")),
            ("e", json!("AQAA")),
            ("e", json!("not base64")),
            ("n", json!("")),
            ("n", json!(good["n"].as_str().unwrap()[..170])),
            ("n", number(&smaller)),
            ("n", number(&modulus.repeat(5))), // to make whoever checks a signature work
        ] {
            let mut odd = good.clone();
            odd[member] = value.clone();
            if ["e", "n"].contains(&member) {
                // named as it should be, so that the name is not why it is passed over
                odd["kid"] =
                    thumbprint(&json!({"e": odd["e"], "kty": "RSA", "n": odd["n"]})).into();
            }
            let both = json!({"keys": [odd, good]}).to_string();
            fs::write(issuer.files().jwks(), both).unwrap();
            assert_eq!(kids(&t).await, [issuer.kid()], "step {step}: {member} {value}");
            let alone = json!({"keys": [odd]}).to_string();
            fs::write(issuer.files().jwks(), alone).unwrap();
            t.get("/ready").send().await.unwrap().refused(503).unwrap();
        }
        let mut private = good.clone();
        private["d"] = json!("AQAB");
        fs::write(issuer.files().jwks(), json!({"keys": [private]}).to_string()).unwrap();
        let published = t.get("/.well-known/jwks.json").send().await.unwrap().json().unwrap();
        assert!(published["keys"][0].get("d").is_none(), "step {step}: a private part got out");
    }
}
