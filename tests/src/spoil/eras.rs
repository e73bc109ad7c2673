//! Breakages of what a message is, and of how the two eras differ.

use axum::http::StatusCode;
use serde_json::json;

use super::{Breakage, How, jsonrpc::breakage};

/// Breakages of what lesson 2 promises to clients of both eras.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        "posted-responses",
        "a_posted_response_is_refused",
        "a posted response is accepted",
        How::Answered(|asked, answer| {
            let message = asked.message();
            if message.get("method").is_none() && message.get("result").is_some() {
                answer.status = StatusCode::ACCEPTED;
            }
        }),
    ),
    breakage(
        "any-notification",
        "bad_notifications_are_refused",
        "a notification is accepted, whatever it says",
        How::Answered(|asked, answer| {
            if asked.message()["method"].is_string() && asked.message().get("id").is_none() {
                answer.status = StatusCode::ACCEPTED;
            }
        }),
    ),
    breakage(
        "any-json-rpc",
        "the_envelope_is_checked",
        "the version of JSON-RPC is not looked at",
        How::Asked(|asked| {
            let mut message = asked.message();
            if message.is_object() {
                message["jsonrpc"] = json!("2.0");
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        "newest-only",
        "initialize_agrees_on_a_version",
        "initialize agrees on the newest version alone",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["result"]["protocolVersion"].is_string() {
                    message["result"]["protocolVersion"] = json!("2025-11-25");
                }
            });
        }),
    ),
    breakage(
        "chatty-ping",
        "ping_is_answered",
        "ping says more than nothing",
        How::Answered(|asked, answer| {
            if asked.message()["method"] == "ping" {
                answer.change(|message| {
                    if message["result"].is_object() {
                        message["result"]["pong"] = json!(true);
                    }
                });
            }
        }),
    ),
    breakage(
        "session-first",
        "nothing_needs_an_earlier_request",
        "an old client must have a session",
        How::Answered(|asked, answer| {
            if asked.message()["method"] == "ping" && asked.header("mcp-session-id").is_none() {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "oldest-refused",
        "old_versions_in_the_header_are_taken",
        "2025-06-18 is not taken",
        How::Answered(|asked, answer| {
            if asked.header("mcp-protocol-version") == Some("2025-06-18") {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "version-needed",
        "no_version_means_the_old_era",
        "an old request must name its version",
        How::Answered(|asked, answer| {
            if asked.header("mcp-protocol-version").is_none() && asked.message()["method"] == "ping"
            {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "method-header-is-modern",
        "the_method_header_decides_nothing",
        "Mcp-Method makes a request modern",
        How::Answered(|asked, answer| {
            if asked.header("mcp-method").is_some() && !asked.is_modern() {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "old-headers-compared",
        "the_old_era_has_no_such_headers",
        "an old request is refused for its Mcp-Method",
        How::Answered(|asked, answer| {
            let method = asked.message()["method"].as_str().map(str::to_owned);
            let differs =
                asked.header("mcp-method").is_some_and(|name| Some(name) != method.as_deref());
            if differs && !asked.is_modern() {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        "no-charset",
        "json_may_name_its_charset",
        "a Content-Type with parameters gets 415",
        How::Answered(|asked, answer| {
            if asked.header("content-type").is_some_and(|kind| kind.contains(';')) {
                answer.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            }
        }),
    ),
    breakage(
        "size-first",
        "the_type_comes_before_the_size",
        "a size is told before a wrong type",
        How::Answered(|asked, answer| {
            if asked.body.len() > 1 << 20 && answer.status == 415 {
                answer.status = StatusCode::PAYLOAD_TOO_LARGE;
            }
        }),
    ),
];
