//! What is true whatever the input is.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    ScopeSet, bearer,
    challenge::Challenge,
    jwks, members,
    testing::{Expected, Kind},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::issuer::{NOW, shared, verifier};

/// Any text, and often one with what ends a quoted string, a parameter or a header.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), r#"[a-c"\\, =\r\n\t\x00\x7f\u{e4}]{0,20}"#]
}

/// The parameters of one challenge for bearer tokens (RFC 9110 §11.6.1): each a name, `=` and a quoted string.
fn parameters(challenge: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut rest = challenge.strip_prefix("Bearer ")?;
    loop {
        let (name, quoted) = rest.split_once("=\"")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return None;
        }
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(characters.next()?.1),
                (_, other) => value.push(other),
            }
        };
        if parameters.insert(name.to_owned(), value).is_some() {
            return None; // RFC 6750 §3: not more than once
        }
        rest = &quoted[end..];
        if rest.is_empty() {
            return Some(parameters);
        }
        rest = rest.strip_prefix(", ")?;
    }
}

/// What a header can carry of a text.
fn carried(text: &str) -> String {
    text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_challenge_parses_back_to_its_values(why in text(), scope in text(), metadata in text()) {
        let challenge = Challenge {
            resource_metadata: Some(metadata.clone()),
            scope: Some(scope.clone()),
        };
        let response = challenge.malformed(&why);
        let values: Vec<_> = response.headers().get_all(header::WWW_AUTHENTICATE).iter().collect();
        prop_assert_eq!(values.len(), 1);
        let parsed = parameters(values[0].to_str().unwrap());
        let expected = [
            ("error", "invalid_request".to_owned()),
            ("error_description", carried(&why)),
            ("scope", carried(&scope)),
            ("resource_metadata", carried(&metadata)),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        prop_assert_eq!(parsed, Some(expected));
    }

    #[test]
    fn a_word_that_is_read_is_visible_ascii_and_stood_in_the_header(
        value in vec(any::<u8>(), 0..40),
        prefix in prop_oneof![Just(""), Just("Bearer "), Just("bEARER  ")],
        query in prop_oneof![Just(String::new()), "[a-z%0-9=&_]{0,20}"],
    ) {
        let value = [prefix.as_bytes(), &value].concat();
        let Ok(header) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, header)]);
        let uri: Uri = format!("/mcp?{query}").parse().unwrap();
        if let Ok(word) = bearer::token(&uri, &headers, 30) {
            prop_assert!(!word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic()), "{word:?}");
            prop_assert!(value.len() <= 30);
            let value = std::str::from_utf8(&value).unwrap();
            let (scheme, rest) = value.split_once(' ').unwrap();
            prop_assert!(scheme.eq_ignore_ascii_case("bearer"));
            prop_assert_eq!(rest.trim_matches(' '), word);
        }
    }

    #[test]
    fn any_word_of_visible_ascii_is_read(word in "[!-~]{1,40}", blanks in " {1,4}") {
        let value: HeaderValue = format!("Bearer{blanks}{word}").parse().unwrap();
        let (uri, length) = (Uri::from_static("/mcp"), value.len());
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        prop_assert_eq!(bearer::token(&uri, &headers, length), Ok(&*word));
        prop_assert!(bearer::token(&uri, &headers, length - 1).is_err(), "one byte too long");
    }

    #[test]
    fn scopes_survive_being_written_and_read(words in vec("[^ ]{0,6}", 0..6)) {
        let scopes: ScopeSet = words.iter().map(String::as_str).collect();
        prop_assert_eq!(scopes.to_string().parse::<ScopeSet>().unwrap(), scopes.clone());
        prop_assert_eq!(ScopeSet::from_claim(&Value::from(scopes.to_string())), Some(scopes.clone()));
        prop_assert_eq!(ScopeSet::from_claim(&Value::from(words.clone())), Some(scopes.clone()));
        let granted: Vec<_> = words.iter().filter(|word| !word.is_empty()).collect();
        prop_assert!(granted.iter().all(|word| scopes.contains(word)));
        prop_assert!(scopes.iter().all(|scope| granted.iter().any(|word| *word == scope)));
    }

    #[test]
    fn what_nobody_signed_is_refused(
        header in prop_oneof![text(), Just(r#"{"alg":"RS256"}"#.to_owned())],
        claims in text(),
        rest in text(),
    ) {
        prop_assert!(verifier(shared()).verify(&rest, NOW).is_err());
        let [header, claims] = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
        let token = format!("{header}.{claims}.{rest}");
        prop_assert!(verifier(shared()).verify(&token, NOW).is_err());
    }

    #[test]
    fn bytes_that_are_no_keys_are_refused(bytes in vec(any::<u8>(), 0..60), n in text(), e in text()) {
        prop_assert!(jwks::parse(&bytes).is_err());
        let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": n, "n": n, "e": e});
        let document = json!({"keys": [key]}).to_string();
        prop_assert!(jwks::parse(document.as_bytes()).is_err());
    }

    #[test]
    fn a_name_that_is_added_to_its_own_object_is_refused(name in text(), depth in 0..10_usize) {
        let name = Value::from(name);
        let (before, behind) = ("{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        let once = format!("{before}{{{name}:1}}{behind}");
        let twice = format!("{before}{{{name}:1,{name}:1}}{behind}");
        prop_assert!(members::object(once.as_bytes()).is_some());
        prop_assert!(members::object(twice.as_bytes()).is_none());
    }
}

/// Not a sample: each bit. A flipped bit of the signature, of what is signed, or of how it is spelled.
#[test]
fn a_token_with_any_one_bit_flipped_is_refused() {
    let verifier = verifier(shared());
    let token = shared().token("alice").scope("mcp:read").mint().unwrap();
    assert!(verifier.verify(&token, NOW).is_ok());
    for bit in 0..token.len() * 8 {
        let mut bytes = token.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // what is not even text is not a header's word either
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(verifier.verify(&changed, NOW).is_err(), "bit {bit} of {token}");
    }
}

/// The token of one kind is refused, taken, or powerless at any time at which it is made.
#[test]
fn what_a_row_says_is_true_at_any_time() {
    let verifier = verifier(shared());
    for now in [1_000_000_000, NOW, 4_102_444_800] {
        for kind in Kind::all() {
            let token = shared().token("alice").scope("mcp:read").at(now).bad(kind).mint().unwrap();
            let is_refused = matches!(kind.expected(), Expected::Refused(_));
            assert_eq!(verifier.verify(&token, now).is_err(), is_refused, "{kind} at {now}");
        }
    }
}
