//! Who may knock? Exactly the names and pages that are known.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
    middleware::from_fn_with_state,
    routing::get,
};
use mcp_auth::origin::{self, Host, Origin, Origins, Rule};
use serde_json::Value;
use tower::ServiceExt as _;

const OURS: &str = "http://localhost:9000";

/// A server that answers everything, behind the rule.
fn server() -> Router {
    let settings = Origins {
        allow_origin: vec!["http://localhost:6274".parse().unwrap()],
        allow_host: vec!["mcp.example.com".parse().unwrap()],
    };
    let rule = Rule::new(["localhost:9000"], OURS, &settings);
    let rule = rule.public("/token".into());
    Router::new().fallback(async || "in").layer(from_fn_with_state(rule, origin::check))
}

/// Status, headers and body for a request with these headers.
async fn ask(
    method: Method,
    uri: &str,
    headers: &[(&str, &[u8])],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = server().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn status(uri: &str, headers: &[(&str, &[u8])]) -> u16 {
    ask(Method::POST, uri, headers).await.0.as_u16()
}

#[tokio::test]
async fn a_host_is_ours_to_the_last_letter() {
    for (uri, hosts, expected) in [
        ("/mcp", &["localhost:9000"][..], 200),
        ("/mcp", &["LOCALHOST:9000"], 200),
        ("/mcp", &["mcp.example.com"], 200),
        ("http://localhost:9000/mcp", &[], 200),
        ("http://localhost:9000/mcp", &["localhost:9000"], 200),
        ("/mcp", &[], 403),
        ("/mcp", &[""], 403),
        ("/mcp", &["localhost"], 403),
        ("/mcp", &["localhost:9001"], 403),
        ("/mcp", &["localhost:9000.evil.example"], 403),
        ("/mcp", &["evil.example"], 403),
        ("/mcp", &["xmcp.example.com"], 403),
        ("/mcp", &["mcp.example.com:9000"], 403),
        ("/mcp", &["localhost:9000", "localhost:9000"], 403),
        ("/mcp", &["localhost:9000", "evil.example"], 403),
        ("http://evil.example/mcp", &[], 403),
        ("http://evil.example/mcp", &["localhost:9000"], 403),
        ("http://localhost:9000/mcp", &["evil.example"], 403),
        ("http://localhost:9000/mcp", &["\u{e4}"], 403),
        ("/health", &["evil.example"], 200),
        ("/ready", &[], 200),
        ("/readyx", &[], 403),
        ("/.well-known/jwks.json", &["evil.example"], 403),
    ] {
        let headers: Vec<_> = hosts.iter().map(|host| ("host", host.as_bytes())).collect();
        assert_eq!(status(uri, &headers).await, expected, "{uri} {hosts:?}");
    }
    assert_eq!(status("/mcp", &[("host", b"\xff")]).await, 403);
}

#[tokio::test]
async fn an_origin_is_ours_to_the_last_letter() {
    for (origins, expected) in [
        (&[][..], 200),
        (&[OURS][..], 200),
        (&["http://localhost:6274"], 200),
        (&["null"], 403),
        (&[""], 403),
        (&["*"], 403),
        (&["http://localhost"], 403),
        (&["https://localhost:9000"], 403),
        (&["http://localhost:9000/"], 403),
        (&["http://localhost:90001"], 403),
        (&["http://localhost:9000.evil.example"], 403),
        (&["http://localhost.evil.com"], 403),
        (&["http://evil.example/http://localhost:9000"], 403),
        (&["http://mcp.example.com"], 403),
        (&[OURS, OURS], 403),
        (&[OURS, "http://evil.example"], 403),
        (&["\u{e4}"], 403),
    ] {
        let mut headers = vec![("host", &b"localhost:9000"[..])];
        headers.extend(origins.iter().map(|origin| ("origin", origin.as_bytes())));
        assert_eq!(status("/mcp", &headers).await, expected, "{origins:?}");
        assert_eq!(status("/health", &headers).await, expected, "on /health too: {origins:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_and_not_what_would_be_right() {
    for (headers, error) in [
        (&[("host", &b"evil.example"[..]), ("origin", OURS.as_bytes())][..], "forbidden_host"),
        (&[("host", b"localhost:9000"), ("origin", b"http://evil.example")], "forbidden_origin"),
    ] {
        let (status, headers, body) = ask(Method::POST, "/mcp", headers).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"], error);
        assert!(!body.contains("localhost"), "{body}");
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_known_page_may_read_the_answer_and_no_other() {
    let host = ("host", &b"localhost:9000"[..]);
    let inspector = ("origin", &b"http://localhost:6274"[..]);
    let (_, headers, body) = ask(Method::POST, "/mcp", &[host, inspector]).await;
    assert_eq!(headers["access-control-allow-origin"], "http://localhost:6274");
    assert_eq!(body, "in");
    let exposed = "WWW-Authenticate, X-Request-Id, Mcp-Session-Id";
    assert_eq!(headers["access-control-expose-headers"], exposed);
    assert_eq!(headers["vary"], "Origin");
    assert!(!headers.contains_key("access-control-allow-methods"), "that is for a preflight");
    let (_, headers, _) = ask(Method::POST, "/mcp", &[host]).await;
    assert!(!headers.contains_key("access-control-allow-origin"), "nobody asked");
}

#[tokio::test]
async fn a_preflight_is_answered_before_anything_else_is_asked() {
    let host = ("host", &b"localhost:9000"[..]);
    let method = ("access-control-request-method", &b"POST"[..]);
    let wanted = ("access-control-request-headers", &b"authorization,mcp-method"[..]);
    let headers = [host, ("origin", OURS.as_bytes()), method, wanted];
    let (status, answer, body) = ask(Method::OPTIONS, "/mcp", &headers).await;
    assert_eq!((status, &*body), (StatusCode::NO_CONTENT, ""));
    assert_eq!(answer["access-control-allow-origin"], OURS);
    assert_eq!(answer["access-control-allow-headers"], "authorization,mcp-method");
    assert_eq!(answer["access-control-allow-methods"], "GET, POST, DELETE, OPTIONS");
    assert_eq!(answer["access-control-max-age"], "600", "or each request is two");
    assert!(!answer.contains_key("access-control-allow-credentials"));
    let bad = [host, ("origin", &b"http://evil.example"[..]), method, wanted];
    assert_eq!(ask(Method::OPTIONS, "/mcp", &bad).await.0, StatusCode::FORBIDDEN);
    // these are no preflights
    for headers in [&[host, ("origin", OURS.as_bytes())][..], &[host, method]] {
        assert_eq!(ask(Method::OPTIONS, "/mcp", headers).await.2, "in");
    }
    let post = ask(Method::POST, "/mcp", &[host, ("origin", OURS.as_bytes()), method]).await;
    assert_eq!(post.2, "in");
}

#[tokio::test]
async fn what_is_for_every_page_is_for_every_page_and_nothing_beside_it() {
    let headers = [("host", &b"localhost:9000"[..]), ("origin", b"http://anybody.example")];
    for (path, is_public) in [
        ("/.well-known/jwks.json", true),
        ("/token", true),
        ("/token/", false),
        ("/tokens", false),
        ("/mcp/.well-known/x", false),
        ("/.well-known", false),
    ] {
        let (status, headers, _) = ask(Method::GET, path, &headers).await;
        let allowed = headers.get("access-control-allow-origin").map(|v| v.to_str().unwrap());
        let expected =
            if is_public { (StatusCode::OK, Some("*")) } else { (StatusCode::FORBIDDEN, None) };
        assert_eq!((status, allowed), expected, "{path}");
    }
    let (_, headers, _) = ask(Method::GET, "/token", &headers[..1]).await;
    assert!(!headers.contains_key("access-control-allow-origin"), "nobody asked");
}

#[tokio::test]
async fn an_answer_keeps_what_it_varies_by() {
    let varying = get(async || ([("vary", "accept")], "in"));
    let rule = Rule::new(["a"], OURS, &Origins::default());
    let server = Router::new().route("/", varying).layer(from_fn_with_state(rule, origin::check));
    let request = Request::get("/").header("host", "a").header("origin", OURS);
    let response = server.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["accept", "Origin"]);
}

#[test]
fn a_setting_is_a_host_or_an_origin_and_nothing_wider() {
    for good in ["http://localhost:6274", "https://a.example", "HTTP://A.example", "http://[::1]:1"]
    {
        let origin: Origin = good.parse().unwrap();
        assert_eq!(origin.to_string(), good.to_ascii_lowercase());
    }
    for (said, sent) in [
        ("http://a.example:80", "http://a.example"),
        ("https://A.example:443", "https://a.example"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://a.example:8080", "http://a.example:8080"),
    ] {
        assert_eq!(said.parse::<Origin>().unwrap().to_string(), sent, "as a browser sends it");
    }
    for bad in [
        "*",
        "null",
        "",
        "localhost:6274",
        "http://",
        "http://*",
        "http://*.example.com",
        "http://a.example/",
        "http://a.example/x",
        "http://user@a.example",
        "ftp://a.example",
        "http://a b",
        "http://:80",
    ] {
        assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
    }
    for good in ["localhost", "MCP.example.com:8443", "[::1]:9000", "127.0.0.1"] {
        assert_eq!(good.parse::<Host>().unwrap().to_string(), good.to_ascii_lowercase());
    }
    for bad in ["", "*", "*.example.com", "http://a", "a/b", "user@a", ":80", "a b"] {
        assert!(bad.parse::<Host>().is_err(), "{bad:?}");
    }
}
