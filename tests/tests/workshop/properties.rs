//! What holds for every input? Parsers of what strangers send, tried with thousands of texts.

use axum::http::{HeaderMap, HeaderValue, Uri};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::jsonrpc::{Message, parse};
use mcp_auth::{
    ScopeSet,
    bearer::{self, BearerError},
    challenge::Challenge,
    limits::depth,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A fixed number of cases, and no file that remembers the failing ones: a failure prints its seed and its input.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,7}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Something like a message: the members of JSON-RPC, each right, wrong or missing.
fn almost_a_message() -> impl Strategy<Value = Value> {
    let version = prop_oneof![4 => Just(json!("2.0")), 1 => any_json()];
    let id =
        prop_oneof![any::<i64>().prop_map(Value::from), ".{0,4}".prop_map(Value::from), any_json()];
    let method = prop_oneof![4 => "[a-z]{1,6}/[a-z]{1,6}".prop_map(Value::from), 1 => any_json()];
    let params = prop_oneof![3 => Just(json!({})), 1 => any_json()];
    let member = |value| prop::option::weighted(0.9, value);
    (member(version.boxed()), member(id.boxed()), member(method.boxed()), member(params.boxed()))
        .prop_map(|(version, id, method, params)| {
            let all = [("jsonrpc", version), ("id", id), ("method", method), ("params", params)];
            let there = all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            there.collect::<Map<_, _>>().into()
        })
}

/// Is this one request or notification? Said without the parser under test.
fn is_message(value: &Value) -> bool {
    let fits = |id: &Value| id.is_string() || id.is_i64() || id.is_u64();
    value["jsonrpc"] == "2.0"
        && value["method"].is_string()
        && value.get("id").is_none_or(fits)
        && value.get("params").is_none_or(Value::is_object)
}

/// What step 2's own parser and the library's make of a body: method and id.
fn parsed(body: &[u8]) -> [Option<(String, Option<Value>)>; 2] {
    let library = parse(body).ok().map(|Message { method, id, .. }| (method, id));
    let lesson = step2::jsonrpc::parse(body).ok().map(|m| (m.method, m.id));
    [library, lesson]
}

/// Status of the refusals of both parsers.
fn statuses(body: &[u8]) -> [Option<u16>; 2] {
    let status = |response: Box<axum::response::Response>| response.status().as_u16();
    [parse(body).err().map(status), step2::jsonrpc::parse(body).err().map(status)]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_a_message_or_refused_with_400(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let [library, lesson] = parsed(&body);
        prop_assert_eq!(&library, &lesson);
        if library.is_none() {
            prop_assert_eq!(statuses(&body), [Some(400), Some(400)]);
        }
    }

    #[test]
    fn a_message_is_told_from_what_is_almost_one(value in almost_a_message()) {
        let body = value.to_string();
        for parsed in parsed(body.as_bytes()) {
            prop_assert_eq!(parsed.is_some(), is_message(&value), "{}", value);
            if let Some((method, id)) = parsed {
                prop_assert_eq!(Some(method.as_str()), value["method"].as_str());
                prop_assert_eq!(id.as_ref(), value.get("id"));
            }
        }
    }

    #[test]
    fn any_other_json_is_no_message(value in any_json()) {
        let fits = is_message(&value);
        prop_assert_eq!(parsed(value.to_string().as_bytes()).map(|p| p.is_some()), [fits, fits]);
    }

    #[test]
    fn the_depth_of_json_is_counted_right(value in any_json()) {
        fn deep(value: &Value) -> usize {
            match value {
                Value::Array(list) => 1 + list.iter().map(deep).max().unwrap_or(0),
                Value::Object(map) => 1 + map.values().map(deep).max().unwrap_or(0),
                _ => 0,
            }
        }
        prop_assert_eq!(depth(value.to_string().as_bytes()), deep(&value));
    }

    #[test]
    fn a_name_survives_its_way_through_a_header(name in ".{0,40}", other in ".{0,40}") {
        let coded = format!("=?base64?{}?=", STANDARD.encode(&name));
        prop_assert!(is_believed(&name, &coded), "{:?} as {}", name, coded);
        prop_assert_eq!(is_believed(&other, &coded), name == other);
    }

    #[test]
    fn a_name_of_visible_ascii_may_stand_as_it_is(name in "[!-~]{1,40}", other in "[!-~]{1,40}") {
        prop_assume!(!name.starts_with("=?base64?"));
        prop_assert!(is_believed(&name, &name));
        prop_assert_eq!(is_believed(&other, &name), name == other);
    }

    #[test]
    fn any_header_is_believed_or_refused(header in "[ -~]{0,40}", name in ".{0,10}") {
        is_believed(&name, &header); // must come back, whatever it says
    }

    #[test]
    fn a_bearer_token_is_one_visible_word(
        scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]", blanks in " {1,4}", word in "[!-~]{1,60}"
    ) {
        let header = format!("{scheme}{blanks}{word}");
        prop_assert_eq!(bearer_of(header.as_bytes()), Ok(word));
    }

    #[test]
    fn any_authorization_is_a_token_or_told_why_not(value in prop::collection::vec(any::<u8>(), 0..40)) {
        let Ok(header) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        match bearer_of(header.as_bytes()) {
            Ok(token) => {
                prop_assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(value[..7].eq_ignore_ascii_case(b"bearer "));
            }
            Err(BearerError::Missing) => prop_assert!(!value.is_empty()),
            Err(_) => {}
        }
    }

    #[test]
    fn scopes_are_the_words_between_blanks(words in prop::collection::btree_set("[!-~&&[^\\\\\"]]{1,8}", 0..6)) {
        let text = words.iter().cloned().collect::<Vec<_>>().join("  ");
        let read = ScopeSet::from_claim(&json!(text)).unwrap();
        prop_assert_eq!(read.iter().map(str::to_owned).collect::<Vec<_>>(), words.iter().cloned().collect::<Vec<_>>());
        prop_assert_eq!(ScopeSet::from_claim(&json!(words)), Some(read.clone()));
        for word in &words {
            prop_assert!(read.contains(word));
            let longer = format!("{word}x");
            prop_assert_eq!(read.contains(&longer), words.contains(&longer));
        }
    }

    #[test]
    fn a_scope_claim_of_another_type_is_read_by_nobody(claim in any_json()) {
        let words = match &claim {
            Value::String(_) => true,
            Value::Array(list) => list.iter().all(|word| word.as_str().is_some_and(|w| !w.contains(' '))),
            _ => false,
        };
        prop_assert_eq!(ScopeSet::from_claim(&claim).is_some(), words);
    }

    #[test]
    fn a_challenge_can_be_read_back(scope in any::<String>(), url in any::<String>()) {
        let challenge = Challenge { scope: Some(scope.clone()), resource_metadata: Some(url.clone()) };
        let response = challenge.invalid();
        let header = response.headers()["www-authenticate"].to_str().unwrap();
        let read = workshop_tests::challenge::Challenge::parse(header).map_err(TestCaseError::fail)?;
        let safe = |text: &str| text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect::<String>();
        prop_assert_eq!(read.get("scope"), Some(&*safe(&scope)));
        prop_assert_eq!(read.get("resource_metadata"), Some(&*safe(&url)));
        prop_assert_eq!(read.get("error"), Some("invalid_token"));
        prop_assert_eq!(read.parameters.len(), 4);
    }
}

/// The token of a request with this header.
fn bearer_of(value: &[u8]) -> Result<String, BearerError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_bytes(value).unwrap());
    bearer::token(&Uri::from_static("/mcp"), &headers, 8192).map(str::to_owned)
}

/// Do lesson and library take this `Mcp-Name` for this name? They must agree.
fn is_believed(name: &str, header: &str) -> bool {
    let params = json!({"name": name, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let headers = HeaderMap::from_iter([
        ("mcp-protocol-version".parse().unwrap(), "2026-07-28".parse().unwrap()),
        ("mcp-method".parse().unwrap(), "tools/call".parse().unwrap()),
        ("mcp-name".parse().unwrap(), header.parse().unwrap()),
    ]);
    let library = common::modern::check(&headers, &parse(body.as_bytes()).unwrap()).is_ok();
    let message = step2::jsonrpc::parse(body.as_bytes()).unwrap();
    let lesson = step2::jsonrpc::check(&headers, &message).is_ok();
    assert_eq!(library, lesson, "lesson and library differ about {header:?} for {name:?}");
    library
}
