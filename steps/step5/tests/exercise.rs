//! The exercise of step 5: a key whose exponent is too small is passed over.
//!
//! `cargo test -p step5 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use step5::jwks::parse;

/// The public half of a key of 2048 bits; the other half was thrown away.
const MODULUS: &str = "rFxaGCMuDavCAv_TUALObqX5aq9u-7bw_mV_lPl8Im18dkHari4ncHZGfmpHw-87h7KLIIc3L6Mi21FI0WaP-k\
    nctG19ASqKwn4x57cKrLrqlC4H-UoHmQTyZZAuJxXfFMxq8CXWC9V1qN8o3Wp-uHL1aamDLisXjYhxNvLh0ai_\
    CuY0pHKy8-_l20rG1UXN4ZJU7nlNU3q1AddLmFumpXcj-wWhWd9RNoxUBbB8EPb0lpBt1qMC1PRYlUMjxOPJRD\
    5lTIff7v_S1tUoRji8SbN-L90-v51Hem26XsuxoF7VnAK5ddnxAxIB6pmJ-g65aritXR0QjEaPHf4NPr35lQ";

/// An entry with this exponent, named by its thumbprint.
fn key(exponent: &[u8]) -> Value {
    let e = URL_SAFE_NO_PAD.encode(exponent);
    let members = json!({"e": e, "kty": "RSA", "n": MODULUS}).to_string();
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": MODULUS, "e": e})
}

fn set(keys: &[Value]) -> Vec<u8> {
    json!({"keys": keys}).to_string().into_bytes()
}

#[test]
#[ignore = "exercise"]
fn a_key_with_a_small_exponent_is_passed_over() {
    let good = key(&[1, 0, 1]);
    for exponent in [&[3][..], &[17], &[1, 0, 0]] {
        let keys = parse(&set(&[key(exponent), good.clone()])).expect("the good key is there");
        let published = keys.publish(0);
        let entries = published["keys"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "exponent {exponent:?}: {published}");
        assert_eq!(entries[0]["kid"], good["kid"], "the one that stays is the good one");
    }
}

#[test]
#[ignore = "exercise"]
fn a_set_of_small_exponents_is_no_set() {
    assert!(parse(&set(&[key(&[3]), key(&[17])])).is_err(), "not ready is better than weak");
}

#[test]
#[ignore = "exercise"]
fn the_usual_key_stays() {
    let keys = parse(&set(&[key(&[1, 0, 1])])).expect("65537 is what everybody uses");
    assert_eq!(keys.publish(0)["keys"][0]["e"], "AQAB");
}
