//! The way of a learner: start step 9, log in, call, log out.

use super::{
    browser::USER,
    world::{World, alone, as_person},
};

#[test]
fn a_person_logs_in_calls_and_logs_out() {
    let world = World::new();
    let before = alone(world.call(&["tools", "list"]));
    assert_eq!(before.status, 3, "{}", before.err);
    assert!(before.err.contains(&format!("mcp-auth login {}", world.url)), "{}", before.err);
    let done = as_person(world.login(&[]), &USER);
    assert_eq!(done.status, 0, "{}{}", done.err, done.page);
    assert!(done.page.contains("You can close this page"), "{}", done.page);
    for words in [&*world.url, &world.issuer, "registered by this command", "mcp:read"] {
        assert!(done.out.contains(words), "{words} is missing in {}", done.out);
    }
    for era in ["modern", "legacy"] {
        let called = alone(world.call(&["tools", "list", "--era", era]));
        assert_eq!(called.status, 0, "{}", called.err);
        assert!(called.out.contains("whoami"), "{}", called.out);
    }
    let kept = world.logins.files("logins").remove(0);
    let text = std::fs::read(&kept).unwrap();
    let mut logout = world.logins.command("logout");
    logout.arg(&world.url);
    let left = alone(logout);
    assert_eq!(left.status, 0, "{}", left.err);
    assert!(left.out.contains(&format!("given back to {}", world.issuer)), "{}", left.out);
    // whoever has kept a copy has nothing: the refresh token is good for nothing any more
    std::fs::write(&kept, text).unwrap();
    private(&kept);
    world.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = alone(world.call(&["tools", "list"]));
    assert_eq!(called.status, 3, "{}", called.err);
    assert!(called.err.contains("invalid_grant"), "{}", called.err);
}

fn private(file: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// As after each new start of step 9, which keeps nothing.
#[test]
fn an_issuer_that_has_forgotten_this_command_is_logged_in_at_again() {
    let world = World::new();
    assert_eq!(as_person(world.login(&[]), &USER).status, 0);
    world.logins.change("clients", |kept| kept["client"]["id"] = "of-the-last-start".into());
    let done = as_person(world.login(&[]), &USER);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("it registers anew"), "{}", done.err);
    assert_eq!(alone(world.call(&["tools", "list"])).status, 0);
}

#[test]
fn the_program_of_the_workshop_gets_a_token_in_its_own_name() {
    let world = World::new();
    let client = world.program();
    let mut command = world.login(&["--client-credentials", "--client-id", &client.0]);
    command.args(["--issuer", &world.issuer]);
    command.env("MCP_LOGIN_CLIENT_SECRET", client.1);
    let done = alone(command);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(alone(world.call(&["tools", "list"])).status, 0);
}
