//! Breakages of who may knock: Origin, Host and CORS.

use axum::http::{HeaderValue, Method, StatusCode};

use super::{Asked, Breakage, How};

/// Breakages of what lesson 2 promises about browsers.
pub const BREAKAGES: &[Breakage] = &[
    Breakage {
        name: "any-origin",
        says: "Origin is not looked at",
        from: 2,
        noticed_by: "foreign_origins_are_refused",
        how: How::Asked(|asked| {
            asked.headers.remove("origin");
        }),
    },
    Breakage {
        name: "origin-by-prefix",
        says: "an Origin that begins like ours is let in",
        from: 2,
        noticed_by: "foreign_origins_are_refused",
        how: How::Asked(|asked| {
            let own = asked.origin.clone();
            let host = own.rsplit_once(':').map_or(own.as_str(), |(host, _)| host);
            take_for_ours(asked, |origin| origin.starts_with(host));
        }),
    },
    Breakage {
        name: "origin-null",
        says: "the Origin null is let in",
        from: 2,
        noticed_by: "foreign_origins_are_refused",
        how: How::Asked(|asked| take_for_ours(asked, |origin| origin == "null")),
    },
    Breakage {
        name: "any-host",
        says: "Host is not looked at",
        from: 2,
        noticed_by: "foreign_hosts_are_refused",
        how: How::Asked(|asked| {
            let own = asked.origin.split_once("://").map(|(_, host)| host.parse());
            if let Some(Ok(host)) = own {
                asked.headers.insert("host", host);
            }
        }),
    },
    Breakage {
        name: "403-as-200",
        says: "a refusal comes with status 200",
        from: 2,
        noticed_by: "strangers_are_refused_first",
        how: How::Answered(|_, answer| {
            if answer.status == 403 {
                answer.status = StatusCode::OK;
            }
        }),
    },
    Breakage {
        name: "health-wants-our-name",
        says: "/health is 403 under another Host",
        from: 2,
        noticed_by: "health_answers_under_any_name",
        how: How::Answered(|asked, answer| {
            let own = asked.header("host").is_some_and(|host| asked.origin.ends_with(host));
            if asked.path == "/health" && !own {
                answer.status = StatusCode::FORBIDDEN;
            }
        }),
    },
    Breakage {
        name: "no-preflight",
        says: "a preflight gets 405",
        from: 2,
        noticed_by: "a_preflight_is_answered",
        how: How::Answered(|asked, answer| {
            if asked.method == Method::OPTIONS {
                answer.status = StatusCode::METHOD_NOT_ALLOWED;
            }
        }),
    },
    Breakage {
        name: "foreign-preflight",
        says: "a preflight of any origin is answered",
        from: 2,
        noticed_by: "a_foreign_preflight_is_refused",
        how: How::Asked(|asked| {
            if asked.method == Method::OPTIONS {
                take_for_ours(asked, |_| true);
            }
        }),
    },
    Breakage {
        name: "cors-for-all",
        says: "Access-Control-Allow-Origin is *",
        from: 2,
        noticed_by: "our_pages_may_read_refusals",
        how: How::Answered(|_, answer| answer.say("access-control-allow-origin", "*")),
    },
    Breakage {
        name: "unreadable-refusals",
        says: "a refusal has no CORS headers",
        from: 2,
        noticed_by: "our_pages_may_read_refusals",
        how: How::Answered(|_, answer| {
            if answer.status.is_client_error() {
                answer.headers.remove("access-control-allow-origin");
            }
        }),
    },
    Breakage {
        name: "hidden-challenge",
        says: "WWW-Authenticate is not exposed to our pages",
        from: 2,
        noticed_by: "our_pages_may_read_refusals",
        how: How::Answered(|_, answer| {
            answer.headers.remove("access-control-expose-headers");
        }),
    },
    Breakage {
        name: "no-vary",
        says: "caches are not told that answers differ by Origin",
        from: 2,
        noticed_by: "our_pages_may_read_refusals",
        how: How::Answered(|_, answer| {
            answer.headers.remove("vary");
        }),
    },
    Breakage {
        name: "one-host",
        says: "only one spelling of our name is let in",
        from: 2,
        noticed_by: "our_hosts_are_let_in",
        how: How::Answered(|asked, answer| {
            let own = asked.header("host").is_some_and(|host| asked.origin.ends_with(host));
            if !own && asked.path != "/health" {
                answer.status = StatusCode::FORBIDDEN;
            }
        }),
    },
    Breakage {
        name: "no-pages",
        says: "no page is let in, ours neither",
        from: 2,
        noticed_by: "our_origin_is_let_in",
        how: How::Answered(|asked, answer| {
            if asked.headers.contains_key("origin") {
                answer.status = StatusCode::FORBIDDEN;
            }
        }),
    },
];

/// Makes an Origin that fits look like ours to the upstream.
fn take_for_ours(asked: &mut Asked, fits: impl Fn(&str) -> bool) {
    let own = HeaderValue::from_str(&asked.origin);
    if let (Some(true), Ok(own)) = (asked.header("origin").map(fits), own) {
        asked.headers.insert("origin", own);
    }
}
