//! Breakages of keys and tokens: lessons 5 and 6.

use axum::http::StatusCode;
use serde_json::json;

use super::{Breakage, How, breakage};

/// Breakages of what lessons 5 and 6 promise.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        5,
        "private-keys",
        "keys_are_public",
        "the key set has a private member",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["keys"].is_array() {
                    message["keys"][0]["d"] = json!("AQAB");
                }
            });
        }),
    ),
    breakage(
        5,
        "nicknamed-keys",
        "keys_are_named_by_their_thumbprint",
        "kid is a name that somebody chose",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["keys"].is_array() {
                    message["keys"][0]["kid"] = json!("key-1");
                }
            });
        }),
    ),
    breakage(
        5,
        "weak-keys",
        "keys_are_strong",
        "a key of 1024 bits is published",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["keys"].is_array() {
                    message["keys"][0]["n"] = json!("w".repeat(171));
                }
            });
        }),
    ),
    breakage(
        5,
        "keys-not-kept",
        "keys_may_be_kept",
        "the key set may not be kept",
        How::Answered(|_, answer| {
            if answer.headers.contains_key("etag") {
                answer.say("cache-control", "no-store");
            }
        }),
    ),
    breakage(
        5,
        "keys-sent-again",
        "an_unchanged_key_set_is_304",
        "If-None-Match is not looked at",
        How::Asked(|asked| {
            asked.headers.remove("if-none-match");
        }),
    ),
    breakage(
        5,
        "keys-for-us",
        "keys_are_for_every_page",
        "only our own pages may read the key set",
        How::Answered(|asked, answer| {
            if let (true, Ok(own)) = (asked.path.starts_with("/.well-known"), asked.origin.parse())
            {
                answer.headers.insert("access-control-allow-origin", own);
            }
        }),
    ),
    breakage(
        5,
        "never-ready",
        "ready_says_that_there_are_keys",
        "/ready is 503",
        How::Answered(|asked, answer| {
            if asked.path == "/ready" {
                answer.status = StatusCode::SERVICE_UNAVAILABLE;
            }
        }),
    ),
    breakage(
        6,
        "no-challenge",
        "every_request_needs_a_token",
        "a refusal has no WWW-Authenticate",
        How::Answered(|_, answer| {
            answer.headers.remove("www-authenticate");
        }),
    ),
    breakage(
        6,
        "only-post-is-guarded",
        "every_request_needs_a_token",
        "other methods than POST are told apart before the token is asked for",
        How::Answered(|asked, answer| {
            if asked.method != "POST" && answer.status == 401 {
                answer.status = StatusCode::METHOD_NOT_ALLOWED;
            }
        }),
    ),
    breakage(
        6,
        "401-as-403",
        "what_is_no_token_is_401",
        "a bad token gets 403",
        How::Answered(|_, answer| {
            if answer.status == 401 {
                answer.status = StatusCode::FORBIDDEN;
            }
        }),
    ),
    breakage(
        6,
        "error-for-nobody",
        "without_credentials_there_is_no_error",
        "a caller without credentials is told invalid_token",
        How::Answered(|_, answer| {
            if answer.status == 401 {
                answer.say("www-authenticate", "Bearer error=\"invalid_token\"");
            }
        }),
    ),
    breakage(
        6,
        "400-as-401",
        "malformed_credentials_are_400",
        "malformed credentials get 401",
        How::Answered(|_, answer| {
            if answer.status == 400 && answer.headers.contains_key("www-authenticate") {
                answer.status = StatusCode::UNAUTHORIZED;
            }
        }),
    ),
    breakage(
        6,
        "token-in-the-url",
        "a_token_in_the_url_is_400",
        "a query parameter access_token is not looked at",
        How::Asked(|asked| {
            asked.path = asked.path.split('?').next().unwrap_or_default().to_owned();
        }),
    ),
    breakage(
        6,
        "one-spelling",
        "the_scheme_counts_in_any_case",
        "the scheme must be written Bearer",
        How::Asked(|asked| {
            if asked.header("authorization").is_some_and(|value| value.starts_with("bearer")) {
                asked.headers.remove("authorization");
            }
        }),
    ),
    breakage(
        6,
        "causes-told",
        "bad_tokens_are_refused_alike",
        "the body of a refusal tells the cause",
        How::Answered(|asked, answer| {
            let cause = format!("cause {}", asked.number);
            answer.change(|message| {
                if message["error"] == "invalid_token" {
                    message["error_description"] = json!(cause);
                }
            });
        }),
    ),
    breakage(
        6,
        "somebody-else",
        "whoami_shows_the_caller",
        "whoami shows another caller",
        How::Answered(|_, answer| {
            super::lists::result(answer, |result| {
                if result["structuredContent"]["subject"].is_string() {
                    result["structuredContent"]["subject"] = json!("somebody else");
                }
            });
        }),
    ),
    breakage(
        6,
        "guarded-health",
        "open_paths_stay_open",
        "/health needs a token",
        How::Answered(|asked, answer| {
            if !asked.headers.contains_key("authorization") && asked.path == "/health" {
                answer.status = StatusCode::UNAUTHORIZED;
            }
        }),
    ),
    breakage(
        6,
        "sticky-callers",
        "each_request_is_asked_again",
        "a session id is taken for a token",
        How::Answered(|asked, answer| {
            if answer.status == 401 && asked.headers.contains_key("mcp-session-id") {
                answer.status = StatusCode::OK;
            }
        }),
    ),
    breakage(
        5,
        "keys-without-head",
        "keys_answer_head",
        "HEAD on the key set gets 405",
        How::Answered(|asked, answer| {
            if asked.method == "HEAD" && asked.path.ends_with("jwks.json") {
                answer.status = StatusCode::METHOD_NOT_ALLOWED;
            }
        }),
    ),
    breakage(
        6,
        "one-audience",
        "good_tokens_are_taken",
        "a list of audiences is not taken",
        How::Answered(|asked, answer| {
            if asked.claims()["aud"].is_array() {
                answer.refuse(StatusCode::UNAUTHORIZED);
            }
        }),
    ),
    breakage(
        6,
        "no-leeway",
        "leeway_is_a_few_seconds",
        "a token is refused at the second it ends",
        How::Answered(|asked, answer| {
            let claims = asked.claims();
            if claims["exp"].is_u64() && claims["exp"] == claims["iat"] {
                answer.refuse(StatusCode::UNAUTHORIZED);
            }
        }),
    ),
];
