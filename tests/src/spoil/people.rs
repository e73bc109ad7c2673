//! What of lesson 9 can be broken: whose job it is to know people.

use axum::http::StatusCode;
use serde_json::json;

use super::{Breakage, How, breakage};

/// In the order of the promises.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        9,
        "own-issuer",
        "the_issuer_is_another_server",
        "the server names itself as its issuer",
        How::Answered(|asked, answer| {
            let own = json!([asked.origin]);
            answer.change(|message| {
                if let Some(issuers) = message.get_mut("authorization_servers") {
                    *issuers = own;
                }
            });
        }),
    ),
    breakage(
        9,
        "keys-stay",
        "nothing_is_given_out_here",
        "the server still publishes keys",
        How::Answered(|asked, answer| {
            if asked.path == "/.well-known/jwks.json" {
                answer.status = StatusCode::OK;
                answer.put(&json!({"keys": []}));
            }
        }),
    ),
    breakage(
        9,
        "roles-open",
        "roles_open_nothing",
        "the role admin opens what it opened in step 8",
        How::Answered(|asked, answer| {
            if answer.status == 403 && asked.claims()["roles"].to_string().contains("admin") {
                answer.status = StatusCode::OK;
                answer.put(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
            }
        }),
    ),
];
