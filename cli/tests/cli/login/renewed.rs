//! A login lasts: tokens are renewed when they end, by one command at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use serde_json::json;

use super::{
    browser::USER,
    fake::{Fake, answer, challenge},
    world::{World, alone, as_person},
};
use crate::support::modern;

/// An issuer that rotates: each refresh token is good once, and who comes with another one ends the login.
fn rotating() -> Fake {
    let last = Arc::new(AtomicUsize::new(0));
    Fake::new(move |seen| match &*seen.path {
        "/token" => {
            let number = last.load(SeqCst);
            let is_refresh = seen.form("grant_type").as_deref() == Some("refresh_token");
            if is_refresh && seen.form("refresh_token") != Some(format!("rt-{number}")) {
                last.store(1000, SeqCst);
                return Some(answer(400, json!({"error": "invalid_grant"})));
            }
            let number = last.fetch_add(1, SeqCst) + 1;
            Some(answer(
                200,
                json!({
                    "access_token": format!("at-{number}"), "token_type": "Bearer", "expires_in": 300,
                    "refresh_token": format!("rt-{number}"),
                }),
            ))
        }
        "/mcp" if seen.header("authorization") == format!("Bearer at-{}", last.load(SeqCst)) => {
            Some(modern(seen))
        }
        _ => None,
    })
}

#[test]
fn a_token_that_has_ended_is_renewed_before_it_is_shown() {
    let fake = rotating();
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 0, "{}", called.err);
    assert_eq!(fake.asked("/mcp").pop().unwrap().header("authorization"), "Bearer at-2");
    assert!(!fake.asked("/mcp").iter().any(|seen| seen.header("authorization") == "Bearer at-1"));
    let kept = fake.logins.login();
    assert_eq!(
        (&kept["tokens"]["access"], &kept["tokens"]["refresh"]),
        (&json!("at-2"), &json!("rt-2"))
    );
    let asked = fake.asked("/token").pop().unwrap();
    assert_eq!(asked.form("resource"), Some(fake.server.url()));
    assert_eq!(asked.form("client_id").as_deref(), Some("c-1"));
}

/// As between two lessons: the server is another one now, and the issuer of the one before is gone.
#[test]
fn where_nobody_is_left_to_renew_it_a_call_on_this_machine_goes_without() {
    let fake = Fake::new(|seen| (seen.path == "/mcp").then(|| modern(seen)));
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| {
        login["token_endpoint"] = "http://127.0.0.1:1/token".into();
        login["tokens"]["expires"] = 1.into();
    });
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 0, "{}", called.err);
    assert!(called.err.contains("cannot be renewed, so this goes without it"), "{}", called.err);
    assert!(fake.asked("/mcp").iter().all(|seen| seen.header("authorization").is_empty()));
    assert_eq!(fake.logins.files("logins").len(), 1, "its issuer may come back");
}

#[test]
fn a_token_that_the_server_refuses_is_renewed_once() {
    let fake = rotating();
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["access"] = "at-0".into());
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 0, "{}", called.err);
    let fake = Fake::new(|seen| {
        let with = !seen.header("authorization").is_empty();
        (seen.path == "/mcp" && with).then(|| challenge("Bearer error=\"invalid_token\""))
    });
    assert_eq!(fake.login(&[]).status, 0);
    let called = alone(fake.call(&["discover", "--era", "modern"]));
    assert_eq!(called.status, 3, "{}", called.err);
    let shown =
        fake.asked("/mcp").iter().filter(|seen| !seen.header("authorization").is_empty()).count();
    assert_eq!((shown, fake.asked("/token").len()), (2, 2), "once more, and no more");
}

#[test]
fn commands_at_the_same_time_lose_no_refresh_token() {
    let fake = rotating();
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let command = fake.call(&["discover"]);
            std::thread::spawn(move || alone(command))
        })
        .collect();
    for call in calls {
        let done = call.join().unwrap();
        assert_eq!(done.status, 0, "{}", done.err);
    }
    assert_eq!(fake.asked("/token").len(), 2, "one login, and one renewal for all of them");
}

#[test]
fn an_issuer_that_gives_no_new_refresh_token_means_the_old_one() {
    let fake = Fake::new(|seen| {
        let refreshed = seen.form("grant_type").as_deref() == Some("refresh_token");
        let token = json!({"access_token": "at-1", "token_type": "Bearer", "expires_in": 300});
        (seen.path == "/token" && refreshed).then(|| answer(200, token))
    });
    assert_eq!(fake.login(&[]).status, 0);
    for _ in 0..2 {
        fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
        assert_eq!(alone(fake.call(&["discover"])).status, 0);
        assert_eq!(fake.logins.login()["tokens"]["refresh"], "rt-1");
        assert_eq!(
            fake.logins.login()["tokens"]["scope"],
            "mcp:read mcp:tools",
            "unchanged (RFC 6749 §6)"
        );
    }
}

#[test]
fn a_login_that_has_ended_is_forgotten_and_the_person_is_told() {
    let fake = Fake::new(|seen| {
        let refreshed = seen.form("grant_type").as_deref() == Some("refresh_token");
        let refusal = json!({"error": "invalid_grant", "error_description": "Session not active"});
        (seen.path == "/token" && refreshed).then(|| answer(400, refusal))
    });
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 3, "{}", called.err);
    let words = format!("log in again: mcp-auth login {}", fake.server.url());
    assert!(
        called.err.contains("Session not active") && called.err.contains(&words),
        "{}",
        called.err
    );
    assert!(fake.logins.files("logins").is_empty());
    let none = Fake::with_token(|| {
        answer(200, json!({"access_token": "at-1", "token_type": "Bearer", "expires_in": 1}))
    });
    assert_eq!(none.login(&[]).status, 0);
    let called = alone(none.call(&["discover"]));
    assert_eq!(called.status, 3);
    assert!(called.err.contains("there is no refresh token"), "{}", called.err);
}

#[test]
fn an_issuer_that_is_out_of_order_ends_no_login() {
    let fake = Fake::new(|seen| {
        let refreshed = seen.form("grant_type").as_deref() == Some("refresh_token");
        (seen.path == "/token" && refreshed)
            .then(|| answer(503, json!({"error": "temporarily_unavailable"})))
    });
    assert_eq!(fake.login(&[]).status, 0);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 1, "{}", called.err);
    assert!(called.err.contains("--no-login calls without it"), "{}", called.err);
    assert_eq!(fake.logins.login()["tokens"]["refresh"], "rt-1");
}

#[test]
fn who_changes_nothing_waits_for_nobody() {
    let fake = rotating();
    assert_eq!(fake.login(&[]).status, 0);
    let file = fake.logins.files("logins").remove(0);
    std::fs::write(file.with_extension("lock"), "").unwrap();
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 0, "{}", called.err);
}

#[test]
fn the_embedded_issuer_rotates_and_the_login_lasts() {
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &USER).status, 0);
    for _ in 0..3 {
        let before = world.logins.login()["tokens"]["refresh"].clone();
        world.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
        let called = alone(world.call(&["tools", "list"]));
        assert_eq!(called.status, 0, "{}", called.err);
        assert_ne!(world.logins.login()["tokens"]["refresh"], before);
    }
}
