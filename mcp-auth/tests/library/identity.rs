//! Who is calling? What an identity cannot do without, whoever has checked the claims.

use mcp_auth::{Cause, Identity, identity::seconds};
use serde_json::{Map, Value, json};

fn claims() -> Map<String, Value> {
    let claims = json!({"iss": "https://login.example.com", "sub": "alice", "exp": 1_800_000_000});
    claims.as_object().unwrap().clone()
}

#[test]
fn an_identity_has_an_issuer_a_subject_and_an_end() {
    let who = Identity::from_checked_claims(claims(), "k").unwrap();
    assert_eq!((who.issuer(), who.subject()), ("https://login.example.com", "alice"));
    assert_eq!((who.expires(), who.key_id()), (1_800_000_000, "k"));
    for name in ["iss", "sub", "exp"] {
        for wrong in [None, Some(json!("")), Some(json!(null)), Some(json!([1]))] {
            let mut claims = claims();
            match wrong.clone() {
                Some(wrong) => claims.insert(name.to_owned(), wrong),
                None => claims.remove(name),
            };
            let error = Identity::from_checked_claims(claims, "k").err();
            assert_eq!(error, Some(Cause::Claim(name)), "{name}: {wrong:?}");
        }
    }
}

#[test]
fn a_claim_is_found_by_its_pointer() {
    let mut claims = claims();
    claims.insert("a/b~c".to_owned(), json!({"": 1, "list": [{"x": 2}]}));
    claims.insert("~1".to_owned(), json!(3));
    let who = Identity::from_checked_claims(claims, "k").unwrap();
    assert_eq!(who.claim("/sub"), Some(&json!("alice")));
    assert_eq!(who.claim("/a~1b~0c/list/0/x"), Some(&json!(2)));
    assert_eq!(who.claim("/a~1b~0c/"), Some(&json!(1)), "RFC 6901 §4: an empty name is a name");
    assert_eq!(who.claim("/~01"), Some(&json!(3)), "RFC 6901 §4: `~1` first, then `~0`");
    for none in ["", "/", "sub", "/sub/", "/sub/x", "/a~1b~0c/list/1", "/nobody", "//sub"] {
        assert_eq!(who.claim(none), None, "{none:?}");
    }
}

#[test]
fn of_two_claims_the_first_counts() {
    let mut claims = claims();
    for (name, value) in
        [("client_id", "cli"), ("azp", "web"), ("preferred_username", "al"), ("name", "Alice")]
    {
        claims.insert(name.to_owned(), json!(value));
    }
    let who = Identity::from_checked_claims(claims, "k").unwrap();
    assert_eq!((who.client(), who.name()), (Some("cli"), Some("al")));
}

#[test]
fn a_time_is_a_number_from_1970_to_9999() {
    for (claim, expected) in [
        (json!(0), Some(0)),
        (json!(1.999), Some(1)),
        (json!(253_402_300_799_i64), Some(253_402_300_799)),
        (json!(253_402_300_800_i64), None),
        (json!(-1), None),
        (json!(-0.5), None),
        (json!(u64::MAX), None),
        (json!("1"), None),
        (json!(true), None),
        (json!(null), None),
    ] {
        assert_eq!(seconds(Some(&claim)), expected, "{claim}");
    }
    assert_eq!(seconds(None), None);
}
