//! What a caller may do stands in the body; headers that lie open nothing.

use axum::http::HeaderValue;
use mcp_auth::{
    Needs,
    call::{Decide, Operation, Requirement, Rights},
    limits::Limits,
};

use super::*;

fn table() -> ScopeTable {
    ScopeTable::new("mcp:read")
        .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
        .method("tools/call", "mcp:tools")
        .tool("delete", "mcp:tools files:write")
        .prompt("secret", "secrets:read")
        .resource("file:///etc/passwd", "root")
        .implies("files:all", "files:write files:read")
        .implies("everything", "files:all mcp:tools")
        .role("admin", "everything mcp:read")
}

fn app() -> (Router, Arc<AtomicUsize>) {
    let (server, asked) = greeter();
    (server.layer(layer().mcp_scopes(table())), asked)
}

#[tokio::test]
async fn each_method_and_each_name_needs_its_own_scopes() {
    for (scope, method, name, needs) in [
        ("", "ping", "", None),
        ("", "initialize", "", None),
        ("", "server/discover", "", None),
        ("", "tools/list", "", Some("mcp:read")),
        ("mcp:read", "tools/list", "", None),
        ("mcp:tools", "tools/list", "", None),
        ("mcp:tools", "prompts/list", "", Some("mcp:read")),
        ("mcp:tools", "no/such/method", "", Some("mcp:read")),
        ("mcp:read", "tools/call", "echo", Some("mcp:tools")),
        ("mcp:tools", "tools/call", "echo", None),
        ("mcp:tools", "tools/call", "delete", Some("files:write mcp:tools")),
        ("files:write", "tools/call", "delete", Some("files:write mcp:tools")),
        ("mcp:tools files:write", "tools/call", "delete", None),
        ("mcp:tools files:all", "tools/call", "delete", None),
        ("everything", "tools/call", "delete", None),
        ("mcp:tools xfiles:writex", "tools/call", "delete", Some("files:write mcp:tools")),
        ("mcp:read", "prompts/get", "open", None),
        ("mcp:read", "prompts/get", "secret", Some("secrets:read")),
        ("secrets:read", "prompts/get", "secret", None),
        ("mcp:read", "resources/read", "file:///etc/hosts", None),
        ("mcp:read", "resources/read", "file:///etc/passwd", Some("root")),
        ("mcp:tools", "tools/call", "secret", None), // the name of a prompt
    ] {
        let (app, asked) = app();
        let mut body = call(method, name);
        body["params"]["uri"] = name.into();
        let (status, headers, _) = answer(app, post(&token("alice", scope), &body)).await;
        let challenge = headers.get("www-authenticate").map(|value| value.to_str().unwrap());
        match needs {
            None => assert_eq!(status, StatusCode::OK, "{scope:?}: {method} {name}"),
            Some(needs) => {
                assert_eq!(status, StatusCode::FORBIDDEN, "{scope:?}: {method} {name}");
                let said = challenge.unwrap();
                let words = said.split("scope=\"").nth(1).unwrap().split('"').next().unwrap();
                let mut words: Vec<_> = words.split(' ').collect();
                words.sort_unstable();
                assert_eq!(words.join(" "), needs, "{said}");
                assert!(said.contains(METADATA), "{said}");
            }
        }
        assert_eq!(asked.load(Ordering::SeqCst), usize::from(needs.is_none()));
    }
}

#[tokio::test]
async fn a_role_gives_what_the_table_says_and_no_more() {
    let token = |role: &str| shared().token("r").scope("").roles([role]).mint().unwrap();
    for (role, status) in [("admin", 200), ("administrator", 403), ("everything", 403)] {
        let (app, _) = app();
        let request = post(&token(role), &call("tools/call", "delete"));
        assert_eq!(answer(app, request).await.0.as_u16(), status, "{role}");
    }
}

#[tokio::test]
async fn a_header_that_lies_opens_nothing() {
    let modern = |mut body: Value| {
        body["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
        body
    };
    let (delete, alice) = (call("tools/call", "delete"), token("alice", "mcp:read mcp:tools"));
    for (body, headers, expected) in [
        (modern(delete.clone()), &[("mcp-method", "tools/list")][..], 400),
        (modern(delete.clone()), &[("mcp-method", "tools/call"), ("mcp-name", "echo")], 400),
        (modern(delete.clone()), &[("mcp-method", "tools/call"), ("mcp-name", "delete")], 403),
        (modern(delete.clone()), &[("mcp-name", "=?base64?ZGVsZXRl?=")], 403),
        (modern(delete.clone()), &[("mcp-name", "=?base64?ZWNobw==?=")], 400),
        (modern(delete.clone()), &[("mcp-name", "=?base64?!?=")], 400),
        (modern(delete.clone()), &[("mcp-name", "delete"), ("mcp-name", "echo")], 400),
        (delete.clone(), &[("mcp-method", "tools/list")], 403), // of no revision, so an old one
        (delete.clone(), &[("mcp-protocol-version", "2026-07-28"), ("mcp-name", "echo")], 400),
        // an old request: nobody reads the headers, so they open nothing and close nothing
        (delete.clone(), &[("mcp-protocol-version", "2025-11-25"), ("mcp-method", "ping")], 403),
        (
            call("tools/call", "echo"),
            &[("mcp-protocol-version", "2025-11-25"), ("mcp-name", "x")],
            200,
        ),
        (
            modern(call("tools/call", "echo")),
            &[("mcp-method", "tools/call"), ("mcp-name", " echo ")],
            200,
        ),
        (
            modern(call("tools/call", "echo")),
            &[("mcp-protocol-version", "2025-11-25"), ("mcp-name", "x")],
            400,
        ),
    ] {
        let (app, asked) = app();
        let mut request = post(&alice, &body);
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        let (status, _, text) = answer(app, request).await;
        assert_eq!(status.as_u16(), expected, "{headers:?}: {text}");
        assert!(expected != 400 || text.contains("-32020"), "{text}");
        assert_eq!(asked.load(Ordering::SeqCst), usize::from(expected == 200));
    }
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_not_passed_on() {
    let delete = call("tools/call", "delete").to_string();
    let twice = delete.replacen("\"method\"", "\"method\":\"ping\",\"method\"", 1);
    for (body, status, words) in [
        (format!("[{delete}]"), 400, "-32600"),
        (twice, 400, "-32600"),
        (r#"["2.0",1,"tools/call",{"name":"delete"}]"#.to_owned(), 400, "-32600"),
        (delete.replacen('{', r#"{"result":{},"#, 1), 400, "-32600"),
        (format!("{delete}{delete}"), 400, "-32700"),
        ("nonsense".to_owned(), 400, "-32700"),
        ("[".repeat(1000), 400, "-32700"),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20)), 413, "too large"),
        (delete.replace(r#""id":1,"#, ""), 202, ""), // it wants no answer, so it runs nothing
    ] {
        let (app, asked) = app();
        let mut request = post(&token("alice", "everything mcp:read"), &json!({}));
        *request.body_mut() = Body::from(body.clone());
        let (answered, _, text) = answer(app, request).await;
        let body = &body[..body.len().min(80)];
        assert_eq!(answered.as_u16(), status, "{body}: {text}");
        assert!(text.contains(words), "{body}: {text}");
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{body}");
    }
}

#[tokio::test]
async fn the_server_gets_the_body_as_it_came() {
    let (app, _) = app();
    let odd =
        "  {\"params\" : { \"name\": \"n\\u0061me\" },\n \"method\":\"tools/call\",\"id\": 1.0 }\n";
    let alice = token("alice", "mcp:tools");
    let mut request = post(&alice, &json!({}));
    *request.body_mut() = Body::from(odd);
    assert_eq!(answer(app.clone(), request).await.2, format!("alice {odd}"));
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    for body in [notification, reply] {
        let answered = answer(app.clone(), post(&alice, &body)).await;
        assert_eq!((answered.0, answered.2), (StatusCode::OK, format!("alice {body}")));
    }
    // what comes with another method is not read by anybody
    let delete = Request::delete("/mcp").header("authorization", format!("Bearer {alice}"));
    let delete = delete.header("content-length", "5").body(Body::from("hello")).unwrap();
    assert_eq!(answer(app.clone(), delete).await.2, "alice ");
    // nor do its headers announce it to a server that would wait for it
    let announced = async |headers: HeaderMap| {
        let names = ["content-length", "transfer-encoding", "x-other"];
        names.map(|name| u8::from(headers.contains_key(name)).to_string()).concat()
    };
    let server = Router::new().fallback(announced).layer(layer().mcp_scopes(table()));
    let delete = Request::delete("/mcp").header("authorization", format!("Bearer {alice}"));
    let delete = delete.header("content-length", "5").header("transfer-encoding", "chunked");
    let delete = delete.header("x-other", "1").body(Body::from("hello")).unwrap();
    assert_eq!(answer(server, delete).await.2, "001");
    let wrong = Request::post("/mcp").header("authorization", format!("Bearer {alice}"));
    assert_eq!(answer(app, wrong.body(Body::from("{}")).unwrap()).await.0.as_u16(), 415);
}

#[tokio::test]
async fn limits_are_those_that_were_set() {
    let limits = Limits { max_body: 100, max_depth: 3, ..Limits::default() };
    let (server, _) = greeter();
    let app = server.layer(layer().mcp_scopes(table()).limits(limits));
    let alice = token("alice", "everything mcp:read");
    for (body, expected) in [
        (json!({"method": "ping", "id": 1, "x": "x".repeat(50)}), 200),
        (json!({"method": "ping", "id": 1, "x": "x".repeat(70)}), 413),
        (json!({"method": "ping", "id": 1, "x": [[]]}), 200),
        (json!({"method": "ping", "id": 1, "x": [[[]]]}), 400),
    ] {
        let (status, _, text) = answer(app.clone(), post(&alice, &body)).await;
        assert_eq!(status.as_u16(), expected, "{text}");
    }
}

#[tokio::test]
async fn a_server_can_ask_what_its_caller_may_do() {
    let list = async |Extension(rights): Extension<Rights>| {
        let tools = ["echo", "delete"];
        let allowed = |tool: &&&str| rights.allow(&Operation::new("tools/call", Some(tool)));
        tools.iter().filter(allowed).copied().collect::<Vec<_>>().join(" ")
    };
    let app = Router::new().fallback(list).layer(layer().mcp_scopes(table()));
    for (scope, tools) in [("mcp:read", ""), ("mcp:tools", "echo"), ("everything", "echo delete")] {
        let request = post(&token("alice", scope), &json!({"method": "ping", "id": 1}));
        assert_eq!(answer(app.clone(), request).await.2, tools, "{scope}");
    }
}

#[tokio::test]
async fn a_policy_may_decide_instead_of_a_table() {
    struct OfficeHours;
    impl Decide for OfficeHours {
        fn decide(&self, caller: &Identity, operation: &Operation<'_>) -> Result<(), Needs> {
            let may = caller.subject() == "alice" || operation.method == "tools/list";
            if may { Ok(()) } else { Err(Needs("office".parse().unwrap())) }
        }
    }
    let app = Router::new().fallback(async || "in").layer(layer().mcp_scopes(OfficeHours));
    for (subject, method, expected) in
        [("alice", "tools/call", 200), ("bob", "tools/call", 403), ("bob", "tools/list", 200)]
    {
        let request = post(&token(subject, "mcp:tools"), &call(method, "echo"));
        assert_eq!(answer(app.clone(), request).await.0.as_u16(), expected, "{subject} {method}");
    }
}

/// As a server reads messages that is written with axum and `serde_json`, where anything in the program turns on its feature `raw_value`.
#[tokio::test]
async fn a_message_inside_a_member_of_serde_jsons_own_is_refused() {
    let server = async |axum::Json(message): axum::Json<Value>| message["method"].to_string();
    let app = Router::new().fallback(server).layer(layer().mcp_scopes(table()));
    let wanted =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "delete"}});
    let hidden = json!({"$serde_json::private::RawValue": wanted.to_string()});
    let (status, _, text) = answer(app, post(&token("alice", "mcp:read"), &hidden)).await;
    assert_eq!(status.as_u16(), 400, "{text}");
}

/// As when a setting was forgotten.
#[tokio::test]
async fn a_requirement_without_a_word_is_met_by_nobody() {
    let all = Requirement::all;
    for needs in [all(""), all("  "), all("").or(" "), all("mcp:tools").or("")] {
        for (subject, scope) in [("mallory", ""), ("mallory", "mcp:read")] {
            let table = ScopeTable::new("mcp:read").method("tools/call", needs.clone());
            let app = Router::new().fallback(async || "in").layer(layer().mcp_scopes(table));
            let request = post(&token(subject, scope), &call("tools/call", "echo"));
            assert_eq!(answer(app, request).await.0.as_u16(), 403, "{needs:?} {scope:?}");
        }
    }
}
