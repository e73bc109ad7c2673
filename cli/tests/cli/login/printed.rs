//! What is printed: for people, for scripts, and never what is secret.

use serde_json::Value;

use super::{
    fake::{Fake, answer},
    world::alone,
};
use crate::support::modern;

#[test]
fn what_is_secret_is_never_printed() {
    let fake = Fake::new(|seen| {
        let token = serde_json::json!({
            "access_token": "geheim-access", "token_type": "Bearer", "refresh_token": "geheim-refresh",
            "scope": "mcp:read", "expires_in": 1,
        });
        match &*seen.path {
            "/token" => Some(answer(200, token)),
            "/mcp" if seen.header("authorization") == "Bearer geheim-access" => Some(modern(seen)),
            "/register" => Some(answer(
                201,
                serde_json::json!({"client_id": "c-1", "client_secret": "geheim-secret"}),
            )),
            _ => None,
        }
    });
    let logout = || {
        let mut command = fake.logins.command("logout");
        command.args([&fake.server.url(), "--trace"]);
        command
    };
    let all = [
        fake.login(&["--trace"]),
        alone(fake.call(&["discover", "--trace", "--show"])),
        fake.login(&["--json"]),
        alone(logout()),
    ];
    for done in all {
        assert_eq!(done.status, 0, "{}", done.err);
        let text = format!("{}{}", done.out, done.err);
        assert!(!text.contains("geheim"), "{text}");
    }
    assert_eq!(fake.asked("/token").len(), 3, "the call has renewed the token, which ends at once");
}

#[test]
fn a_script_reads_json() {
    let fake = Fake::new(|_| None);
    let done = fake.login(&["--json"]);
    let said: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(said["url"], fake.server.url());
    assert_eq!(said["issuer"], fake.server.origin);
    assert_eq!((&said["client_id"], &said["scope"]), (&"c-1".into(), &"mcp:read mcp:tools".into()));
    assert_eq!(said["refreshes"], true);
    let broken = Fake::new(|seen| (seen.path == "/register").then(|| answer(400, Value::Null)));
    let done = broken.login_with(&["--json"], |_| String::new());
    let error: Value = serde_json::from_str(done.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["status"], 1);
}

#[test]
fn an_issuer_that_repeats_secrets_does_not_have_them_printed() {
    let bare = Fake::with_token(|| answer(200, "geheim-access".into()));
    let echo = Fake::new(|seen| {
        let said = format!("you sent {}", seen.text);
        let refusal = serde_json::json!({"error": "invalid_grant", "error_description": said});
        (seen.path == "/token").then(|| answer(400, refusal))
    });
    for (fake, words) in [(bare, "the wrong type"), (echo, "you sent")] {
        let code = |link: &str| {
            super::fake::back(link, |pairs| super::fake::set(pairs, "code", "geheim-code"))
        };
        let done = fake.login_with(&["--trace"], code);
        assert_ne!(done.status, 0);
        assert!(done.err.contains(words), "{}", done.err);
        let verifier = fake.asked("/token")[0].form("code_verifier").unwrap();
        assert!(!done.err.contains("geheim") && !done.err.contains(&verifier), "{}", done.err);
    }
}

#[test]
fn a_token_that_the_server_repeats_is_not_shown() {
    let fake = Fake::new(|seen| {
        match &*seen.path {
        "/token" => {
            let token = serde_json::json!({"access_token": "geheim-access", "token_type": "Bearer"});
            Some(answer(200, token))
        }
        "/mcp" if !seen.header("authorization").is_empty() => Some(seen.result(serde_json::json!({
            "supportedVersions": ["2026-07-28"], "capabilities": {}, "you": seen.header("authorization"),
        }))),
        _ => None,
    }
    });
    assert_eq!(fake.login(&[]).status, 0);
    let done = alone(fake.call(&["discover", "--show"]));
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("Bearer ***") && !done.err.contains("geheim"), "{}", done.err);
}
