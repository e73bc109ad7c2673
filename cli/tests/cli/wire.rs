//! What goes over the wire, what does not, and for how long.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::support::{Server, command, modern, run, std_command};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

/// Answers one request with `answer`; returns the URL to call and what will have arrived.
fn raw(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let arrived = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"}") {
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(bytes).unwrap()
    });
    (url, arrived)
}

/// The lines of a `--show` that begin with this arrow.
fn shown(err: &str, arrow: char) -> Vec<&str> {
    let lines = err.lines().filter_map(|line| line.strip_prefix(arrow));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect()
}

#[test]
fn show_prints_what_went_over_the_wire_and_no_secret() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: id=geheim\r\n\
                  connection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
    let (url, arrived) = raw(answer);
    let args = ["call", &url, "discover", "--era", "modern", "--show"];
    let (status, _, err) = run(command().args(args).env("MCP_TOKEN", TOKEN));
    assert_eq!(status, 0, "{err}");
    let arrived = arrived.join().unwrap();
    assert!(arrived.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{arrived}");
    let masked = arrived.replace(TOKEN, "***");
    assert_eq!(shown(&err, '>'), masked.split("\r\n").collect::<Vec<_>>());
    let expected = answer.replace("id=geheim", "***");
    assert_eq!(shown(&err, '<'), expected.split("\r\n").collect::<Vec<_>>());
    for secret in [TOKEN, "c2lnbmF0dXJl", "geheim"] {
        assert!(!err.contains(secret), "{secret} is in:\n{err}");
    }
}

#[cfg(unix)]
#[test]
fn the_curl_line_sends_the_same() {
    let server = Server::start(modern);
    let args = ["tools", "call", "it's $HOME", "--era", "modern", "--show"];
    let mut call = server.call(&args);
    call.args(["--args", r#"{"text":"a 'quoted' \"word\" `id`"}"#, "--token", TOKEN]);
    let (status, _, err) = run(&mut call);
    assert_eq!(status, 0, "{err}");
    let request = server.seen().pop().unwrap();
    let line = shown(&err, '$').pop().unwrap().to_owned();
    // a shell takes the line apart; what curl would be given is compared
    let script = format!("curl() {{ for word; do printf '%s\\n' \"$word\"; done; }}; {line}");
    let mut shell = assert_cmd::Command::new("sh");
    let (_, words, _) = run(shell.args(["-c", &script]).env("MCP_TOKEN", TOKEN));
    let words: Vec<_> = words.lines().collect();
    let after = |flag: &str| words.iter().position(|word| *word == flag).map(|at| words[at + 1]);
    let body = after("--data-raw").and_then(|body| serde_json::from_str(body).ok());
    assert_eq!(body, Some(request.body.clone()));
    assert_eq!(words.last(), Some(&server.url().as_str()));
    for (name, value) in &request.headers {
        let header = format!("{name}: {}", value.to_str().unwrap());
        let by_itself = ["host", "content-length", "user-agent"].contains(&name.as_str());
        assert!(by_itself || words.contains(&header.as_str()), "{header} is missing in {line}");
    }
}

#[test]
fn the_token_comes_from_a_flag_the_environment_or_stdin() {
    let server = Server::start(modern);
    let sent = || server.seen().pop().unwrap().header("authorization").to_owned();
    run(&mut server.call(&["discover"]));
    assert_eq!(sent(), "");
    run(server.call(&["discover"]).env("MCP_TOKEN", ""));
    assert_eq!(sent(), "", "an empty variable is none");
    run(server.call(&["discover"]).env("MCP_TOKEN", "of-the-environment"));
    assert_eq!(sent(), "Bearer of-the-environment");
    run(server.call(&["discover", "--token", "of-a-flag"]).env("MCP_TOKEN", "of-the-environment"));
    assert_eq!(sent(), "Bearer of-a-flag");
    run(server.call(&["discover", "--token", "-"]).write_stdin("of-stdin\r\n"));
    assert_eq!(sent(), "Bearer of-stdin");
    run(&mut server.call(&["discover", "--token", "two words"]));
    assert_eq!(sent(), "Bearer two words", "what a token may be is for the server to say");
    let (status, _, err) = run(&mut server.call(&["discover", "--token", "two\nlines"]));
    assert_eq!(status, 2);
    assert!(err.contains("no header can carry"), "{err}");
}

#[test]
fn help_does_not_show_the_token() {
    for help in ["--help", "-h"] {
        let (status, out, _) = run(command().args(["call", help]).env("MCP_TOKEN", TOKEN));
        assert_eq!(status, 0);
        assert!(
            out.contains("MCP_TOKEN") && out.contains("Examples:") && !out.contains(TOKEN),
            "{out}"
        );
    }
}

#[test]
fn a_token_does_not_travel_where_others_can_read_it() {
    let url = "http://mcp.example.invalid/mcp";
    let (status, _, err) = run(command().args(["call", url, "discover", "--token", TOKEN]));
    assert_eq!(status, 2);
    assert!(err.contains("https://"), "{err}");
    for name in ["authorization", "proxy-authorization", "cookie", "mcp-session-id", "X-Api-Key"] {
        let header = ["call", url, "discover", "--header", &format!("{name}: c2VjcmV0")];
        assert_eq!(run(command().args(header)).0, 2, "{name} may be a secret too");
    }
    let without = ["call", url, "discover", "--header", "authorization:"];
    assert_eq!(run(command().args(without)).0, 6, "a header that is left out is no secret");
    let anyway = ["call", url, "discover", "--token", TOKEN, "--dangerously-send-token-over-http"];
    let (status, _, err) = run(command().args(anyway));
    assert_eq!(status, 6, "no such host, but it was tried: {err}");
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::start(|_| StatusCode::OK.into_response());
    for code in [301, 302, 303, 307, 308] {
        let to = format!("{}/mcp", other.origin);
        let server = Server::start(move |_| {
            let status = StatusCode::from_u16(code).unwrap();
            (status, [("location", to.clone())]).into_response()
        });
        let (status, _, err) = run(&mut server.call(&["discover", "--token", TOKEN]));
        assert_eq!(status, 1);
        assert!(err.contains(&other.url()), "{code}: {err}");
    }
    assert!(other.seen().is_empty(), "the token went to another server");
}

#[test]
fn a_server_on_this_machine_is_not_asked_through_a_proxy() {
    let proxy = Server::start(|_| StatusCode::BAD_GATEWAY.into_response());
    let server = Server::start(modern);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let (status, _, err) = run(server.call(&["discover"]).env(name, &proxy.origin));
        assert_eq!(status, 0, "{name}: {err}");
    }
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let (status, _, err) = run(command().args(["call", &url, "discover"]));
    assert_eq!(status, 6);
    assert!(err.contains("nobody listens at") && err.contains("is the server running"), "{err}");
}

#[test]
fn tls_with_a_server_that_speaks_none_is_told_as_such() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let (status, _, err) = run(command().args(["call", &url, "discover", "--era", "modern"]));
    assert_eq!(status, 6);
    assert!(err.contains("is http:// meant?"), "{err}");
    server.join().unwrap();
}

#[test]
fn an_answer_that_breaks_off_is_none() {
    for answer in
        ["", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"]
    {
        let (url, arrived) = raw(answer);
        // in one era, because the next request would find nobody
        let (status, _, err) = run(command().args(["call", &url, "discover", "--era", "modern"]));
        assert_eq!(status, 6, "{err}");
        assert!(err.contains("broke off") || answer.is_empty(), "{err}");
        arrived.join().unwrap();
    }
}

#[test]
fn patience_has_a_limit_and_is_talked_about() {
    let server = Server::start(|_| {
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>());
        ([("content-type", "application/json")], never).into_response()
    });
    let started = Instant::now();
    let (status, _, err) = run(&mut server.call(&["discover", "--timeout", "3"]));
    assert_eq!(status, 6);
    assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
    assert!(err.contains("waiting for") && err.contains("of at most 3 s"), "{err}");
    assert!(err.contains("within 3 s; --timeout"), "{err}");
}

#[test]
fn an_answer_is_read_up_to_8_mib() {
    let server = Server::start(|_| {
        let megabyte =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
        let nine = Body::from_stream(futures_util::StreamExt::take(megabyte, 9));
        ([("content-type", "application/json")], nine).into_response()
    });
    let (status, _, err) = run(&mut server.call(&["discover"]));
    assert_eq!(status, 1);
    assert!(err.contains("longer than 8 MiB"), "{err}");
}

/// A server of the old era with a session, which never answers `tools/call`.
#[cfg(unix)]
fn hanging(seen: &super::support::Seen) -> Response {
    match seen.method() {
        "initialize" => {
            let version = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
            let mut response = seen.result(version);
            response.headers_mut().insert("mcp-session-id", "s".parse().unwrap());
            response
        }
        "tools/call" => {
            let never = futures_util::stream::pending::<Result<&str, std::io::Error>>();
            ([("content-type", "text/event-stream")], Body::from_stream(never)).into_response()
        }
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

/// Calls a tool of such a server and presses Ctrl-C while it runs.
#[cfg(unix)]
fn interrupted(era: &str) -> Server {
    let server = Server::start(hanging);
    let mut child = std_command()
        .args(["call", &server.url(), "--era", era, "tools", "call", "x"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.wait_for("tools/call");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    server
}

#[cfg(unix)]
#[test]
fn ctrl_c_tells_an_old_server_that_nobody_waits_any_more() {
    let server = interrupted("legacy");
    let [.., cancelled, deleted] = &server.seen()[..] else { panic!("{:?}", server.methods()) };
    assert_eq!(cancelled.method(), "notifications/cancelled");
    assert_eq!(cancelled.body["params"]["requestId"], 2);
    assert_eq!((deleted.method(), deleted.header("mcp-session-id")), ("DELETE", "s"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_the_modern_era_ends_the_connection_and_says_no_more() {
    let server = interrupted("modern");
    assert_eq!(server.methods(), ["tools/call"]);
}

#[test]
fn a_goodbye_that_nobody_answers_is_short() {
    let server = Server::start(|seen| match seen.method() {
        "initialize" => {
            let version = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
            let mut response = seen.result(version);
            response.headers_mut().insert("mcp-session-id", "s".parse().unwrap());
            response
        }
        "DELETE" => {
            let never = futures_util::stream::pending::<Result<&str, std::io::Error>>();
            Body::from_stream(never).into_response()
        }
        _ => StatusCode::ACCEPTED.into_response(),
    });
    let started = Instant::now();
    let args = ["discover", "--era", "legacy", "--timeout", "45"];
    let (status, _, err) = run(&mut server.call(&args));
    assert_eq!(status, 0, "{err}");
    assert!(server.methods().contains(&"DELETE".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
}

#[test]
fn a_wrong_command_line_is_told_from_everything_else() {
    for args in [
        &["call"][..],
        &["call", "http://localhost:9000/mcp"],
        &["call", "localhost:9000/mcp", "discover"],
        &["call", "http://localhost:9000/mcp", "discover", "--era", "future"],
        &["call", "http://localhost:9000/mcp", "discover", "--timeout", "0"],
        &["call", "http://localhost:9000/mcp", "discover", "--timeout", "3601"],
        &["call", "http://localhost:9000/mcp", "tools", "call", "x", "word"],
        &["call", "http://localhost:9000/mcp", "tools", "call", "x", "--args", "[1]"],
        &["call", "http://localhost:9000/mcp", "tools", "call", "x", "a=1", "--args", "{}"],
        &["no-such-command"],
    ] {
        assert_eq!(run(command().args(args)).0, 2, "{args:?}");
    }
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (status, out, _) = run(command().args(["completions", shell]));
        assert_eq!(status, 0);
        assert!(out.contains("mcp-auth") && out.contains("discover"), "{shell}");
    }
}

#[test]
fn stdin_is_not_read_without_end() {
    let mut child = std_command()
        .args(["inspect", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let written = stdin.write_all(&vec![b'a'; 4 << 20]); // as much again fits into no pipe
    drop(stdin);
    assert!(written.is_err(), "4 MiB were read for a token");
    child.wait().unwrap();
}
