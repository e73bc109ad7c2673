//! Breakages of JSON-RPC in both eras.

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::{Breakage, How};
use crate::Answer;

/// Shortens the tables of lesson 2.
pub(super) const fn breakage(
    name: &'static str,
    noticed_by: &'static str,
    says: &'static str,
    how: How,
) -> Breakage {
    super::breakage(2, name, noticed_by, says, how)
}

/// Breakages of what lesson 2 promises about messages.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        "notifications-answered",
        "notifications_are_202",
        "a notification gets 200 and an empty object",
        How::Answered(|_, answer| {
            if answer.status == 202 {
                answer.status = StatusCode::OK;
                answer.put(&json!({}));
            }
        }),
    ),
    breakage(
        "notifications-run",
        "notifications_run_nothing",
        "a notification with the name of a method is run",
        How::Asked(|asked| {
            let mut message = asked.message();
            let is_method = message["method"].as_str().is_some_and(|m| !m.starts_with("notif"));
            if is_method && message.get("id").is_none() {
                message["id"] = json!(1);
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        "session-ids",
        "no_session_id_ever",
        "answers have an Mcp-Session-Id",
        How::Answered(|_, answer| answer.say("mcp-session-id", "spoiled")),
    ),
    breakage(
        "sessions-needed",
        "stray_session_ids_are_ignored",
        "an unknown Mcp-Session-Id gets 404",
        How::Answered(|asked, answer| {
            if asked.headers.contains_key("mcp-session-id") {
                answer.status = StatusCode::NOT_FOUND;
            }
        }),
    ),
    breakage(
        "get-streams",
        "only_post_is_taken",
        "GET on the endpoint opens a stream",
        How::Answered(|asked, answer| {
            if asked.method == Method::GET && answer.status == 405 {
                answer.status = StatusCode::OK;
                answer.say("content-type", "text/event-stream");
            }
        }),
    ),
    breakage(
        "broken-json-is-500",
        "what_is_not_json_is_a_parse_error",
        "a body that is not JSON gets 500",
        How::Answered(|_, answer| {
            if answer.message()["error"]["code"] == -32700 {
                answer.status = StatusCode::INTERNAL_SERVER_ERROR;
            }
        }),
    ),
    breakage(
        "batches",
        "a_post_is_one_message",
        "the first message of a batch is answered",
        How::Asked(|asked| {
            if let Some(first) = asked.message().get(0) {
                asked.body = first.to_string().into();
            }
        }),
    ),
    breakage(
        "last-member-wins",
        "a_member_twice_is_refused",
        "of two members of a name the last is taken",
        How::Asked(|asked| {
            let message = asked.message();
            if message.is_object() {
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        "ids-as-text",
        "ids_come_back",
        "an id that is a number comes back as text",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if let Some(id) = message["id"].as_i64() {
                    message["id"] = json!(id.to_string());
                }
            });
        }),
    ),
    breakage(
        "null-ids",
        "other_ids_are_refused",
        "an id of null is taken for a number",
        How::Asked(|asked| {
            let mut message = asked.message();
            if message.get("id") == Some(&Value::Null) {
                message["id"] = json!(0);
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        "legacy-in-discover",
        "discover_says_what_is_spoken",
        "server/discover lists 2025-11-25 too",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if let Some(list) = message["result"]["supportedVersions"].as_array_mut() {
                    list.push(json!("2025-11-25"));
                }
            });
        }),
    ),
    breakage(
        "empty-claims",
        "capabilities_are_honoured",
        "resources are declared and not served",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["result"]["capabilities"].is_object() {
                    message["result"]["capabilities"]["resources"] = json!({});
                }
            });
        }),
    ),
    breakage(
        "no-result-type",
        "results_are_complete",
        "results have no resultType",
        How::Answered(|_, answer| without(answer, "resultType")),
    ),
    breakage(
        "no-server-info",
        "results_are_complete",
        "results do not name the server",
        How::Answered(|_, answer| without(answer, "_meta")),
    ),
    breakage(
        "unknown-methods-are-200",
        "unknown_methods_are_404",
        "an unknown method gets 200 in the modern era",
        How::Answered(|_, answer| {
            if answer.message()["error"]["code"] == -32601 {
                answer.status = StatusCode::OK;
            }
        }),
    ),
    breakage(
        "old-errors-are-400",
        "unknown_methods_are_200_in_the_old_era",
        "an unknown method gets 400 in the old era",
        How::Answered(|asked, answer| {
            if !asked.is_modern() && answer.message()["error"]["code"] == -32601 {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "codes-of-our-own",
        "only_known_codes_go_out",
        "an unknown method gets the code -32001",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["error"]["code"] == -32601 {
                    message["error"]["code"] = json!(-32001);
                }
            });
        }),
    ),
    breakage(
        "accept-406",
        "accept_is_no_reason_to_refuse",
        "an Accept without both types gets 406",
        How::Answered(|asked, answer| {
            let accept = asked.header("accept").unwrap_or_default();
            if !(accept.contains("json") && accept.contains("event-stream")) {
                answer.status = StatusCode::NOT_ACCEPTABLE;
            }
        }),
    ),
    breakage(
        "never-a-stream",
        "a_stream_for_those_who_want_one",
        "a client that accepts streams only gets JSON",
        How::Asked(|asked| {
            asked.headers.insert("accept", HeaderValue::from_static("application/json"));
        }),
    ),
    breakage(
        "any-type",
        "only_json_is_taken",
        "Content-Type is not looked at",
        How::Asked(|asked| {
            let json = HeaderValue::from_static("application/json");
            asked.headers.insert("content-type", json);
        }),
    ),
    breakage(
        "packed-bodies",
        "packed_bodies_are_refused",
        "Content-Encoding is not looked at",
        How::Asked(|asked| {
            asked.headers.remove("content-encoding");
        }),
    ),
    breakage(
        "size-unlimited",
        "a_mebibyte_is_enough",
        "a body over 1 MiB is not refused",
        How::Answered(|_, answer| {
            if answer.status == 413 {
                answer.status = StatusCode::OK;
            }
        }),
    ),
    breakage(
        "depth-unlimited",
        "depth_64_is_enough",
        "what is nested too deeply is cut off, not refused",
        How::Asked(|asked| {
            if mcp_depth(&asked.body) > 64 {
                let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover"});
                message["params"]["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                asked.body = message.to_string().into();
            }
        }),
    ),
];

/// Takes a member out of a result.
fn without(answer: &mut Answer, member: &str) {
    answer.change(|message| {
        message["result"].as_object_mut().and_then(|result| result.remove(member));
    });
}

/// Brackets open at a time, which is enough to tell our own test bodies apart.
fn mcp_depth(body: &[u8]) -> i32 {
    let (mut now, mut most) = (0, 0);
    for byte in body {
        now += i32::from(matches!(byte, b'[' | b'{')) - i32::from(matches!(byte, b']' | b'}'));
        most = most.max(now);
    }
    most
}
