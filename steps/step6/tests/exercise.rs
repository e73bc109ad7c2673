//! The exercise of step 6: a token that is good for years is not taken.
//!
//! `cargo test -p step6 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::time::Duration;

use mcp_auth::{
    Clock,
    issuer::{files::KeyFiles, keys::SigningKey},
    jwks::KeySet,
};
use serde_json::{Value, json};
use step6::jwt::Verifier;

const NOW: i64 = 1_800_000_000;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A verifier, and the key that it trusts; the folder holds the key for as long as it lives.
fn door() -> (Verifier, SigningKey, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let files = KeyFiles::new(folder.path().join("keys"));
    let (key, _) = files.ensure().unwrap();
    let keys = KeySet::new(files.jwks(), Clock::new(|| NOW));
    let verifier = Verifier::new(keys, "issuer".into(), "audience".into(), Duration::from_secs(5));
    (verifier, key, folder)
}

/// Is a token with these times taken?
fn taken(times: Value) -> bool {
    let (verifier, key, _folder) = door();
    let mut claims = json!({"iss": "issuer", "aud": "audience", "sub": "alice"});
    claims.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    let token = key.token("at+jwt", &claims).unwrap();
    verifier.verify(&token, NOW).is_ok()
}

#[test]
#[ignore = "exercise"]
fn a_token_for_an_hour_or_a_day_is_taken() {
    assert!(taken(json!({"iat": NOW, "exp": NOW + HOUR})), "an hour");
    assert!(taken(json!({"iat": NOW, "exp": NOW + DAY})), "a day, to the second");
    assert!(taken(json!({"iat": NOW - DAY + 1, "exp": NOW + 1})), "a day that is nearly over");
}

#[test]
#[ignore = "exercise"]
fn a_token_for_longer_is_not() {
    assert!(!taken(json!({"iat": NOW, "exp": NOW + DAY + 1})), "a second more than a day");
    assert!(!taken(json!({"iat": NOW, "exp": NOW + 3650 * DAY})), "ten years");
    assert!(!taken(json!({"iat": NOW, "exp": i64::MAX})), "for ever");
}

#[test]
#[ignore = "exercise"]
fn it_does_not_get_better_with_age() {
    let last_hour = json!({"iat": NOW - 3650 * DAY, "exp": NOW + HOUR});
    assert!(!taken(last_hour), "the last hour of a token for ten years");
}

#[test]
#[ignore = "exercise"]
fn without_iat_a_token_counts_from_now() {
    assert!(taken(json!({"exp": NOW + HOUR})), "`iat` is not required");
    assert!(!taken(json!({"exp": NOW + 3650 * DAY})), "leaving it out must not help");
}
