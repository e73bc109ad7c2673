//! What does the operator see of clients that registered themselves, and what happens to one that he removes?

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use mcp_auth_server::store::{Kept, Registered, Room, Store};
use serde_json::{Value, json};

use super::{Running, Visitor, command, run, said};
use crate::world::LOCAL;

const DATA: &str = ".workshop/authorization";

async fn register(visitor: &mut Visitor, name: &str) -> Value {
    let metadata = json!({"client_name": name, "redirect_uris": [LOCAL], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"]});
    let request = visitor.http.post(format!("{}/register", visitor.url));
    let request = request.header("content-type", "application/json").body(metadata.to_string());
    let answer = visitor.sent(request).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[test]
fn where_no_server_has_run_there_is_no_list_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list"][..], &["remove", "somebody"], &["list", "--data", "elsewhere"]] {
        let (is_ok, text) = said(&run(folder.path(), &[&["clients"], arguments].concat(), ""));
        let file = if arguments.contains(&"elsewhere") { "elsewhere" } else { DATA };
        let file = std::path::Path::new(file).join("authorization.db");
        let told = format!("there is no database {}", file.display());
        assert!(!is_ok && text.contains(&told) && text.contains("--data DIR"), "{text}");
    }
    let outside = ["clients", "list", "--config", "c.toml"];
    std::fs::write(folder.path().join("c.toml"), "issuer = \"https://as.example\"").unwrap();
    let (is_ok, text) = said(&run(folder.path(), &outside, ""));
    assert!(!is_ok && text.contains("--data DIR"), "{text}");
    let files: Vec<_> =
        folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["c.toml"]);
}

#[test]
fn a_database_that_cannot_be_read_is_told_from_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization.db");
    let list = |data| said(&run(folder.path(), &["clients", "list", "--data", data], ""));
    mcp_auth::issuer::disk::write_new(&file, "no database", true).unwrap();
    let (is_ok, text) = list(".");
    assert!(!is_ok && text.contains("not a database"), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "no database");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (is_ok, text) = list("file");
    assert!(!is_ok && text.contains("authorization.db"), "{text}");
    assert!(cfg!(windows) || !text.contains("there is no"), "{text}");
}

#[tokio::test]
async fn a_client_that_the_operator_removes_is_gone_with_what_people_have_allowed_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(folder.path(), &["--port", "0", "--no-rate-limits"]);
    let clients =
        |arguments: &[&str]| said(&run(folder.path(), &[&["clients"], arguments].concat(), ""));
    assert_eq!(clients(&["list"]), (true, "no client has registered itself\n".into()));
    let mut visitor = Visitor::new(&server.url);
    let (first, other) =
        (register(&mut visitor, "Süß").await, register(&mut visitor, "Other").await);
    let (first, other) =
        (first["client_id"].as_str().unwrap(), other["client_id"].as_str().unwrap());
    let mut tokens = Vec::new();
    for id in [first, other] {
        let code = visitor.code(id).await.unwrap();
        tokens.push(visitor.for_code(id, &code).await.unwrap().unwrap());
    }
    let (is_ok, text) = clients(&["list"]);
    assert!(is_ok && text.lines().count() == 2, "{text}");
    let line = text.lines().find(|line| line.starts_with(first)).unwrap();
    let told =
        "  \"Süß\"  registered 0 min ago from 127.0.0.1, used 0 min ago, sends people to localhost";
    assert_eq!(line, format!("{first}{told}"));
    let (is_ok, text) = clients(&["remove", first]);
    assert!(is_ok && text.contains(first), "{text}");
    let removed = || {
        let audit = std::fs::read_to_string(folder.path().join(DATA).join("audit.jsonl")).unwrap();
        let lines = audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["reason"] == "deleted by the operator").collect::<Vec<_>>()
    };
    let [line] = &removed()[..] else { panic!("one line") };
    let told = ["event", "outcome", "client"].map(|name| line[name].as_str().unwrap());
    assert_eq!(told, ["register", "allowed", first]);
    let (again, text) = clients(&["remove", first]);
    assert!(!again && text.contains("no client"), "{text}");
    assert_eq!(removed().len(), 1, "nothing was decided");
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", &*tokens[0]), ("client_id", first)];
    let answer = visitor.post("/token", &fields).await.unwrap();
    assert_eq!((answer.status, &answer.json()["error"]), (401, &"invalid_client".into()));
    let (_, text) = clients(&["list"]);
    assert!(!text.contains(first) && text.contains(other), "{text}");
    assert!(visitor.refreshed(other, &tokens[1]).await.unwrap().is_some(), "the other one stays");
}

#[tokio::test]
async fn nothing_that_a_stranger_has_written_reaches_the_terminal_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let store = Store::open(&folder.path().join("data/authorization.db")).await.unwrap();
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}\u{2066}\u{0}end";
    let metadata = json!({"client_name": hostile, "redirect_uris": [format!("https://{hostile}/x"), hostile,
        format!("https://\u{1}{}.example/", "a".repeat(10_000)), "https://b.example/", "https://b.example/2"]});
    let client = Registered {
        id: format!("-{hostile}"),
        metadata: metadata.to_string(),
        secret: None,
        registration: "hash".into(),
        address: hostile.into(),
        created: 0,
        used: Some(0),
    };
    assert_eq!(store.register(&client, Room::default()).await.unwrap(), Kept::Yes);
    store.close().await;
    let shown = |arguments: &[&str]| {
        let arguments = [&["clients", "--data", "data"], arguments].concat();
        let (_, text) = said(&run(folder.path(), &arguments, ""));
        let bad = |letter: char| {
            (letter.is_control() && letter != '\n') || "\u{202e}\u{2066}".contains(letter)
        };
        assert!(!text.contains(bad) && text.lines().count() == 1, "{text:?}");
        assert!(text.len() < 1000, "{text}");
        text
    };
    let listed = shown(&["list"]);
    assert!(listed.contains("[2J") && listed.contains("end"), "{listed}");
    assert!(listed.ends_with(" and 2 more\n"), "{listed}");
    shown(&["remove", "\u{1b}[2J\nnobody"]);
    assert!(shown(&["remove", "-nobody"]).contains("\"-nobody\""));
}

/// What the program prints for somebody who begins can be used, and does what it says.
#[tokio::test]
async fn the_first_registration_that_is_printed_gets_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let printed = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut server = Running { child, url: String::new() };
    let printed: Vec<_> = printed.take(7).collect();
    server.url.clone_from(&printed[0]);
    let curl = printed.iter().find(|line| line.contains("/register")).unwrap();
    let asked: Value = serde_json::from_str(curl.rsplit('\'').nth(1).unwrap()).unwrap();
    let mut visitor = Visitor::new(&server.url);
    let request = visitor.http.post(format!("{}/register", server.url));
    let request = request.header("content-type", "application/json").body(asked.to_string());
    let answer = visitor.sent(request).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    for (name, value) in asked.as_object().unwrap() {
        assert_eq!(answer.json()[name], *value, "{name}");
    }
    assert_eq!(asked["grant_types"], json!(["authorization_code", "refresh_token"]));
    let front = visitor.get("/").await.unwrap();
    assert!(front.status == 200 && front.text.contains(&server.url), "{}", front.text);
}
