//! Do `verify` and `spoil` work as commands, in front of a running server?

use crate::running::{Server, command, run};

/// Runs `verify`, and gives its status and what it says.
fn verify(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command("verify", &folder);
    command.args(arguments);
    run(command)
}

/// `spoil` in front of a server.
fn spoil(upstream: &Server, breakage: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command("spoil", &folder);
    command.args(["--upstream", &upstream.url, "--break", breakage]);
    Server::of(command, folder)
}

#[test]
fn verify_starts_the_step_itself_and_keeps_to_the_promises_named() {
    let only = ["2", "--only", "health_says_healthy", "--only", "anonymous_may_call"];
    let (status, said, _) = verify(&only);
    assert_eq!(status, Some(0), "{said}");
    for words in
        ["ok         health_says_healthy", "ok         anonymous_may_call", "2 kept, 0 broken"]
    {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
}

#[test]
fn verify_lists_what_it_would_ask() {
    let (status, said, _) = verify(&["8", "--list"]);
    assert_eq!(status, Some(0));
    for name in [
        "health_says_healthy",
        "a_403_names_what_is_needed",
        "slow_bodies_are_cut_off",
        "role_admin_grants_all",
    ] {
        assert!(said.contains(name), "{name} is not in the list");
    }
    assert!(!verify(&["1", "--list"]).1.contains("foreign_origins_are_refused"));
}

#[test]
fn verify_says_what_it_cannot_do() {
    for (arguments, word) in [
        (&["10"][..], "there is no contract 10"),
        (&["0"], "there is no contract 0"),
        (&["1", "--only", "only_post_is_taken"], "only_post_is_taken"),
        (&["2", "--url", "localhost:9000"], "http://localhost:9000/mcp"),
        (&["6", "--url", "http://elsewhere.example/mcp"], "--token"),
        (&["6", "--url", "http://localhost:1/mcp", "--keys-dir", "nowhere"], "nowhere"),
    ] {
        let (status, _, said) = verify(arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {word:?} is not in: {said}");
    }
}

#[test]
fn a_server_that_is_not_there_keeps_nothing() {
    let (status, said, _) = verify(&["1", "--url", "http://127.0.0.1:1"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("no answer") && said.contains("\n0 kept, 11 broken"), "{said}");
}

#[test]
fn a_broken_promise_is_seen_through_the_proxy_and_no_other() {
    let server = Server::start(2, &[]);
    for (breakage, broken) in [
        ("none", None),
        ("no-allow", Some("wrong_methods_are_405")),
        ("any-origin", Some("foreign_origins_are_refused")),
        ("session-ids", Some("no_session_id_ever")),
    ] {
        let proxy = spoil(&server, breakage);
        let (status, said, _) = verify(&["2", "--url", &proxy.url, "--public-url", &server.url]);
        assert_eq!(status, Some(i32::from(broken.is_some())), "{breakage}: {said}");
        match broken {
            Some(name) => assert!(said.contains(&format!("BROKEN     {name}")), "{said}"),
            None => assert!(said.contains(" 0 broken"), "{said}"),
        }
    }
}

#[test]
fn verify_signs_with_the_keys_of_a_running_server() {
    let server = Server::start(8, &[]);
    let keys = server.path().join(".workshop").display().to_string();
    let matrix = "scopes_open_what_they_name";
    let way = "a_client_finds_its_own_way";
    let arguments =
        ["8", "--url", &server.url, "--keys-dir", &keys, "--only", matrix, "--only", way];
    let (status, said, _) = verify(&arguments);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("2 kept, 0 broken, 0 not asked"), "{said}");
    let token = ["--token", "no-token-of-ours", "--only", "ping_is_answered"];
    let (status, said, _) = verify(&[&["8", "--url", &server.url][..], &token].concat());
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("BROKEN     ping_is_answered") && said.contains("401"), "{said}");
}

#[test]
fn spoil_explains_what_it_can_break() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = command("spoil", &folder);
    list.args(["--break", "list"]);
    let (status, said, _) = run(list);
    assert_eq!(status, Some(0));
    for breakage in workshop_tests::spoil::all() {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(breakage.name));
        assert!(line.is_some_and(|line| line.contains(breakage.says)), "{}", breakage.name);
    }
    let mut unknown = command("spoil", &folder);
    unknown.args(["--upstream", "http://localhost:1", "--break", "everything"]);
    let (status, _, said) = run(unknown);
    assert_ne!(status, Some(0));
    assert!(said.contains("everything") && said.contains("list"), "{said}");
}
