//! What do the commands do, and what do settings that cannot work say?

use super::{Running, command, run, said};

#[test]
fn outside_of_development_nothing_is_left_to_chance() {
    let folder = tempfile::tempdir().unwrap();
    let add = |name: &str, password: &str| {
        let arguments = ["user", "add", name, "--role", "user", "--people", "people.json"];
        assert!(run(folder.path(), &arguments, password).status.success());
    };
    add("alice", "a good password\n");
    let https = "--issuer=https://as.example";
    let resource = "--resource=https://mcp.example/mcp";
    for (arguments, why) in [
        (&["--issuer=http://as.example"][..], "begin with https://"),
        (&["--host=0.0.0.0"], "begin with https://"),
        (&[https], "--data"),
        (&[https, "--data=data"], "--people"),
        (&[https, "--data=data", "--people=people.json"], "--resource"),
        (&[https, "--data=data", "--people=nobody.json", resource], "nobody.json"),
        (
            &[https, "--data=data", "--people=people.json", "--resource=http://mcp.example/mcp"],
            "https",
        ),
        (
            &[https, "--data=data", "--people=people.json", "--resource=https://mcp.example/mcp#x"],
            "fragment",
        ),
        (
            &[https, "--data=data", "--people=people.json", resource, "--clients=nothing.json"],
            "nothing.json",
        ),
    ] {
        let (is_ok, text) = said(&run(folder.path(), &[arguments, &["--port=0"]].concat(), ""));
        assert!(!is_ok && text.contains(why), "{arguments:?}: {text}");
    }
    add("mcp-admin", "admin123\n");
    let known = [https, "--data=data", "--people=people.json", resource, "--port=0"];
    let (is_ok, text) = said(&run(folder.path(), &known, ""));
    assert!(!is_ok && text.contains("everybody knows the password of mcp-admin"), "{text}");
    let password = ["user", "password", "mcp-admin", "--people", "people.json"];
    assert!(run(folder.path(), &password, "another password\n").status.success());
    let server = Running::start(folder.path(), &known);
    assert_eq!(server.url, "https://as.example");
}

/// What a command about people says, of the file in this folder.
fn user(folder: &std::path::Path, arguments: &[&str], input: &str) -> (bool, String) {
    said(&run(folder, &[&["user", "--people", "people.json"], arguments].concat(), input))
}

#[test]
fn people_are_added_changed_locked_out_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let user = |arguments: &[&str], input: &str| user(folder.path(), arguments, input);
    assert!(!run(folder.path(), &["user", "list"], "").status.success(), "which file?");
    for (arguments, input, why) in [
        (&["add", "alice", "--role", "user"][..], "short\n", "at least 8"),
        (&["add", "alice", "--role", "user"], "", "at least 8"),
        (&["add", "al ice", "--role", "user"], "a good password\n", "al ice"),
        (&["add", "alice", "--role", "king"], "a good password\n", "admin, guest, user"),
        (&["add", "alice"], "a good password\n", "--role"),
        (&["disable", "alice"], "", "there is no file people.json"),
    ] {
        let (is_ok, text) = user(arguments, input);
        assert!(!is_ok && text.contains(why), "{arguments:?}: {text}");
        assert!(!folder.path().join("people.json").exists(), "{arguments:?}");
    }
    assert!(user(&["add", "alice", "--role", "user", "--role", "guest"], "a good password\n").0);
    let (again, text) = user(&["add", "alice", "--role", "user"], "another password\n");
    assert!(!again && text.contains("already"), "{text}");
    assert!(user(&["add", "bob", "--role", "guest"], "a good password\n").0);
    assert!(user(&["disable", "bob"], "").0);
    assert_eq!(user(&["list"], "").1, "alice  user, guest\nbob  guest  (locked out)\n");
    assert!(user(&["enable", "bob"], "").0 && user(&["remove", "alice"], "").0);
    assert_eq!(user(&["list"], "").1, "bob  guest\n");
    let file = std::fs::read_to_string(folder.path().join("people.json")).unwrap();
    assert!(file.contains("$argon2id$") && !file.contains("a good password"));
}

/// Of two that read, change and write, the second must not undo what the first has done.
#[test]
fn commands_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let user = |arguments: &[&str], input: &str| user(folder.path(), arguments, input);
    let names: Vec<_> = (0..12).map(|number| format!("person{number:02}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let add = || assert!(user(&["add", name, "--role", "user"], "a good password\n").0);
            scope.spawn(add);
        }
    });
    let listed: Vec<_> = names.iter().map(|name| format!("{name}  user\n")).collect();
    assert_eq!(user(&["list"], "").1, listed.concat());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "the file of people alone is there");
    // one that was stopped halfway has left this
    std::fs::write(folder.path().join("people.json.lock"), "").unwrap();
    let (is_ok, text) = user(&["remove", "person00"], "");
    assert!(!is_ok && text.contains("remove people.json.lock and try again"), "{text}");
    assert!(user(&["list"], "").1.contains("person00"));
}

#[test]
fn a_file_of_settings_gives_way_to_variables_and_those_to_flags() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("c.toml"), text).unwrap();
    write(
        "port = 9111\nalgorithm = \"RS256\"\nresource = [\"http://localhost:1/a\", \"http://localhost:2/b\"]\n\
        [scopes]\n\"docs:read\" = \"read\"\n[roles]\neditor = [\"docs:read\"]\n",
    );
    let secret = r#"[{"client_id": "job", "client_secret": "a secret of a good length", "grant_types": ["client_credentials"]}]"#;
    mcp_auth::issuer::disk::write_new(&folder.path().join("clients.json"), secret, true).unwrap();
    let mut command = command(
        folder.path(),
        &["--config", "c.toml", "--print-config", "--port", "9333", "--clients", "clients.json"],
    );
    let (is_ok, text) = said(&command.env("AUTHORIZATION_ALGORITHM", "EdDSA").output().unwrap());
    assert!(is_ok, "{text}");
    for line in [
        "port = 9333  # flag",
        "algorithm = \"EdDSA\"  # environment",
        "resource = [\"http://localhost:1/a\", \"http://localhost:2/b\"]  # file",
        "access-token-lifetime = 300  # default",
        "editor = [\"docs:read\"]",
        "#   job, proof a secret: ********, ",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    assert!(!text.contains("good length"), "{text}");
    std::fs::write(folder.path().join("again.toml"), &text).unwrap();
    let (is_ok, again) =
        said(&run(folder.path(), &["--config", "again.toml", "--print-config"], ""));
    assert!(
        is_ok && again.contains("port = 9333  # file"),
        "what was printed can be read: {again}"
    );
    for (bad, why) in [
        ("prt = 1", "\"prt\" is no setting"),
        ("port = ", "TOML"),
        ("port = [1, 2]", "port has one value"),
        ("port = \"x\"", "a port is a number"),
        ("port = 1.5", "port is a text"),
        ("[roles]\nking = [\"all\"]", "\"all\", which is not under [scopes]"),
        ("[scopes]\n\"a b\" = \"x\"", "cannot be a scope"),
        ("[scope]\na = \"x\"", "scope"),
    ] {
        write(bad);
        let (is_ok, text) =
            said(&run(folder.path(), &["--config", "c.toml", "--print-config"], ""));
        assert!(!is_ok && text.contains(why), "{bad}: {text}");
    }
}
