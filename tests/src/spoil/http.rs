//! Breakages of contract 1.

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::{Asked, Breakage, How};
use crate::Answer;

/// Breakages of what lesson 1 promises.
pub const BREAKAGES: &[Breakage] = &[
    Breakage {
        name: "sick-health",
        says: "/health says {\"status\":\"ok\"}",
        from: 1,
        noticed_by: "health_says_healthy",
        how: How::Answered(|asked, answer| {
            if asked.path.starts_with("/health") && answer.status == 200 {
                answer.put(&json!({"status": "ok"}));
            }
        }),
    },
    Breakage {
        name: "no-head",
        says: "HEAD gets 405",
        from: 1,
        noticed_by: "health_answers_head",
        how: How::Answered(|asked, answer| {
            if asked.method == Method::HEAD {
                answer.status = StatusCode::METHOD_NOT_ALLOWED;
            }
        }),
    },
    Breakage {
        name: "plain-404",
        says: "404 comes as text",
        from: 1,
        noticed_by: "unknown_paths_are_404",
        how: How::Answered(|_, answer| {
            if answer.status == 404 {
                answer.body = "not found".into();
                answer.say("content-type", "text/plain");
            }
        }),
    },
    Breakage {
        name: "405-as-404",
        says: "a wrong method gets 404",
        from: 1,
        noticed_by: "wrong_methods_are_405",
        how: How::Answered(|_, answer| {
            if answer.status == 405 {
                answer.status = StatusCode::NOT_FOUND;
            }
        }),
    },
    Breakage {
        name: "no-allow",
        says: "405 comes without Allow",
        from: 1,
        noticed_by: "wrong_methods_are_405",
        how: How::Answered(|_, answer| {
            answer.headers.remove("allow");
        }),
    },
    Breakage {
        name: "no-request-id",
        says: "answers have no x-request-id",
        from: 1,
        noticed_by: "every_answer_has_a_request_id",
        how: How::Answered(|_, answer| {
            answer.headers.remove("x-request-id");
        }),
    },
    Breakage {
        name: "one-request-id",
        says: "all answers have the same x-request-id",
        from: 1,
        noticed_by: "every_answer_has_a_request_id",
        how: How::Answered(|_, answer| answer.say("x-request-id", "the-same")),
    },
    Breakage {
        name: "own-request-id",
        says: "an x-request-id of the caller is never kept",
        from: 1,
        noticed_by: "harmless_request_ids_are_kept",
        how: How::Asked(|asked| {
            asked.headers.remove("x-request-id");
        }),
    },
    Breakage {
        name: "any-request-id",
        says: "an x-request-id of the caller is kept, whatever its shape",
        from: 1,
        noticed_by: "other_request_ids_are_replaced",
        how: How::Answered(any_request_id),
    },
];

fn any_request_id(asked: &Asked, answer: &mut Answer) {
    let given = asked.headers.get("x-request-id").cloned();
    if let Some(given) = given.filter(|id: &HeaderValue| !id.is_empty()) {
        answer.headers.insert("x-request-id", given);
    }
}
