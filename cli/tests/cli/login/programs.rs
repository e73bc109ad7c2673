//! Clients with a secret, and those that act in their own name.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    fake::{Fake, ISSUER, answer, back, issuer, origin, token, wants},
    world::{alone, with_browser},
};

/// The secret of the client `robot`, in a file.
fn secret(mode: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a secret\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    file
}

#[test]
fn a_program_logs_in_without_a_browser_and_renews_by_itself() {
    let fake = Fake::with_issuer(|document| {
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
        document["code_challenge_methods_supported"] = json!([]); // no person, no code, no need
    });
    let file = secret(0o600);
    let path = file.path().to_str().unwrap();
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--client-id", "robot", "--client-credentials"]);
    command.args(["--client-secret-file", path, "--trace"]);
    let unnamed = alone(command);
    assert_eq!(
        unnamed.status, 2,
        "a secret is shown to nobody whom the server alone has named: {}",
        unnamed.err
    );
    assert!(fake.asked("/token").is_empty());
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--client-id", "robot", "--client-credentials"]);
    command.args(["--client-secret-file", path, "--trace", "--issuer", &fake.server.origin]);
    let done = alone(command);
    assert_eq!(done.status, 0, "{}", done.err);
    let basic = format!("Basic {}", STANDARD.encode("robot:a+secret"));
    let asked = fake.asked("/token").remove(0);
    assert_eq!(asked.header("authorization"), basic);
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("scope", "mcp:read mcp:tools"),
        ("resource", &fake.server.url()),
    ] {
        assert_eq!(asked.form(name).as_deref(), Some(value));
    }
    assert!(!format!("{}{}", done.out, done.err).contains("a secret"), "{}", done.err);
    fake.logins.change("logins", |login| login["tokens"]["expires"] = 1.into());
    let called = alone(fake.call(&["discover"]));
    assert_eq!(called.status, 0, "{}", called.err);
    let again = fake.asked("/token").remove(1);
    assert_eq!(again.form("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(again.header("authorization"), basic);
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment_and_others_cannot_read_it() {
    let fake = Fake::new(|_| None);
    let login = |more: &[&str]| {
        let mut command = fake.logins.command("login");
        command.args([&fake.server.url(), "--no-browser", "--client-id", "robot"]).args(more);
        command.args(["--issuer", &fake.server.origin]);
        command
    };
    let mut command = login(&["--client-credentials"]);
    command.env("MCP_LOGIN_CLIENT_SECRET", "a secret");
    assert_eq!(alone(command).status, 0);
    let none = alone(login(&["--client-credentials"]));
    assert_eq!(none.status, 2, "{}", none.err);
    assert!(none.err.contains("MCP_LOGIN_CLIENT_SECRET"), "{}", none.err);
    #[cfg(unix)]
    {
        let file = secret(0o644);
        let path = file.path().to_str().unwrap();
        let open = alone(login(&["--client-credentials", "--client-secret-file", path]));
        assert_ne!(open.status, 0);
        assert!(open.err.contains("chmod 600"), "{}", open.err);
    }
    let as_value = alone(login(&["--client-secret", "x"]));
    assert_eq!(as_value.status, 2, "a secret on the command line is seen by everybody");
}

#[test]
fn a_secret_that_a_registration_gives_is_used_and_one_that_is_over_is_not() {
    let fake = Fake::new(|seen| match &*seen.path {
        "/register" => Some(answer(
            201,
            json!({
                "client_id": "c-9", "client_secret": "s-9", "client_secret_expires_at": 4_000_000_000_u64,
                "token_endpoint_auth_method": "client_secret_post",
            }),
        )),
        "/token" => Some(answer(200, token())),
        ISSUER => Some(answer(200, issuer(&origin(seen)))),
        _ => None,
    });
    assert_eq!(fake.login(&[]).status, 0);
    let asked = fake.asked("/token").remove(0);
    assert_eq!(asked.form("client_secret").as_deref(), Some("s-9"));
    assert_eq!(asked.header("authorization"), "");
    fake.logins.change("clients", |kept| kept["client"]["expires"] = 1.into());
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--no-browser"]);
    let done = with_browser(command, |link| back(link, |_| ()));
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(fake.asked("/register").len(), 2);
}

#[test]
fn a_program_is_told_how_to_ask_for_more() {
    let fake = Fake::new(|seen| wants("more", seen));
    let mut command = fake.logins.command("login");
    command.args([&fake.server.url(), "--client-id", "robot", "--client-credentials"]);
    command.args(["--issuer", &fake.server.origin]).env("MCP_LOGIN_CLIENT_SECRET", "a secret");
    assert_eq!(alone(command).status, 0);
    let called = alone(fake.call(&["discover"]));
    let scope = "--scope 'mcp:read mcp:tools more'";
    let issuer = &fake.server.origin;
    let typed = format!("{scope} --issuer '{issuer}' --client-id 'robot' --client-credentials");
    assert!(called.err.contains(&typed), "{}", called.err);
    alone(fake.call(&["discover", "--yes"]));
    let asked = fake.asked("/token").pop().unwrap();
    assert_eq!(asked.form("scope").as_deref(), Some("mcp:read mcp:tools more"));
}
