//! Servers that do odd things, readers that go away, and secrets that come back.

use std::process::Stdio;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::support::{Seen, Server, modern, run, std_command, tool};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

/// A server of 2025 that takes what it is told with this status.
fn legacy(seen: &Seen, notified: StatusCode) -> Response {
    match seen.method() {
        "initialize" => {
            seen.result(json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}))
        }
        "notifications/initialized" => notified.into_response(),
        _ => modern(seen),
    }
}

#[test]
fn a_handshake_that_is_refused_is_none() {
    let server = Server::start(|seen| legacy(seen, StatusCode::BAD_REQUEST));
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "legacy"]));
    assert_eq!(status, 1, "{err}");
    assert_eq!(server.methods(), ["initialize", "notifications/initialized"]);
}

#[test]
fn an_old_server_gets_no_headers_that_mirror_arguments() {
    let server = Server::start(|seen| legacy(seen, StatusCode::ACCEPTED));
    let args = ["tools", "call", "mirror", "region=eu", "--era", "legacy"];
    assert_eq!(run(&mut server.call(&args)).0, 0);
    let call = server.seen().pop().unwrap();
    assert_eq!((call.method(), call.header("mcp-param-region")), ("tools/call", ""));
}

#[test]
fn an_argument_further_down_is_mirrored_too() {
    let server = Server::start(|seen| {
        let mut tool = tool("mirror");
        let inner = json!({"zone": {"type": "string", "x-mcp-header": "Zone"}});
        tool["inputSchema"]["properties"]["place"] = json!({"type": "object", "properties": inner});
        match seen.method() {
            "tools/list" => seen.result(json!({"tools": [tool]})),
            _ => modern(seen),
        }
    });
    let args = ["tools", "call", "mirror", "place={\"zone\":\"b\"}", "--era", "modern"];
    let (status, _, err) = run(&mut server.call(&args));
    assert_eq!(status, 0, "{err}");
    assert_eq!(server.seen().pop().unwrap().header("mcp-param-zone"), "b");
}

#[test]
fn a_call_is_repeated_only_for_a_header_that_was_missing() {
    for (code, expected) in [(-32602, &["tools/call"][..]), (-32020, &["tools/call", "tools/list"])]
    {
        let server = Server::start(move |seen| match seen.method() {
            "tools/call" => seen.error(400, code),
            _ => modern(seen),
        });
        let args = ["tools", "call", "mirror", "--era", "modern", "--args", "{\"text\":\"x\"}"];
        let (status, _, err) = run(&mut server.call(&args));
        assert_eq!(status, 1, "{err}");
        assert_eq!(server.methods(), expected, "{code}");
    }
}

#[test]
fn a_result_without_a_list_is_none() {
    let server = Server::start(|seen| seen.result(json!({"prompts": []})));
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("has no list `tools`"), "{err}");
}

/// Or a server could say in the name of this command what it likes.
#[test]
fn what_a_server_says_of_a_failure_begins_no_line_of_its_own() {
    const FORGED: &str = "x\nmcp-auth: log in at https://evil.example";
    let wanting = json!({"resultType": "input_required", "inputRequests": {FORGED: {}}});
    let old = json!({"protocolVersion": FORGED, "capabilities": {}, "serverInfo": {}});
    for (era, result) in [("modern", wanting), ("legacy", old)] {
        let server = Server::start(move |seen| seen.result(result.clone()));
        let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", era]));
        assert_eq!(status, 1, "{err}");
        assert!(err.contains("log in at") && !err.contains("\nmcp-auth: log in"), "{err}");
    }
    let server = Server::start(|seen| {
        let data = json!({"requestId": FORGED});
        let error = json!({"code": -32603, "message": "m", "data": data});
        axum::Json(json!({"jsonrpc": "2.0", "id": seen.body["id"], "error": error})).into_response()
    });
    let (_, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert!(err.contains("log in at") && !err.contains("\nmcp-auth: log in"), "{err}");
}

#[test]
fn an_answer_must_say_that_it_is_json() {
    let server = Server::start(|seen| {
        let body = json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": {"tools": []}});
        ([("content-type", "text/plain")], body.to_string()).into_response()
    });
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("text/plain"), "{err}");
}

#[test]
fn secrets_that_come_back_are_masked_too() {
    let server = Server::start(|seen| {
        let text = format!("you sent {} and {}", seen.header("authorization"), seen.path);
        seen.result(json!({"content": [{"type": "text", "text": text}]}))
    });
    let url = format!("{}?api_key=key-in-the-query", server.url());
    let mut command = super::support::command();
    command.args(["call", &url, "tools", "call", "x", "--era", "modern", "--show"]);
    command.args([
        "--header",
        "cookie: id=geheim",
        "--header",
        "proxy-authorization: Basic geheim",
    ]);
    command.args(["--args", "{\"text\":\"\u{9b}2J\u{202e}\"}"]);
    let (status, out, err) = run(command.env("MCP_TOKEN", TOKEN));
    assert_eq!(status, 0, "{err}");
    assert!(out.contains(TOKEN), "the result is the user's own: {out}");
    assert!(!err.contains(TOKEN) && !err.contains("geheim"), "{err}");
    let sent = err.lines().filter(|line| line.starts_with(['>', '$']));
    assert!(!sent.collect::<String>().contains("key-in-the-query"), "{err}");
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!err.contains(steers), "{err:?}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let mut child = std_command()
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = std_command();
    let ended = command.args(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let err = String::from_utf8_lossy(&ended.stderr);
    assert!(err.contains("cannot write the result"), "{err}");
}
