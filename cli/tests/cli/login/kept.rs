//! Where logins are kept, who can read them, and whom a token is shown.

use super::{fake::Fake, world::alone};
use crate::support::{Server, modern};
use axum::http::StatusCode;

#[test]
fn a_token_of_the_file_env_comes_before_a_login_and_the_person_is_told() {
    let fake = Fake::new(|_| None);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "MCP_TOKEN=of-the-folder\n").unwrap();
    let told = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        String::from_utf8(output.stderr).unwrap().contains("is the one of the file .env")
    };
    assert!(!told(fake.call(&["discover"]).current_dir(folder.path())), "there is no login");
    assert_eq!(fake.login(&[]).status, 0);
    assert!(told(fake.call(&["discover"]).current_dir(folder.path())));
    let shown = fake.asked("/mcp").pop().unwrap().header("authorization").to_owned();
    assert_eq!(shown, "Bearer of-the-folder");
    assert!(!told(fake.call(&["discover"]).current_dir(folder.path()).env("MCP_TOKEN", "mine")));
}

#[cfg(unix)]
#[test]
fn only_their_owner_can_read_logins() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let fake = Fake::new(|_| None);
    assert_eq!(fake.login(&[]).status, 0);
    for folder in ["logins", "clients"] {
        let [file] = &fake.logins.files(folder)[..] else {
            panic!("{:?}", fake.logins.files(folder))
        };
        assert_eq!(mode(file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        assert_eq!(mode(file.parent().unwrap().parent().unwrap()), 0o700);
    }
    for folder in ["logins", "clients"] {
        let file = fake.logins.files(folder).remove(0);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let done =
            if folder == "logins" { alone(fake.call(&["discover"])) } else { fake.login(&[]) };
        assert_eq!(done.status, 1, "{folder}: {}", done.err);
        assert!(done.err.contains(&format!("chmod 600 {}", file.display())), "{}", done.err);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let folder = fake.logins.files("logins").remove(0).parent().unwrap().to_owned();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let done = alone(fake.call(&["discover"]));
    assert_eq!(done.status, 1, "{}", done.err);
    assert!(done.err.contains("chmod go-w"), "{}", done.err);
}

#[test]
fn a_token_is_shown_to_the_url_that_it_is_for_and_to_no_other() {
    let fake = Fake::new(|_| None);
    assert_eq!(fake.login(&[]).status, 0);
    let other = Server::start(modern);
    let path = |server: &str, path: &str| format!("{server}{path}");
    for url in [
        other.url(),
        path(&fake.server.origin, "/other"),
        path(&fake.server.origin, "/mcp/"),
        path(&fake.server.origin, "/mcp?x=1"),
        fake.server.url().replace("127.0.0.1", "localhost"),
    ] {
        let mut command = fake.logins.command("call");
        command.args([&url, "discover"]);
        alone(command);
    }
    let asked = fake.server.seen().into_iter().chain(other.seen());
    let shown = asked.filter(|seen| seen.header("authorization").contains("at-1")).count();
    assert_eq!(shown, 0);
    assert_eq!(alone(fake.call(&["discover"])).status, 0);
}

#[test]
fn a_login_that_was_moved_to_another_place_is_not_used() {
    let (one, other) = (Fake::new(|_| None), Fake::new(|_| None));
    assert_eq!((one.login(&[]).status, other.login(&[]).status), (0, 0));
    let [from, to] = [&one, &other].map(|fake| fake.logins.files("logins").remove(0));
    std::fs::copy(from, to).unwrap();
    assert_eq!(alone(other.call(&["discover"])).status, 3);
}

#[test]
fn a_login_stays_at_home_when_it_is_not_wanted() {
    let fake = Fake::new(|_| None);
    assert_eq!(fake.login(&[]).status, 0);
    let sent = |args: &[&str]| {
        alone(fake.call(args));
        fake.asked("/mcp").pop().unwrap().header("authorization").to_owned()
    };
    assert_eq!(sent(&["discover"]), "Bearer at-1");
    assert_eq!(sent(&["discover", "--no-login"]), "");
    assert_eq!(sent(&["discover", "--header", "Authorization:"]), "");
    assert_eq!(sent(&["discover", "--token", "another"]), "Bearer another");
}

#[test]
fn logout_gives_back_and_forgets() {
    let fake = Fake::new(|_| None);
    let logout = |args: &[&str]| {
        let mut command = fake.logins.command("logout");
        command.args(args);
        alone(command)
    };
    assert_eq!(fake.login(&[]).status, 0);
    let url = fake.server.url();
    let unknown = logout(&["http://localhost:1/mcp"]);
    assert_eq!(unknown.status, 1);
    assert!(unknown.err.contains(&format!("you are logged in at {url}")), "{}", unknown.err);
    assert_eq!(logout(&[]).status, 2);
    let done = logout(&[&url]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.out.contains("given back to"), "{}", done.out);
    let given: Vec<_> =
        fake.asked("/revoke").iter().map(|seen| seen.form("token").unwrap()).collect();
    assert_eq!(given, ["rt-1", "at-1"]);
    assert!(fake.logins.files("logins").is_empty());
    assert_eq!(fake.logins.files("clients").len(), 1, "the next login need not register");
    assert_eq!(alone(fake.call(&["discover"])).status, 3);

    assert_eq!(fake.login(&[]).status, 0);
    let all = logout(&["--all"]);
    assert_eq!(all.status, 0, "{}", all.err);
    assert!(fake.logins.files("logins").is_empty() && fake.logins.files("clients").is_empty());
    let none = logout(&["--all"]);
    assert!(none.status == 0 && none.err.contains("there is no login"), "{}", none.err);
}

#[test]
fn what_cannot_be_given_back_is_forgotten_all_the_same() {
    let none = Fake::with_issuer(|document| {
        document.as_object_mut().unwrap().remove("revocation_endpoint");
    });
    let broken = Fake::new(|seen| {
        use axum::response::IntoResponse as _;
        (seen.path == "/revoke").then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    });
    for (fake, words) in [(none, "takes no tokens back"), (broken, "answers 503")] {
        assert_eq!(fake.login(&[]).status, 0);
        let mut command = fake.logins.command("logout");
        command.arg(fake.server.url());
        let done = alone(command);
        assert_eq!(done.status, 0, "{}", done.err);
        assert!(done.out.contains("not given back") && done.out.contains(words), "{}", done.out);
        assert!(fake.logins.files("logins").is_empty());
    }
}

#[test]
fn a_login_is_not_sent_where_others_can_read_it() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let fake = Fake::new(|_| None);
    assert_eq!(fake.login(&[]).status, 0);
    let url = "http://mcp.example.invalid/mcp";
    fake.logins.change("logins", |login| login["url"] = url.into());
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, url.as_bytes());
    let name = format!("{}.json", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
    let file = fake.logins.files("logins").remove(0);
    std::fs::rename(&file, file.with_file_name(name)).unwrap();
    let mut command = fake.logins.command("call");
    command.args([url, "discover"]);
    let done = alone(command);
    assert_eq!(done.status, 2, "{}", done.err);
    assert!(done.err.contains("a token is not sent to"), "{}", done.err);
}

#[test]
fn who_has_no_home_calls_without_a_login() {
    let server = Server::start(modern);
    let homeless = |args: &[&str]| {
        let mut command = crate::support::std_command();
        command.args(args).env_remove("HOME").env_remove("XDG_CONFIG_HOME").env_remove("APPDATA");
        alone(command)
    };
    let called = homeless(&["call", &server.url(), "discover"]);
    assert_eq!(called.status, 0, "{}", called.err);
    let login = homeless(&["login", &server.url()]);
    assert_eq!(login.status, 2, "{}", login.err);
    assert!(login.err.contains("--login-dir"), "{}", login.err);
}

#[test]
fn credentials_of_ones_own_leave_the_login_alone() {
    let fake = Fake::new(|_| None);
    assert_eq!(fake.login(&[]).status, 0);
    for own in [
        &["--header", "Authorization: Basic eDp5"][..],
        &["--header", "Authorization:"],
        &["--no-login"],
    ] {
        let done = alone(fake.call(&[&["discover", "--era", "modern"], own].concat()));
        assert_eq!(done.status, 3, "{}", done.err);
        assert!(!done.err.contains("the login kept for"), "{}", done.err);
    }
    assert_eq!(fake.asked("/token").len(), 1, "what was refused was not the token of the login");
}
