//! The way of a learner: start step 8, make a token, call.

use std::{path::Path, thread::JoinHandle};

use clap::Parser as _;
use common::server;
use serde_json::Value;
use tokio::sync::oneshot;

use super::support::{command, run};

/// Step 8 on a free port, until it is dropped.
struct Step8 {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Step8 {
    fn start(keys: &Path) -> Self {
        let args = ["step8", "--port", "0", "--keys-dir", keys.to_str().unwrap()];
        let settings = step8::Settings::try_parse_from(args).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, url) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bound = server::bind(&settings.listen).await.unwrap();
                let app = step8::app(&settings, &bound.url).unwrap();
                told.send(bound.url.endpoint()).unwrap();
                let stopped = async { drop(stopped.await) };
                server::serve_until(stopped, bound, app, &settings.connections).await;
            });
        });
        let url = url.recv().unwrap();
        Self { url, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Step8 {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || !matches!(ended, Some(Err(_))), "the server panicked");
    }
}

#[test]
fn who_has_a_token_may_do_what_his_name_stands_for() {
    let dir = tempfile::tempdir().unwrap();
    let step8 = Step8::start(dir.path());
    let token = |args: &[&str]| {
        let mut command = command();
        command.arg("token").args(args).args(["--server", &step8.url, "--format", "raw"]);
        let (status, out, err) = run(command.env("MCP_KEYS_DIR", dir.path()));
        assert_eq!(status, 0, "{err}");
        out
    };
    let call = |token: &str, args: &[&str]| {
        let mut command = command();
        command.args(["call", &step8.url, "--token", "-"]).args(args);
        run(command.write_stdin(token))
    };
    let actions = [
        &["discover"][..],
        &["tools", "list"],
        &["tools", "call", "echo", "message=hi", "repeat_count=2"],
        &["prompts", "list"],
        &["prompts", "get", "help"],
    ];
    for (name, expected) in [
        ("alice", [0, 0, 0, 0, 4]),
        ("bob", [0, 0, 4, 0, 0]),
        ("admin", [0, 0, 0, 0, 0]),
        ("guest", [0, 4, 4, 4, 4]),
    ] {
        let token = token(&[name]);
        for era in ["modern", "legacy"] {
            let run = |args: &&[&str]| call(&token, &[args, &["--era", era][..]].concat()).0;
            assert_eq!(actions.each_ref().map(run), expected, "{name}, {era}");
        }
    }
    let (_, out, _) = call(&token(&["alice"]), actions[2]);
    assert_eq!(out, "hihi\n");
    let (_, _, err) = call(&token(&["guest"]), actions[2]);
    assert!(
        err.contains("needs the scope mcp:tools\n") && err.contains("mcp-auth: forbidden"),
        "{err}"
    );
    let (status, _, err) = call("", &["discover"]);
    assert_eq!(status, 3);
    let issuer = step8.url.strip_suffix("/mcp").unwrap();
    assert!(err.contains(&format!("authorization server: {issuer}\n")), "{err}");
    assert!(err.contains("mcp-auth -- token alice") && !err.contains("clients refuse"), "{err}");
    for bad in ["alg-none", "expired", "aud-other"] {
        let (status, _, err) = call(&token(&["alice", "--bad", bad]), &["discover"]);
        assert_eq!(status, 3, "{bad}");
        assert!(err.contains("does not accept the token"), "{bad}: {err}");
    }
}

/// `inspect` has the rights of step 8 in words of its own: this is what keeps them the same.
#[test]
fn inspect_says_what_step_8_does() {
    let dir = tempfile::tempdir().unwrap();
    let step8 = Step8::start(dir.path());
    let mut cases: Vec<(String, &str)> = Vec::new();
    for read in ["", "mcp:read "] {
        for tools in ["", "mcp:tools "] {
            cases
                .extend(["", "mcp:prompts"].map(|prompts| (format!("{read}{tools}{prompts}"), "")));
        }
    }
    let by_name = [("xmcp:toolsy admin", ""), ("", "admin"), ("", "administrator")];
    cases.extend(by_name.map(|(scopes, roles)| (scopes.to_owned(), roles)));
    for (scopes, roles) in cases {
        let with = |args: &[&str], token: &str| {
            let mut command = command();
            command.args(args).env("MCP_KEYS_DIR", dir.path()).write_stdin(token);
            run(&mut command)
        };
        let server = ["--server", &step8.url];
        let make = ["token", "zoe", "--scopes", &scopes, "--roles", roles, "--format", "raw"];
        let (status, token, err) = with(&[&make[..], &server].concat(), "");
        assert_eq!(status, 0, "{err}");
        let (status, inspected, err) = with(&[&["inspect", "-"][..], &server].concat(), &token);
        assert_eq!(status, 0, "{inspected}{err}");
        for (what, call) in [
            ("list tools", &["tools", "list"][..]),
            ("call tools", &["tools", "call", "echo", "--args", r#"{"message":"hi"}"#]),
            ("list prompts", &["prompts", "list"]),
            ("get prompts", &["prompts", "get", "help"]),
        ] {
            let said = inspected.lines().find_map(|line| line.trim_start().strip_prefix(what));
            let said = said.unwrap_or_else(|| panic!("no line {what} in {inspected}")).trim();
            let call = [&["call", &step8.url, "--token", "-", "--json"][..], call].concat();
            let (status, _, err) = with(&call, &token);
            let done = match status {
                0 if roles == "admin" => "yes, by the role admin".to_owned(),
                0 => "yes".to_owned(),
                _ => {
                    let error: Value = serde_json::from_str(err.lines().last().unwrap()).unwrap();
                    assert_eq!(error["error"]["status"], 4, "{err}");
                    format!("no: {} is missing", error["error"]["scope"].as_str().unwrap())
                }
            };
            assert_eq!(said, done, "{what} with {scopes:?} and {roles:?}");
        }
    }
}
