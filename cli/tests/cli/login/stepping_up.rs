//! A server that wants more scope than the login has: the person is asked, once.

use super::{
    browser::{GUEST, Person, USER},
    fake::{Fake, ISSUER, answer, back, issuer, origin, parameter, token, wants},
    world::{World, alone, as_person},
};

const ECHO: [&str; 4] = ["tools", "call", "echo", "message=hello"];

#[test]
fn more_scope_is_asked_for_and_the_call_made_again() {
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &USER).status, 0);
    assert_eq!(world.logins.login()["tokens"]["scope"], "mcp:read");
    for era in ["modern", "legacy"] {
        assert_eq!(as_person(world.login(&["--scope", "mcp:read"]), &USER).status, 0);
        let args = [&ECHO[..], &["--yes", "--no-browser", "--era", era]].concat();
        let done = as_person(world.call(&args), &USER);
        assert_eq!(done.status, 0, "{era}: {}", done.err);
        assert_eq!(done.out, "hello\n");
        assert_eq!(parameter(&done.link, "scope"), "mcp:read mcp:tools", "all of both");
        let kept = world.logins.login()["tokens"]["scope"].clone();
        assert_eq!(kept, "mcp:read mcp:tools");
        assert_eq!(alone(world.call(&ECHO)).out, "hello\n", "and from now on nobody is asked");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked_and_the_way_is_told() {
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &USER).status, 0);
    let done = alone(world.call(&ECHO));
    assert_eq!(done.status, 4, "{}", done.err);
    let login = format!("mcp-auth login {} --scope 'mcp:read mcp:tools'", world.url);
    assert!(done.err.contains("needs the scope mcp:tools"), "{}", done.err);
    assert!(done.err.contains("--yes") && done.err.contains(&login), "{}", done.err);
}

#[test]
fn who_may_not_have_it_is_not_asked_again() {
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &GUEST).status, 0);
    let args = [&ECHO[..], &["--yes", "--no-browser"]].concat();
    let done = as_person(world.call(&args), &GUEST);
    assert_eq!(done.status, 4, "{}", done.err);
    assert_eq!(done.err.matches("log in here").count(), 1, "{}", done.err);
    assert_eq!(world.logins.login()["tokens"]["scope"], "mcp:read");
}

#[test]
fn who_denies_it_keeps_what_he_had() {
    static DENIES: Person = Person { decision: "deny", ..USER };
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &USER).status, 0);
    let args = [&ECHO[..], &["--yes", "--no-browser"]].concat();
    let done = as_person(world.call(&args), &DENIES);
    assert_eq!(done.status, 3, "{}", done.err);
    assert!(done.err.contains("access was not given"), "{}", done.err);
    assert_eq!(alone(world.call(&["tools", "list"])).status, 0);
}

#[test]
fn a_server_that_never_has_enough_is_asked_twice() {
    let fake = Fake::new(|seen| wants("more", seen));
    assert_eq!(fake.login(&[]).status, 0);
    let command = fake.call(&["discover", "--yes", "--no-browser"]);
    let done = super::world::with_browser(command, |link| back(link, |_| ()));
    assert_eq!(done.status, 4, "{}", done.err);
    let shown =
        fake.asked("/mcp").iter().filter(|seen| !seen.header("authorization").is_empty()).count();
    assert_eq!(shown, 2);
    assert_eq!(fake.asked("/token").len(), 2);
    // a server that asks for what the login has gets no login more
    let again = alone(fake.call(&["discover", "--yes", "--no-browser"]));
    assert_eq!(again.status, 4, "{}", again.err);
    assert_eq!(fake.asked("/token").len(), 2);
}

/// A kept login says nothing for what its issuer has become since.
#[test]
fn an_issuer_that_has_moved_its_page_is_not_the_one_from_before() {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    let moved = std::sync::Arc::new(AtomicBool::new(false));
    let has_moved = moved.clone();
    let fake = Fake::new(move |seen| match &*seen.path {
        "/mcp" => wants("more", seen),
        ISSUER => {
            let mut document = issuer(&origin(seen));
            if has_moved.load(SeqCst) {
                document["authorization_response_iss_parameter_supported"] = false.into();
                document["authorization_endpoint"] = "https://login.example/authorize".into();
            }
            Some(answer(200, document))
        }
        _ => None,
    });
    assert_eq!(fake.login(&[]).status, 0);
    moved.store(true, SeqCst);
    let done = alone(fake.call(&["discover", "--yes", "--no-browser"]));
    assert!(done.err.contains("does not promise to say its name"), "{}", done.err);
}

#[test]
fn the_way_that_is_told_is_no_trap_for_a_shell() {
    let fake = Fake::new(|seen| wants("$(id)`id`'x;", seen));
    assert_eq!(fake.login(&[]).status, 0);
    let done = alone(fake.call(&["discover"]));
    assert_eq!(done.status, 4, "{}", done.err);
    let told = r"--scope 'mcp:read mcp:tools $(id)`id`'\''x;'";
    assert!(done.err.contains(told), "{}", done.err);
}

#[test]
fn who_was_to_stay_logged_in_stays_so() {
    let fake = Fake::new(|seen| {
        match &*seen.path {
            "/mcp" => wants("more", seen),
            ISSUER => {
                let mut document = issuer(&origin(seen));
                document["scopes_supported"] =
                    serde_json::json!(["mcp:read", "more", "offline_access"]);
                Some(answer(200, document))
            }
            "/token" => {
                let mut token = token(); // which does not tell that it lasts
                token["scope"] = "mcp:read".into();
                Some(answer(200, token))
            }
            _ => None,
        }
    });
    let first = fake.login(&[]);
    assert_eq!(parameter(&first.link, "scope"), "mcp:read mcp:tools offline_access");
    let command = fake.call(&["discover", "--yes", "--no-browser"]);
    let done = super::world::with_browser(command, |link| back(link, |_| ()));
    assert_eq!(parameter(&done.link, "scope"), "mcp:read more offline_access");
}
