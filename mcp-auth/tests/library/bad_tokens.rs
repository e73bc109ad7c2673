//! Does the library refuse each bad token of the table, for the cause that the table names?

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::{
    Cause, Clock, Identity, VerifyError,
    algorithm::Algorithm,
    bearer,
    jwks::{self, KeySet},
    jwt::{Policy, Verifier},
    testing::{Expected, Issuer, Kind, Token},
};
use serde_json::json;

use crate::issuer::{AUDIENCE, NAME, NOW, new, shared, verifier};

const SCOPE: &str = "mcp:read mcp:tools mcp:prompts";

fn bad(issuer: &Issuer, kind: Kind) -> String {
    issuer.token("alice").scope(SCOPE).bad(kind).mint().unwrap()
}

#[test]
fn each_row_gets_what_it_should_for_the_cause_that_the_table_names() {
    let issuer = shared();
    let verifier = verifier(issuer);
    let mut wrong = Vec::new();
    for kind in Kind::all() {
        let result = verifier.verify(&bad(issuer, kind), NOW);
        let is_right = match (kind.expected(), &result) {
            (Expected::Refused(cause), Err(error)) => *error == VerifyError::Invalid(cause),
            (Expected::Taken, Ok(identity)) => {
                may(identity) == BTreeSet::from_iter(SCOPE.split(' '))
            }
            (Expected::Powerless, Ok(identity)) => {
                may(identity).is_disjoint(&SCOPE.split(' ').collect())
                    && identity.roles().all(|role| role != "admin")
            }
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{kind}: {:?}, and got {result:?}", kind.expected()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn may(identity: &Identity) -> BTreeSet<&str> {
    identity.scopes().iter().collect()
}

#[test]
fn the_table_is_long_and_each_row_has_a_name_of_its_own_and_a_sentence() {
    let names: BTreeSet<_> = Kind::all().map(Kind::name).collect();
    assert_eq!(names.len(), Kind::all().count(), "a name stands twice");
    let refused = Kind::all().filter(|kind| matches!(kind.expected(), Expected::Refused(_)));
    assert!(refused.count() >= 60, "at least 60 tokens are to be refused");
    for kind in Kind::all() {
        let is_kebab =
            kind.name().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(is_kebab, "{kind} is not in kebab-case");
        assert_eq!(kind.to_string().parse(), Ok(kind));
        assert!(
            kind.tries().len() > 10 && !kind.tries().ends_with('.'),
            "{kind}: {}",
            kind.tries()
        );
    }
}

#[test]
fn the_tokens_of_the_table_fit_into_a_header() {
    let issuer = shared();
    for kind in Kind::all() {
        let value = format!("Bearer {}", bad(issuer, kind));
        assert!(value.len() <= 8192, "{kind} has {} bytes", value.len());
        let headers = [("authorization".parse().unwrap(), value.parse().unwrap())];
        let headers = headers.into_iter().collect();
        let word = bearer::token(&"/mcp".parse().unwrap(), &headers, 8192);
        assert!(word.is_ok(), "{kind}: {word:?}, so the server would never look at the token");
    }
}

/// A row is about one thing: of two faults, a server that misses one would still refuse for the other.
#[test]
fn a_bad_token_differs_from_a_good_one() {
    let issuer = shared();
    for kind in Kind::all() {
        let good = issuer.token("alice").scope(SCOPE).claim("jti", "1").mint().unwrap();
        let other = issuer.token("alice").scope(SCOPE).claim("jti", "1").bad(kind).mint().unwrap();
        let is_good_as_it_is = kind.name() == "typ-at-lower";
        assert_eq!(other == good, is_good_as_it_is, "{kind}");
    }
}

#[test]
fn alg_none_is_refused_in_all_sixteen_spellings() {
    let issuer = shared();
    let token = bad(issuer, "alg-none".parse().unwrap());
    let (_, rest) = token.split_once('.').unwrap();
    let kid = issuer.key_set().current().unwrap().publish(NOW)["keys"][0]["kid"].clone();
    for capitals in 0..16 {
        let letter = |(place, letter): (usize, char)| {
            if capitals >> place & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
        };
        let alg: String = "none".chars().enumerate().map(letter).collect();
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": kid}).to_string());
        let result = verifier(issuer).verify(&format!("{header}.{rest}"), NOW);
        assert_eq!(result.unwrap_err(), Cause::Algorithm.into(), "{alg}");
    }
}

#[test]
fn the_rows_close_to_a_limit_follow_the_leeway() {
    let issuer = new().with_leeway(Duration::ZERO);
    let verifier = verifier(&issuer);
    for kind in Kind::all().filter(|kind| kind.is_close()) {
        let is_taken = verifier.verify(&bad(&issuer, kind), NOW).is_ok();
        assert_eq!(is_taken, kind.expected() == Expected::Taken, "{kind}");
    }
}

#[test]
fn without_keys_a_token_is_neither_good_nor_bad() {
    let issuer = shared();
    let folder = tempfile::tempdir().unwrap();
    let none = KeySet::new(folder.path().join("jwks.json"), Clock::default());
    let verifier = Verifier::new(none, NAME.into(), AUDIENCE.into(), issuer.leeway());
    let token = issuer.token("alice").mint().unwrap();
    let unavailable = VerifyError::Unavailable { retry_after: Duration::from_secs(5) };
    assert_eq!(verifier.verify(&token, NOW).unwrap_err(), unavailable);
    // what is bad whatever the keys are is still told
    let token = bad(issuer, "alg-none".parse().unwrap());
    assert_eq!(verifier.verify(&token, NOW).unwrap_err(), Cause::Algorithm.into());
}

#[test]
fn a_token_says_who_is_calling() {
    let issuer = shared();
    let token = issuer
        .token("alice")
        .scope("b a")
        .roles(["admin", "user"])
        .client("cli")
        .claim("preferred_username", "Alice")
        .claim("realm_access", json!({"roles": ["staff"]}))
        .claim("x/y", json!({"z": [1, 2]}))
        .lifetime(60)
        .at(NOW - 10);
    let who = verifier(issuer).verify(&token.mint().unwrap(), NOW).unwrap();
    assert_eq!((who.issuer(), who.subject(), who.client()), (NAME, "alice", Some("cli")));
    assert_eq!((who.scopes().to_string().as_str(), who.expires()), ("a b", NOW + 50));
    assert_eq!(who.roles().collect::<Vec<_>>(), ["admin", "staff", "user"]);
    assert_eq!(who.name(), Some("Alice"));
    assert_eq!(who.claim("/x~1y/z/1"), Some(&json!(2)));
    assert_eq!(who.claim("x~1y"), None, "a pointer begins with a slash");
    let log = format!("{who:?}");
    assert!(log.contains("alice") && log.contains("cli") && log.contains(NAME), "{log}");
    assert!(!log.contains("Alice"), "what a token says beside that is nobody's business: {log}");
    assert!(issuer.key_set().current().unwrap().choose(who.key_id(), NOW).is_some());
}

#[test]
fn a_token_may_name_its_client_and_its_subject_in_other_ways() {
    let issuer = shared();
    let without_client = "client-missing".parse().unwrap();
    let verify = |token: Token<'_>| {
        verifier(issuer).verify(&token.bad(without_client).mint().unwrap(), NOW).unwrap()
    };
    let who = verify(issuer.token("a").claim("azp", "web").claim("name", "Al"));
    assert_eq!((who.client(), who.name()), (Some("web"), Some("Al")));
    let who = verify(issuer.token("a"));
    assert_eq!((who.client(), who.name()), (None, None));
    assert!(who.scopes().is_empty() && who.roles().next().is_none(), "no claim, no right");
}

/// One key may serve two algorithms; where it names one, the other is refused, though the server takes both.
#[test]
fn a_key_serves_the_algorithm_that_it_names_and_no_other() {
    let issuer = shared();
    let named = issuer.key_set().current().unwrap().publish(NOW);
    let mut open = named.clone();
    for key in open["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("alg").unwrap();
    }
    let policy = Policy::new(NAME, AUDIENCE).algorithms([Algorithm::Rs256, Algorithm::Ps256]);
    let good = issuer.token("alice").mint().unwrap();
    let other = bad(issuer, "alg-ps256".parse().unwrap());
    for (document, expected) in [(named, Err(Cause::Key.into())), (open, Ok(()))] {
        let keys = jwks::parse_foreign(document.to_string().as_bytes()).unwrap();
        let keys = KeySet::fixed(keys, Clock::new(|| NOW));
        let verifier = Verifier::with_policy(keys, policy.clone());
        assert!(verifier.verify(&good, NOW).is_ok());
        assert_eq!(verifier.verify(&other, NOW).map(drop), expected);
    }
}
