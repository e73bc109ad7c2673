//! `mcp-auth call` against servers of both eras.

use super::support::{Seen, Server, modern, run, tool};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

/// A server of 2025-11-25 that has never heard of anything newer.
fn legacy(seen: &Seen) -> axum::response::Response {
    match seen.method() {
        "initialize" => seen.result(json!({
            "protocolVersion": seen.body["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "old", "version": "0.9"},
        })),
        "notifications/initialized" | "notifications/cancelled" => 202.into_answer(),
        "tools/list" => seen.result(json!({"tools": [tool("mirror")]})),
        _ => seen.error(200, -32601),
    }
}

trait IntoAnswer {
    fn into_answer(self) -> axum::response::Response;
}

impl IntoAnswer for u16 {
    fn into_answer(self) -> axum::response::Response {
        axum::http::StatusCode::from_u16(self).unwrap().into_response()
    }
}

#[test]
fn a_modern_request_stands_alone() {
    let server = Server::start(modern);
    let args = ["tools", "call", "mirror", "--era", "modern", "--args", r#"{"text":"hi"}"#];
    let (status, out, err) = run(&mut server.call(&args));
    assert_eq!((status, out.as_str(), err.as_str()), (0, "{\"text\":\"hi\"}\n", ""));
    let seen = &server.seen()[..];
    let [request] = seen else { panic!("one request is enough: {:?}", server.methods()) };
    assert_eq!(request.header("mcp-protocol-version"), "2026-07-28");
    assert_eq!(request.header("mcp-method"), "tools/call");
    assert_eq!(request.header("mcp-name"), "mirror");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("accept"), "application/json, text/event-stream");
    let meta = &request.body["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-auth");
}

#[test]
fn auto_asks_a_modern_server_in_its_own_era() {
    let server = Server::start(modern);
    let (status, out, _) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 0);
    assert_eq!(server.methods(), ["server/discover"]);
    for line in
        ["server    fake 1.2.3", "protocol  2026-07-28", "can do    tools", "cache     300 s"]
    {
        assert!(out.contains(line), "{line} is missing in:\n{out}");
    }
}

#[test]
fn auto_falls_back_to_initialize() {
    type Answer = fn(&Seen) -> axum::response::Response;
    let refusals: [(&str, Answer); 6] = [
        ("404 and -32601", |seen| seen.error(404, -32601)),
        ("200 and -32601", |seen| seen.error(200, -32601)),
        ("400 and -32022", |seen| seen.error(400, -32022)),
        ("400 in words", |_| (axum::http::StatusCode::BAD_REQUEST, "no session").into_response()),
        ("406", |_| 406.into_answer()),
        ("another version", |seen| seen.result(json!({"supportedVersions": ["2025-11-25"]}))),
    ];
    for (name, refusal) in refusals {
        let server = Server::start(move |seen| match seen.method() {
            "server/discover" => refusal(seen),
            _ => legacy(seen),
        });
        let (status, out, err) = run(&mut server.call(&["tools", "list"]));
        assert_eq!(status, 0, "{name}: {err}");
        assert!(out.starts_with("mirror  Says what it got"), "{name}: {out}");
        let expected = ["server/discover", "initialize", "notifications/initialized", "tools/list"];
        assert_eq!(server.methods(), expected, "{name}");
        let seen = server.seen();
        assert_eq!(seen[1].header("mcp-protocol-version"), "", "is about to be agreed on");
        assert_eq!(seen[1].body["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(seen[3].header("mcp-protocol-version"), "2025-11-25");
        assert_eq!(seen[3].header("mcp-method"), "");
        assert!(seen[3].body["params"].get("_meta").is_none());
        assert!(seen[2].body.get("id").is_none());
    }
}

#[test]
fn auto_does_not_fall_back_where_another_era_changes_nothing() {
    for (answer, expected) in [(401, 3), (403, 4), (408, 1), (429, 1), (503, 1)] {
        let server = Server::start(move |_| answer.into_answer());
        let (status, _, err) = run(&mut server.call(&["discover"]));
        assert_eq!(status, expected, "{answer}: {err}");
        assert_eq!(server.methods(), ["server/discover"], "{answer}");
    }
}

#[test]
fn a_version_that_is_not_spoken_here_is_said() {
    let server = Server::start(|seen| seen.result(json!({"protocolVersion": "1999-01-01"})));
    let (status, _, err) = run(&mut server.call(&["discover", "--era", "legacy"]));
    assert_eq!(status, 1);
    assert!(err.contains("`1999-01-01`") && err.contains("2025-06-18"), "{err}");
}

#[test]
fn a_session_is_kept_and_ended() {
    let server = Server::start(|seen| {
        let mut response = legacy(seen);
        if seen.method() == "initialize" {
            response.headers_mut().insert("mcp-session-id", "s-1234".parse().unwrap());
        }
        response
    });
    let mut command = server.call(&["tools", "list", "--era", "legacy", "--show"]);
    let (status, _, err) = run(&mut command);
    assert_eq!(status, 0);
    let seen = server.seen();
    let sessions: Vec<_> =
        seen.iter().map(|one| (one.method(), one.header("mcp-session-id"))).collect();
    let expected = [
        ("initialize", ""),
        ("notifications/initialized", "s-1234"),
        ("tools/list", "s-1234"),
        ("DELETE", "s-1234"),
    ];
    assert_eq!(sessions, expected);
    assert!(
        !err.contains("s-1234") && err.contains("$MCP_SESSION_ID"),
        "a session id is a secret: {err}"
    );
}

#[test]
fn lists_are_read_to_their_end() {
    let server = Server::start(|seen| match &seen.body["params"]["cursor"] {
        Value::Null => seen.result(json!({"tools": [tool("a")], "nextCursor": ""})),
        Value::String(cursor) if cursor.is_empty() => {
            seen.result(json!({"tools": [tool("b")], "nextCursor": "x"}))
        }
        _ => seen.result(json!({"tools": [tool("c")]})),
    });
    let (status, out, _) = run(&mut server.call(&["tools", "list", "--era", "modern", "--json"]));
    assert_eq!(status, 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    let names: Vec<_> =
        found["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let server = Server::start(|seen| seen.result(json!({"tools": [], "nextCursor": "again"})));
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("comes to no end"), "{err}");
    assert_eq!(server.seen().len(), 2);
    // each cursor is a new one: a thousand are enough
    let server = Server::start(|seen| {
        let cursor = seen.body["id"].to_string();
        seen.result(json!({"tools": [], "nextCursor": cursor}))
    });
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert_eq!((status, server.seen().len()), (1, 1000), "{err}");
}

#[test]
fn both_lists_are_there_even_if_the_server_has_only_one() {
    let server = Server::start(modern);
    let (status, out, _) = run(&mut server.call(&["list"]));
    assert_eq!(status, 0);
    assert!(out.contains("mirror  Says what it got") && out.ends_with("no prompts\n"), "{out}");
    // only "no such method" means "none": any other failure is one
    let server = Server::start(|seen| match seen.method() {
        "prompts/list" => seen.error(200, -32603),
        _ => modern(seen),
    });
    let (status, out, err) = run(&mut server.call(&["list"]));
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
}

#[test]
fn arguments_have_the_types_of_the_schema() {
    let server = Server::start(modern);
    let args = ["tools", "call", "mirror", "text=5", "count=3", "more:=[1,null]", "region=größe"];
    let (status, out, err) = run(&mut server.call(&args));
    assert_eq!((status, err.as_str()), (0, ""));
    let got: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(got, json!({"text": "5", "count": 3, "more": [1, null], "region": "größe"}));
    let call = server.seen().pop().unwrap();
    assert_eq!(
        call.header("mcp-param-region"),
        "=?base64?Z3LDtsOfZQ==?=",
        "wanted by x-mcp-header"
    );
}

#[test]
fn an_argument_of_the_wrong_type_is_not_sent() {
    let server = Server::start(modern);
    let (status, _, err) = run(&mut server.call(&["tools", "call", "mirror", "count=x"]));
    assert_eq!(status, 2);
    assert!(
        err.contains("`count` is to be an integer or null") && err.contains("'count:=\"x\"'"),
        "{err}"
    );
    assert!(!server.methods().contains(&"tools/call".to_owned()));
}

#[test]
fn a_header_that_only_the_schema_tells_is_sent_when_the_server_misses_it() {
    let server = Server::start(|seen| match seen.method() {
        "tools/call" if seen.header("mcp-param-region").is_empty() => seen.error(400, -32020),
        _ => modern(seen),
    });
    let args = ["tools", "call", "mirror", "--era", "modern", "--args", r#"{"region":"eu"}"#];
    let (status, _, err) = run(&mut server.call(&args));
    assert_eq!(status, 0, "{err}");
    assert_eq!(server.methods(), ["tools/call", "tools/list", "tools/call"]);
}

#[test]
fn who_may_not_list_may_still_call() {
    let server = Server::start(|seen| match seen.method() {
        "tools/list" => 403.into_answer(),
        _ => modern(seen),
    });
    let (status, out, err) = run(&mut server.call(&["tools", "call", "mirror", "count=3"]));
    assert_eq!((status, out.as_str()), (0, "{\"count\":\"3\"}\n"));
    assert!(err.contains("sent as text"), "{err}");
    let server = Server::start(|seen| match seen.method() {
        "tools/list" => 500.into_answer(),
        _ => modern(seen),
    });
    let (status, _, err) = run(&mut server.call(&["tools", "call", "mirror", "count=3"]));
    assert_eq!(status, 1, "a list that fails is no leave to guess: {err}");
    assert!(!server.methods().contains(&"tools/call".to_owned()));
}

#[test]
fn a_stream_is_read_up_to_the_answer() {
    let server = Server::start(|seen| {
        let answer = json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": {"content": []}});
        let other = json!({"jsonrpc": "2.0", "id": 999, "result": {"content": "not ours"}});
        let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress",
                              "params": {"progress": 1, "total": 2, "message": "half\u{1b}[2J"}});
        let log = json!({"jsonrpc": "2.0", "method": "notifications/message",
                         "params": {"level": "info", "data": "log\u{9b}2J"}});
        let asked = json!({"jsonrpc": "2.0", "id": 5, "method": "ask\u{202e}"});
        let text = format!(
            "id: 0\ndata:\n\ndata: {progress}\n\ndata: {log}\n\ndata: {asked}\n\ndata: {other}\n\n\
             event: message\ndata: {answer}\n\n"
        );
        // it stays open after the answer: a client that waits for its end waits in vain
        let open = futures_util::StreamExt::chain(
            futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(text) }),
            futures_util::stream::pending(),
        );
        (
            [("content-type", "text/event-stream; charset=utf-8")],
            axum::body::Body::from_stream(open),
        )
            .into_response()
    });
    let args = ["tools", "call", "x", "--era", "modern", "--json", "--timeout", "20"];
    let (status, out, err) = run(&mut server.call(&args));
    assert_eq!((status, out.as_str()), (0, "{\n  \"content\": []\n}\n"), "{err}");
    let expected = "progress 1 of 2: half\\u{1b}[2J\nthe server logs (info): log\\u{9b}2J\n\
                    the server asks for ask\\u{202e}, which this command does not answer\n";
    assert_eq!(err, expected);
}

#[test]
fn a_stream_that_ends_too_early_is_a_failure() {
    let server = Server::start(|_| {
        ([("content-type", "text/event-stream")], "data: {\"jsonrpc\":\"2.0\"}\n\n").into_response()
    });
    let (status, _, err) = run(&mut server.call(&["discover", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("ended before the answer came"), "{err}");
}

#[test]
fn an_error_of_a_tool_has_a_status_of_its_own() {
    let server = Server::start(|seen| {
        let content = [json!({"type": "text", "text": "no such file"})];
        seen.result(json!({"isError": true, "content": content}))
    });
    let args = ["tools", "call", "read", "--era", "modern"];
    let (status, out, err) = run(&mut server.call(&args));
    assert_eq!((status, out.as_str()), (5, ""));
    assert_eq!(err, "mcp-auth: the tool reports an error: no such file\n");
    let (status, out, _) = run(server.call(&args).arg("--json"));
    assert_eq!(status, 5);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["isError"], true);
}

#[test]
fn an_error_of_the_protocol_is_said_with_its_code() {
    let server = Server::start(|seen| seen.error(200, -32602));
    let (status, out, err) = run(&mut server.call(&["prompts", "get", "x", "--era", "modern"]));
    assert_eq!((status, out.as_str()), (1, ""));
    assert_eq!(err, "mcp-auth: the server answers with error -32602: words of the server\n");
    let (_, _, err) = run(&mut server.call(&["prompts", "get", "x", "--era", "modern", "--json"]));
    let failure: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(failure["error"]["error"]["code"], -32602);
    assert_eq!(failure["error"]["status"], 1);
}

#[test]
fn the_answer_to_another_request_is_no_answer() {
    let server = Server::start(|_| {
        axum::Json(json!({"jsonrpc": "2.0", "id": 77, "result": {"tools": []}})).into_response()
    });
    let (status, _, err) = run(&mut server.call(&["tools", "list", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("is this the URL of an MCP endpoint?"), "{err}");
}

#[test]
fn a_server_that_asks_back_is_told_apart() {
    let server = Server::start(|seen| {
        seen.result(json!({"resultType": "input_required", "inputRequests": {"user_name": {}}}))
    });
    let (status, _, err) = run(&mut server.call(&["tools", "call", "x", "--era", "modern"]));
    assert_eq!(status, 1);
    assert!(err.contains("user_name"), "{err}");
}

#[test]
fn what_a_server_writes_cannot_steer_the_terminal() {
    let server = Server::start(|seen| {
        let text = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}ok";
        seen.result(json!({"content": [{"type": "text", "text": text}],
                           "tools": [{"name": text, "description": text}],
                           "supportedVersions": [text], "capabilities": {text: {}}}))
    });
    for args in [
        &["tools", "call", "x"][..],
        &["tools", "list"],
        &["discover"],
        &["discover", "--json"],
        &["discover", "--show"],
    ] {
        let (_, out, err) = run(server.call(args).args(["--era", "modern"]));
        assert!(out.contains("ok"), "{args:?}: {out}");
        let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!format!("{out}{err}").contains(steers), "{args:?}: {out:?} {err:?}");
    }
}

#[test]
fn headers_can_be_changed_and_left_out() {
    let server = Server::start(modern);
    let args = ["discover", "--header", "Mcp-Method: ping", "--header", "origin: http://a.example"];
    let args = [&args[..], &["--header", "mcp-protocol-version:", "--era", "modern"]].concat();
    assert_eq!(run(&mut server.call(&args)).0, 0);
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("mcp-method"), "ping");
    assert_eq!(seen.header("origin"), "http://a.example");
    assert!(!seen.headers.contains_key("mcp-protocol-version"));
    for wrong in [
        "no colon",
        ": x",
        "content-length: 5",
        "transfer-encoding: chunked",
        "two words: x",
        "x: a\nb",
    ] {
        let (status, _, err) = run(&mut server.call(&["discover", "--header", wrong]));
        assert_eq!(status, 2, "{wrong}: {err}");
    }
}

#[test]
fn colour_is_for_those_who_want_it() {
    let server = Server::start(modern);
    let (_, plain, _) = run(&mut server.call(&["tools", "list"]));
    assert!(plain.starts_with("mirror  "), "{plain:?}");
    let (_, coloured, _) = run(server.call(&["tools", "list"]).env("CLICOLOR_FORCE", "1"));
    assert!(coloured.starts_with("\u{1b}[1mmirror\u{1b}[0m  "), "{coloured:?}");
}
