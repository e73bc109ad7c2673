//! Who is refused learns why, where to get a token, and which scope is missing.

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::support::{Server, run};

fn challenge(status: u16, challenge: &str) -> Response {
    let headers = [("www-authenticate", challenge), ("x-request-id", "req-42")];
    (StatusCode::from_u16(status).unwrap(), headers, Json(json!({"error": "from_the_body"})))
        .into_response()
}

/// A server that sends callers to its metadata, which says `document`.
fn guarded(document: impl Fn(&str) -> Value + Clone + Send + Sync + 'static) -> Server {
    Server::start(move |seen| {
        let origin = format!("http://{}", seen.header("host"));
        if seen.path == "/metadata" {
            return Json(document(&origin)).into_response();
        }
        let text = format!("Bearer resource_metadata=\"{origin}/metadata\", scope=\"mcp:read\"");
        challenge(401, &text)
    })
}

#[test]
fn without_a_token_one_is_told_where_to_get_it() {
    let server = guarded(
        |origin| json!({"resource": format!("{origin}/mcp"), "authorization_servers": ["https://login.example"]}),
    );
    let (status, out, err) = run(&mut server.call(&["discover"]));
    assert_eq!((status, out.as_str()), (3, ""));
    for words in [
        "refused (401): the server wants a token, and none was sent\n",
        "scope to ask for: mcp:read\n",
        &format!("where to get one:  {}/metadata\n", server.origin),
        "authorization server: https://login.example\n",
        "request id req-42\n",
        "MCP_TOKEN",
    ] {
        assert!(err.contains(words), "{words:?} is missing in:\n{err}");
    }
    assert!(!err.contains("clients refuse"), "the metadata is right: {err}");

    let (status, _, err) = run(&mut server.call(&["discover", "--json"]));
    let error = &serde_json::from_str::<Value>(&err).unwrap()["error"];
    assert_eq!((status, error["status"].as_u64(), error["http"].as_u64()), (3, Some(3), Some(401)));
    assert_eq!(error["scope"], "mcp:read");
    assert_eq!(error["resource_metadata"], format!("{}/metadata", server.origin));
    assert_eq!(error["authorization_servers"], json!(["https://login.example"]));
    assert_eq!(error["request_id"], "req-42");
}

#[test]
fn the_token_is_not_sent_to_the_metadata() {
    let server = guarded(|_| json!({}));
    let (status, _, err) = run(&mut server.call(&["discover", "--token", "a-token-of-mine"]));
    assert_eq!(status, 3);
    assert!(err.contains("does not accept the token") && !err.contains("MCP_TOKEN"), "{err}");
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), "Bearer a-token-of-mine");
    assert_eq!((seen[1].path.as_str(), seen[1].header("authorization")), ("/metadata", ""));
    assert_eq!(seen.len(), 2, "initialize would not help: {seen:?}");
}

#[test]
fn metadata_that_clients_refuse_is_pointed_out() {
    let server =
        guarded(|_| json!({"resource": "http://localhost/other", "authorization_servers": []}));
    let (_, _, err) = run(&mut server.call(&["discover"]));
    assert!(err.contains("names no authorization server"), "{err}");
    assert!(
        err.contains("about http://localhost/other") && err.contains("clients refuse"),
        "{err}"
    );
    // the same server, and not the same resource: it is compared to the letter
    let server = guarded(|origin| json!({"resource": origin, "authorization_servers": ["x"]}));
    let (_, _, err) = run(&mut server.call(&["discover"]));
    assert!(err.contains("clients refuse"), "{err}");
}

#[test]
fn what_metadata_says_stays_in_its_line() {
    let words = "https://login.example\nmcp-auth: accepted";
    let server = guarded(move |_| json!({"resource": words, "authorization_servers": [words]}));
    let (_, _, err) = run(&mut server.call(&["discover"]));
    assert!(
        err.contains("authorization server: https://login.example mcp-auth: accepted\n"),
        "{err}"
    );
    assert!(!err.lines().any(|line| line.trim_start().starts_with("mcp-auth: accepted")), "{err}");
}

#[test]
fn a_server_does_not_choose_whom_we_call() {
    let other = Server::start(|_| "never asked".into_response());
    let url = format!("{}/metadata", other.origin);
    let server = Server::start(move |_| challenge(401, &format!("Bearer resource_metadata={url}")));
    let (status, _, err) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 3);
    assert!(err.contains(&other.origin) && err.contains("was not read"), "{err}");
    assert!(other.seen().is_empty());
}

#[test]
fn a_bad_token_is_told_from_a_missing_one() {
    let words = r#"Bearer error="invalid_token", error_description="not one of ours""#;
    let server = Server::start(move |_| challenge(401, words));
    let (status, _, err) = run(server.call(&["discover"]).env("MCP_TOKEN", "opaque"));
    assert_eq!(status, 3);
    let expected = "does not accept the token (invalid_token: not one of ours)\n";
    assert!(err.contains(expected), "{err}");
    let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1700000000}"#);
    let token = format!("e30.{claims}.c2ln");
    let (_, _, err) = run(server.call(&["discover"]).env("MCP_TOKEN", token));
    assert!(err.contains("its time is over"), "{err}");
}

#[test]
fn a_401_without_a_challenge_is_the_servers_fault() {
    let server = Server::start(|_| StatusCode::UNAUTHORIZED.into_response());
    let (status, _, err) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 3);
    assert!(err.contains("WWW-Authenticate is missing"), "{err}");
}

#[test]
fn too_little_scope_is_said_by_name() {
    let words = r#"Bearer error="insufficient_scope", scope="mcp:tools mcp:read""#;
    let server = Server::start(move |_| challenge(403, words));
    let claims = URL_SAFE_NO_PAD.encode(r#"{"scope":"mcp:prompts"}"#);
    let token = format!("e30.{claims}.c2ln");
    let args = ["tools", "call", "x", "--era", "modern", "--token", &token];
    let (status, _, err) = run(&mut server.call(&args));
    assert_eq!(status, 4);
    assert!(err.contains("needs the scope mcp:tools mcp:read\n"), "{err}");
    assert!(err.contains("the token has mcp:prompts\n"), "{err}");
    let (status, _, err) = run(server.call(&args).arg("--json"));
    assert_eq!(status, 4);
    let error = &serde_json::from_str::<Value>(&err).unwrap()["error"];
    assert_eq!(error["error"], "insufficient_scope");
    assert_eq!(error["scope"], "mcp:tools mcp:read");
}

#[test]
fn other_refusals_have_the_servers_words() {
    let refusal = |status: u16| {
        let status = StatusCode::from_u16(status).unwrap();
        let body = json!({"error": "some_error", "error_description": "in \u{1b}[31mred"});
        (status, [("retry-after", "7"), ("x-request-id", "of-this-request")], Json(body))
            .into_response()
    };
    for (answer, expected) in [(400, 1), (403, 4), (413, 1), (500, 1), (503, 1)] {
        let server = Server::start(move |_| refusal(answer));
        let (status, _, err) = run(&mut server.call(&["discover", "--era", "modern"]));
        assert_eq!(status, expected, "{answer}: {err}");
        assert!(err.contains("some_error, in \\u{1b}[31mred"), "{answer}: {err}");
        assert_eq!(err.contains("wait 7 s"), answer != 403, "{answer}: {err}");
        assert!(err.contains("the server's log has ") && err.contains("of-this-request"), "{err}");
    }
}

#[test]
fn what_is_not_an_mcp_endpoint_is_said() {
    for (status, words) in [(404, "is the path right?"), (405, "takes no POST"), (200, "text/html")]
    {
        let server = Server::start(move |_| {
            let page = axum::response::Html("<p>hello</p>");
            (StatusCode::from_u16(status).unwrap(), page).into_response()
        });
        let (status, _, err) = run(&mut server.call(&["discover", "--era", "modern"]));
        assert_eq!(status, 1, "{err}");
        assert!(err.contains(words) && err.contains(&server.url()), "{words}: {err}");
    }
}

#[test]
fn what_a_refusal_says_cannot_steer_the_terminal() {
    // a header has no control characters, but bytes above ASCII pass: these two are a command to a terminal
    // and a letter that turns the direction of writing around
    let words = "Bearer error=\"invalid_token\", scope=\"a\u{9b}2J\u{202e}b\"";
    let server = Server::start(move |_| {
        let mut response = StatusCode::UNAUTHORIZED.into_response();
        let value = HeaderValue::from_bytes(words.as_bytes()).unwrap();
        response.headers_mut().insert("www-authenticate", value);
        response
    });
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    let (status, _, err) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 3);
    assert!(err.contains("scope to ask for: a\\u{9b}2J\\u{202e}b\n"), "{err}");
    assert!(!err.contains(steers), "{err:?}");
    let (_, _, err) = run(&mut server.call(&["discover", "--json"]));
    assert!(!err.contains(steers), "{err:?}");
    let error = &serde_json::from_str::<Value>(&err).unwrap()["error"];
    assert_eq!(error["scope"], "a\u{9b}2J\u{202e}b", "escaped, and the same value");
}

#[test]
fn a_document_in_an_error_is_none() {
    let server = Server::start(|seen| {
        let url = format!("http://{}/metadata", seen.header("host"));
        match seen.path.as_str() {
            "/metadata" => {
                let document = json!({"authorization_servers": ["https://login.example"]});
                (StatusCode::NOT_FOUND, Json(document)).into_response()
            }
            _ => challenge(401, &format!("Bearer resource_metadata=\"{url}\"")),
        }
    });
    let (status, _, err) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 3);
    assert!(err.contains("but it answers 404") && !err.contains("login.example"), "{err}");
}

#[test]
fn a_refusal_counts_whatever_its_body_says() {
    for (status, expected) in [(401, 3), (403, 4)] {
        let server = Server::start(move |seen| seen.error(status, -32001));
        let (ended, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
        assert_eq!(ended, expected, "{err}");
        assert!(err.contains(&format!("({status})")), "{err}");
    }
}

#[test]
fn another_scheme_and_another_reason_are_told_apart() {
    let server = Server::start(|_| challenge(401, "Basic realm=\"x\""));
    let (_, _, err) = run(&mut server.call(&["discover"]));
    assert!(err.contains("asks for the scheme Basic, not for a bearer token"), "{err}");
    let words = "Bearer error=\"access_denied\", scope=\"mcp:tools\"";
    let server = Server::start(move |_| challenge(403, words));
    let (status, _, err) = run(&mut server.call(&["discover", "--era", "modern"]));
    assert_eq!(status, 4);
    assert!(!err.contains("ask for a token with"), "more scope would not help: {err}");
}
