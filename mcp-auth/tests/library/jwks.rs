//! Which keys of a document are used, and which are published?

use std::{fs, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    Clock,
    issuer::keys::{Alg, SigningKey},
    jwks::{self, JwksError, KeySet},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

const NOW: i64 = 1_800_000_000;

fn jwk() -> Value {
    SigningKey::generate(Alg::Rs256, 2048).unwrap().jwk().unwrap()
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

/// A document as bytes.
fn document<const N: usize>(keys: [&Value; N]) -> Vec<u8> {
    json!({"keys": keys.as_slice()}).to_string().into_bytes()
}

/// An RSA key of so many bits, by its true name. Nobody has the other half; none is needed to refuse it.
fn rsa(bits: usize, exponent: &[u8]) -> Value {
    let mut modulus = vec![0xc5; bits.div_ceil(8)];
    if !bits.is_multiple_of(8) {
        modulus[0] = (1 << (bits % 8)) - 1;
    }
    let [n, e] = [&modulus[..], exponent].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let kid = jwks::thumbprint(&json!({"e": e, "kty": "RSA", "n": n}));
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e})
}

#[test]
fn a_key_that_cannot_be_used_is_passed_over_and_the_others_stay() {
    let (good, other) = (jwk(), jwk());
    let kid = good["kid"].as_str().unwrap();
    for (why, bad) in [
        ("it is for encryption", with(other.clone(), "use", "enc")),
        ("it does not say what for", without(other.clone(), "use")),
        ("it is for another algorithm", with(other.clone(), "alg", "RS512")),
        ("it is for encryption by its algorithm", with(other.clone(), "alg", "RSA-OAEP-256")),
        ("it does not say for which algorithm", without(other.clone(), "alg")),
        ("it is of another type", with(other.clone(), "kty", "EC")),
        ("it is a secret", json!({"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"})),
        ("its name is not its thumbprint", with(other.clone(), "kid", "main")),
        ("it has the name of another key", with(other.clone(), "kid", kid)),
        ("it has no name", without(other.clone(), "kid")),
        ("it has no modulus", without(other.clone(), "n")),
        ("it has no exponent", without(other.clone(), "e")),
        ("its modulus is not base64url", with(other.clone(), "n", "====")),
        ("its exponent is a number", with(other.clone(), "e", 65537)),
        ("1024 bits can be broken", rsa(1024, &[1, 0, 1])),
        ("2047 bits are too few", rsa(2047, &[1, 0, 1])),
        ("8200 bits keep us busy", rsa(8200, &[1, 0, 1])),
        ("with the exponent 1 everybody can sign", rsa(2048, &[1])),
        ("it is no object", json!("key")),
        ("it is of a type to come", json!({"kty": "AKP", "alg": "ML-DSA-65", "kid": "x"})),
    ] {
        let name = bad["kid"].as_str().unwrap_or("x").to_owned();
        assert!(matches!(jwks::parse(&document([&bad])), Err(JwksError::Empty)), "{why}");
        let keys = jwks::parse(&document([&bad, &good])).unwrap();
        assert_eq!(keys.publish(NOW), json!({"keys": [good]}), "{why}");
        assert!(keys.choose(kid, NOW).is_some());
        assert!(name == kid || keys.choose(&name, NOW).is_none(), "{why}");
    }
    assert!(jwks::parse(&document([&rsa(2048, &[1, 0, 1])])).is_ok(), "2048 bits are enough");
    assert!(jwks::parse(&document([&rsa(8192, &[1, 0, 1])])).is_ok(), "8192 bits are not too many");
}

#[test]
fn of_two_keys_with_one_name_the_first_counts() {
    let key = jwk();
    let retired = with(key.clone(), "exp", 1);
    let keys = jwks::parse(&document([&key, &retired])).unwrap();
    assert_eq!(keys.publish(NOW)["keys"].as_array().unwrap().len(), 1);
    let keys = jwks::parse(&document([&retired, &key])).unwrap();
    assert!(keys.choose(key["kid"].as_str().unwrap(), NOW).is_none());
}

#[test]
fn a_key_past_its_time_is_neither_chosen_nor_published() {
    let (key, kid) = (jwk(), |key: &Value| key["kid"].as_str().unwrap().to_owned());
    let keys = jwks::parse(&document([&with(key.clone(), "exp", NOW)])).unwrap();
    assert!(keys.choose(&kid(&key), NOW - 1).is_some());
    assert!(keys.choose(&kid(&key), NOW).is_none());
    assert_eq!(keys.publish(NOW - 1), json!({"keys": [key]}), "when it ends is nobody's business");
    assert_eq!(keys.publish(NOW), json!({"keys": []}));
    assert_eq!(keys.choose(&kid(&key), NOW - 1).unwrap().kid(), kid(&key));
}

#[test]
fn a_private_half_is_never_published() {
    let key = jwk();
    let both = ["d", "p", "q", "dp", "dq", "qi"].into_iter();
    let both = both.fold(key.clone(), |key, name| with(key, name, "c2VjcmV0"));
    let keys = jwks::parse(&document([&both])).unwrap();
    assert_eq!(keys.publish(NOW), json!({"keys": [key]}));
}

#[test]
fn what_is_no_key_set_is_told_from_an_empty_one() {
    for malformed in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}x"#, "null"] {
        let error = jwks::parse(malformed.as_bytes()).err();
        assert!(matches!(error, Some(JwksError::Malformed(_))), "{malformed}: {error:?}");
    }
    assert!(matches!(jwks::parse(br#"{"keys":[]}"#), Err(JwksError::Empty)));
}

#[test]
fn a_key_of_the_wrong_length_is_none() {
    let read = |key: Value| jwks::parse_foreign(&document([&key])).map(|keys| keys.len()).ok();
    let made = |alg| SigningKey::generate(alg, 0).unwrap().jwk().unwrap();
    let (ec, ed) = (made(Alg::Es256), made(Alg::EdDsa));
    assert_eq!((read(ec.clone()), read(ed.clone())), (Some(1), Some(1)));
    let bytes =
        |key: &Value, name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (x, y) = (bytes(&ec, "x"), bytes(&ec, "y"));
    let point = [x.clone(), y.clone()].concat();
    let ec = |x: &[u8], y: &[u8]| {
        let key = with(ec.clone(), "x", URL_SAFE_NO_PAD.encode(x));
        with(key, "y", URL_SAFE_NO_PAD.encode(y))
    };
    let flat = bytes(&ed, "x");
    let ed = |x: &[u8]| with(ed.clone(), "x", URL_SAFE_NO_PAD.encode(x));
    for wrong in [
        ec(&x[..31], &y),
        ec(&x, &y[1..]),
        ec(&point[..31], &point[31..]), // the same point, cut elsewhere
        ec(&point[..33], &point[33..]),
        ec(&[&[0], &*x].concat(), &y),
        ec(&[], &[]),
        ec(&[0; 32], &[0; 32]), // a point that is on no curve
        ed(&flat[..31]),
        ed(&[&*flat, &[0]].concat()),
        ed(&[]),
    ] {
        assert_eq!(read(wrong.clone()), None, "{wrong}");
    }
}

/// A folder with a file of keys, and the set that reads it.
fn folder() -> (TempDir, PathBuf, Arc<KeySet>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let set = KeySet::new(path.clone(), Clock::new(|| NOW));
    (dir, path, set)
}

#[test]
fn a_file_is_read_again_when_it_changes_and_counts_no_more_when_it_is_gone() {
    let (_dir, path, set) = folder();
    let (old, new) = (jwk(), jwk());
    let published = || set.current().map(|keys| keys.publish(NOW)["keys"].clone());
    assert!(matches!(published(), Err(JwksError::Unreadable(_))), "there is no file yet");
    fs::write(&path, document([&old])).unwrap();
    assert_eq!(published().unwrap(), json!([old]));
    fs::write(&path, document([&new, &old])).unwrap();
    assert_eq!(published().unwrap(), json!([new, old]));
    fs::write(&path, "half a fi").unwrap();
    assert!(matches!(published(), Err(JwksError::Malformed(_))));
    fs::write(&path, document([&new])).unwrap();
    assert_eq!(published().unwrap(), json!([new]));
    fs::remove_file(&path).unwrap();
    assert!(matches!(published(), Err(JwksError::Unreadable(_))));
}

async fn ask(set: &Arc<KeySet>, path: &str, known: &[&str]) -> (StatusCode, HeaderMap, String) {
    let server = Router::new()
        .route("/keys", get(jwks::publish).with_state(set.clone()))
        .route("/ready", get(jwks::ready).with_state(set.clone()));
    let mut request = Request::get(path);
    for tag in known {
        request = request.header(header::IF_NONE_MATCH, *tag);
    }
    let response = server.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn keys_are_published_with_a_tag_that_saves_asking_again() {
    let (_dir, path, set) = folder();
    let key = jwk();
    fs::write(&path, document([&key, &with(jwk(), "exp", 1)])).unwrap();
    let (status, headers, body) = ask(&set, "/keys", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"keys": [key]}));
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=300");
    let tag = headers[header::ETAG].to_str().unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "a strong tag: {tag}");
    let (weak, list) = (format!("W/{tag}"), format!("\"a\", {tag}"));
    for known in [&[&*tag][..], &[&*weak], &[&*list], &["*"], &["\"a\"", &*tag]] {
        let (status, headers, body) = ask(&set, "/keys", known).await;
        assert_eq!((status, &*body), (StatusCode::NOT_MODIFIED, ""), "{known:?}");
        assert_eq!(headers[header::ETAG], tag.as_str(), "RFC 9110 §15.4.5");
    }
    for unknown in ["\"a\"", "", &tag[1..tag.len() - 1]] {
        assert_eq!(ask(&set, "/keys", &[unknown]).await.0, StatusCode::OK, "{unknown}");
    }
    fs::write(&path, document([&jwk()])).unwrap();
    assert_eq!(ask(&set, "/keys", &[&tag]).await.0, StatusCode::OK, "other keys, another tag");
}

#[tokio::test]
async fn without_keys_a_server_is_not_ready_and_says_why() {
    let (_dir, path, set) = folder();
    for (content, reason) in [
        (None, "the key set cannot be read"),
        (Some("x"), "the key set is no JSON Web Key Set"),
        (Some(r#"{"keys":[]}"#), "the key set holds no key that can be used"),
    ] {
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        for address in ["/ready", "/keys"] {
            let (status, headers, body) = ask(&set, address, &[]).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{address}");
            assert_eq!(headers[header::RETRY_AFTER], "5");
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["error"], "temporarily_unavailable");
            assert_eq!(body["error_description"], reason, "where the file is stays with us");
        }
    }
    fs::write(&path, document([&jwk()])).unwrap();
    let (status, _, body) = ask(&set, "/ready", &[]).await;
    assert_eq!((status, &*body), (StatusCode::OK, r#"{"status":"ready"}"#));
}
