//! Breakages of metadata and scopes: lessons 7 and 8.

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Breakage, How, breakage};
use crate::Answer;

/// Breakages of what lessons 7 and 8 promise.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        7,
        "no-way-to-metadata",
        "challenges_say_where_to_go",
        "a 401 does not name the metadata",
        How::Answered(|_, answer| rename_parameter(answer, "resource_metadata")),
    ),
    breakage(
        7,
        "no-scope-to-ask-for",
        "challenges_say_where_to_go",
        "a 401 does not say which scope to ask for",
        How::Answered(|_, answer| rename_parameter(answer, "scope")),
    ),
    breakage(
        7,
        "root-only",
        "metadata_is_at_both_addresses",
        "the metadata is at the root alone",
        How::Answered(|asked, answer| {
            if asked.path.starts_with("/.well-known/oauth-protected-resource/") {
                answer.status = StatusCode::NOT_FOUND;
            }
        }),
    ),
    breakage(
        7,
        "trailing-slash",
        "metadata_names_us_to_the_letter",
        "`resource` has a slash at its end",
        How::Answered(|_, answer| {
            each(answer, "resource", |value| {
                let slash = format!("{}/", value.as_str().unwrap_or_default());
                *value = json!(slash);
            });
        }),
    ),
    breakage(
        7,
        "offline-access",
        "metadata_asks_for_little",
        "scopes_supported has offline_access",
        How::Answered(|_, answer| {
            each(answer, "scopes_supported", |value| {
                if let Some(list) = value.as_array_mut() {
                    list.push(json!("offline_access"));
                }
            });
        }),
    ),
    breakage(
        7,
        "metadata-for-us",
        "metadata_is_for_every_page",
        "no page may read the metadata",
        How::Answered(|asked, answer| {
            if asked.path.starts_with("/.well-known") {
                answer.headers.remove("access-control-allow-origin");
            }
        }),
    ),
    breakage(
        7,
        "issuer-for-us",
        "issuers_document_is_for_every_page",
        "no page may read the issuer's document",
        How::Answered(|asked, answer| {
            if asked.path.contains("oauth-authorization-server") {
                answer.headers.remove("access-control-allow-origin");
            }
        }),
    ),
    breakage(
        7,
        "other-issuer",
        "issuers_name_is_exact",
        "the issuer's document says another name",
        How::Answered(|_, answer| {
            each(answer, "issuer", |value| *value = json!("https://elsewhere.example"));
        }),
    ),
    breakage(
        7,
        "empty-members-left-out",
        "issuer_says_what_works",
        "the issuer's document has no response_types_supported",
        How::Answered(|_, answer| {
            answer.change(|message| {
                message.as_object_mut().and_then(|all| all.remove("response_types_supported"));
            });
        }),
    ),
    breakage(
        7,
        "open-redirect",
        "nobody_logs_in_here",
        "the authorization endpoint sends the browser to the caller's address",
        How::Answered(|asked, answer| {
            if asked.path.contains("redirect_uri=") {
                answer.status = StatusCode::FOUND;
                answer.say("location", "http://localhost:1/cb");
            }
        }),
    ),
    breakage(
        7,
        "stored-tokens",
        "token_answers_are_not_stored",
        "a token answer may be stored",
        How::Answered(|_, answer| {
            answer.headers.remove("cache-control");
        }),
    ),
    breakage(
        7,
        "clients-wrong-is-400",
        "no_secret_no_token",
        "a wrong secret gets 400",
        How::Answered(|_, answer| {
            if answer.message()["error"] == "invalid_client" {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        7,
        "any-resource",
        "tokens_are_for_this_resource",
        "`resource` in a token request is not looked at",
        How::Asked(|asked| without_parameter(&mut asked.body, "resource=")),
    ),
    breakage(
        7,
        "all-scopes",
        "tokens_are_as_small_as_asked",
        "a token has all scopes, whatever was asked for",
        How::Asked(|asked| without_parameter(&mut asked.body, "scope=")),
    ),
    breakage(
        8,
        "scopeless-403",
        "a_403_names_what_is_needed",
        "a 403 does not say which scope is needed",
        How::Answered(|_, answer| {
            if answer.status == 403 {
                rename_parameter(answer, "scope");
            }
        }),
    ),
    breakage(
        8,
        "403-in-json-rpc",
        "a_403_is_no_json_rpc",
        "too little scope is a JSON-RPC error",
        How::Answered(|_, answer| {
            if answer.message()["error"] == "insufficient_scope" {
                let error = json!({"code": -32001, "message": "forbidden"});
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "error": error}));
            }
        }),
    ),
    breakage(
        8,
        "scopes-as-401",
        "scopes_open_what_they_name",
        "too little scope gets 401",
        How::Answered(|_, answer| {
            if answer.status == 403 {
                answer.status = StatusCode::UNAUTHORIZED;
            }
        }),
    ),
    breakage(
        8,
        "scopes-ignored",
        "scopes_open_what_they_name",
        "too little scope gets an empty result",
        How::Answered(|_, answer| {
            if answer.message()["error"] == "insufficient_scope" {
                answer.status = StatusCode::OK;
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
            }
        }),
    ),
    breakage(
        7,
        "no-token-endpoint",
        "a_client_finds_its_own_way",
        "nothing is where the token endpoint should be",
        How::Answered(|asked, answer| {
            if asked.path.ends_with("/token") {
                answer.refuse(StatusCode::NOT_FOUND);
            }
        }),
    ),
    breakage(
        8,
        "lists-of-everybody",
        "lists_are_for_the_caller_alone",
        "lists may be kept for everybody",
        How::Answered(|_, answer| {
            super::lists::result(answer, |result| {
                if result.get("cacheScope").is_some() {
                    result["cacheScope"] = json!("public");
                }
            });
        }),
    ),
    breakage(
        8,
        "scoped-notifications",
        "notifications_need_no_scope",
        "a notification needs a scope",
        How::Answered(|asked, answer| {
            if answer.status == 202 && asked.claims()["scope"] == "" {
                answer.refuse(StatusCode::FORBIDDEN);
            }
        }),
    ),
    breakage(
        8,
        "odd-claims",
        "odd_claims_are_refused",
        "a scope claim of the wrong type counts as none",
        How::Answered(|asked, answer| {
            if answer.status == 401 && asked.claims()["scope"].is_object() {
                answer.status = StatusCode::OK;
            }
        }),
    ),
    breakage(
        8,
        "roles-by-part",
        "roles_grant_by_the_table_alone",
        "a role that contains admin is taken for it",
        How::Answered(|asked, answer| {
            if answer.status == 403 && asked.claims()["roles"].to_string().contains("admin") {
                answer.status = StatusCode::OK;
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
            }
        }),
    ),
    breakage(
        8,
        "scopes-by-part",
        "scopes_are_whole_words",
        "a scope that contains mcp:tools is taken for it",
        How::Answered(|asked, answer| {
            if answer.status == 403 && asked.claims()["scope"].to_string().contains("mcp:tools") {
                answer.status = StatusCode::OK;
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
            }
        }),
    ),
    breakage(
        8,
        "one-kind-of-scope",
        "scopes_are_read_from_three_claims",
        "a list of scopes is not read",
        How::Answered(|asked, answer| {
            if asked.claims()["scope"].is_array() && answer.status == 200 {
                answer.refuse(StatusCode::FORBIDDEN);
            }
        }),
    ),
    breakage(
        8,
        "parameters-first",
        "scopes_come_before_parameters",
        "an unknown tool is told to whoever may not call one",
        How::Answered(|asked, answer| {
            if answer.status == 403 && asked.message()["params"]["name"] == "no-such-tool" {
                answer.status = StatusCode::OK;
                let error = json!({"code": -32602, "message": "unknown tool"});
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "error": error}));
            }
        }),
    ),
];

/// Gives a parameter of the challenge another name, so that nobody finds it.
fn rename_parameter(answer: &mut Answer, name: &str) {
    let value = answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok());
    let renamed = value.map(|value| value.replace(&format!(" {name}=\""), " x_other=\""));
    if let Some(Ok(value)) = renamed.map(|value| HeaderValue::from_str(&value)) {
        answer.headers.insert("www-authenticate", value);
    }
}

/// Changes a member of a document, if it is there.
fn each(answer: &mut Answer, name: &str, change: impl FnOnce(&mut Value)) {
    answer.change(|message| {
        if let Some(value) = message.get_mut(name) {
            change(value);
        }
    });
}

/// Takes a parameter out of a form.
fn without_parameter(body: &mut Vec<u8>, name: &str) {
    let text = String::from_utf8_lossy(body).into_owned();
    if text.starts_with("grant_type=") {
        let kept: Vec<_> = text.split('&').filter(|pair| !pair.starts_with(name)).collect();
        *body = kept.join("&").into_bytes();
    }
}
