//! Does a command say what is wrong, and what to do about it here?

use std::fs;

use super::{Running, command, run, said};

#[test]
fn an_error_names_the_file_and_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty/keys");
    let torn = folder.path().join("torn/keys");
    fs::create_dir_all(&empty).unwrap();
    fs::create_dir_all(&torn).unwrap();
    fs::write(torn.join("jwks.json"), "nonsense").unwrap();
    let none = folder.path().join("none/keys");
    fs::create_dir_all(&none).unwrap();
    fs::write(none.join("jwks.json"), r#"{"keys": []}"#).unwrap();
    fs::write(folder.path().join("list.json"), "{}").unwrap();
    let add = |file: &str| {
        let add = ["user", "add", "alice", "--role", "user", "--people", file];
        run(folder.path(), &add, "a good password\n")
    };
    assert!(add("people.json").status.success());
    for (arguments, says, never) in [
        (
            &["keys", "list", "--data", "empty"][..],
            "makes the first one when it starts",
            "mcp-auth",
        ),
        (&["keys", "rotate", "--data", "empty"], "makes the first one when it starts", "mcp-auth"),
        (&["keys", "list", "--data", "torn"], "move the folder away", "mcp-auth"),
        (&["--data", "torn", "--port", "0"], "move the folder away", "mcp-auth"),
        (&["keys", "list", "--data", "none"], "lists no key", "mcp-auth"),
        (&["keys"], "rotate, list", "Which key signs"),
        (&["user"], "add, password, disable, enable, remove, list", "Who may log in"),
        (&["user", "list", "--people", "no.json"], "there is no file no.json", "system"),
        (&["user", "disable", "bob", "--people", "no.json"], "there is no file no.json", "bob"),
        (&["user", "disable", "bob", "--people", "people.json"], "nobody called \"bob\"", "add"),
        (
            &["--people", "no.json", "--port", "0"],
            "make one with `authorization user add`",
            "system",
        ),
        (&["--clients", "no.json", "--port", "0"], "no.json: ", "key"),
        (&["--client-metadata-ca", "list.json", "--port", "0"], "no certificate", "key"),
        (&["--metrics", "192.0.2.1:80", "--port", "0"], "192.0.2.1:80 for metrics", "key"),
        (&["--clients", "list.json", "--port", "0"], "list.json is not a list of clients", "key"),
    ] {
        let (is_ok, text) = said(&run(folder.path(), arguments, ""));
        assert!(!is_ok && text.contains(says), "{arguments:?}: {text}");
        assert!(!text.contains(never), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
        assert_eq!(text.matches(says).count(), 1, "{arguments:?} is said twice: {text}");
    }
    let (is_ok, text) = said(&add("nowhere/people.json"));
    assert!(!is_ok && text.contains("nowhere/people.json cannot be"), "and not a draft: {text}");
}

#[cfg(unix)]
#[test]
fn what_others_can_read_is_told_without_advice_about_another_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    };
    write("people.json", "{}");
    write(
        "clients.json",
        r#"[{"client_id": "job", "client_secret": "a secret of a good length"}]"#,
    );
    fs::create_dir(folder.path().join("data")).unwrap();
    write("data/authorization.db", "");
    for (arguments, file) in [
        (&["user", "list", "--people", "people.json"][..], "people.json"),
        (&["--clients", "clients.json", "--print-config"], "clients.json"),
        (&["--data", "data", "--port", "0"], "data/authorization.db"),
    ] {
        let (is_ok, text) = said(&run(folder.path(), arguments, ""));
        assert!(!is_ok && text.contains(&format!("chmod 600 {file};")), "{text}");
        assert!(!text.contains("key"), "{text}");
    }
}

/// Who can write there can put a database and keys of his own in place of ours.
#[cfg(unix)]
#[test]
fn a_folder_of_data_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o757)).unwrap();
    let (is_ok, text) = said(&run(folder.path(), &["--data", "data", "--port", "0"], ""));
    assert!(!is_ok && text.contains("chmod go-w data"), "{text}");
    assert!(!data.join("authorization.db").exists());
    // one inside it is made for its owner alone
    let inside = Running::start(folder.path(), &["--data", "data/inside", "--port", "0"]);
    assert!(data.join("inside/authorization.db").exists());
    drop(inside);
}

/// `/dev/full` takes nothing, as a disk that is full.
#[cfg(unix)]
#[test]
fn what_cannot_be_printed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    if !std::path::Path::new("/dev/full").exists() {
        println!("not tested: there is no /dev/full here");
        return;
    }
    let people = folder.path().join("people.json");
    let add = ["user", "add", "alice", "--role", "user", "--people", "people.json"];
    assert!(run(folder.path(), &add, "a good password\n").status.success());
    let files = mcp_auth::issuer::files::KeyFiles::new(folder.path().join("data/keys"));
    files.generate(mcp_auth::issuer::keys::Alg::Es256, 0).unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [
        &["--print-config"][..],
        &["user", "list", "--people", "people.json"],
        &["keys", "list", "--data", "data"],
        &["--help"],
        &["--version"],
    ] {
        let output = command(folder.path(), arguments).stdout(full()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(
            text.contains("No space left") && text.lines().count() == 1,
            "{arguments:?}: {text}"
        );
    }
    // what was done nevertheless, is said
    let disable = ["user", "disable", "alice", "--people", "people.json"];
    let output = command(folder.path(), &disable).stdout(full()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("alice is locked out: "), "{text}");
    assert!(fs::read_to_string(people).unwrap().contains("\"disabled\": true"));
}

#[test]
fn each_setting_is_shown_also_where_nothing_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let clients = r#"[{"client_id": "a", "redirect_uris": ["http://localhost/"]}, {"client_id": "b", "redirect_uris": ["http://localhost/"]}]"#;
    fs::write(folder.path().join("clients.json"), clients).unwrap();
    let shown = |arguments: &[&str]| {
        said(&run(folder.path(), &[arguments, &["--print-config"]].concat(), "")).1
    };
    let text = shown(&["--data=d"]);
    for line in [
        "data = \"d\"  # flag",
        "audit = \"d/audit.jsonl\"  # default",
        "issuer = \"http://localhost:9100\"  # default",
        "resource = [\"http://localhost:9000/mcp\"]  # default",
        "# allow-host is not set",
        "# clients of a file: none",
        "# people, for development: mcp-admin, mcp-user, mcp-guest",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    let (_, help) = said(&run(folder.path(), &["--help"], ""));
    let flags = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let flags: Vec<_> =
        flags.filter(|flag| !["help", "version", "print-config"].contains(flag)).collect();
    assert!(flags.len() > 15, "{help}");
    for flag in flags {
        let is_there = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{flag} "));
        assert!(text.lines().any(is_there), "{flag} is not in {text}");
    }
    let text = shown(&["--clients=clients.json", "--allow-host=other.example"]);
    assert!(text.contains("# clients of clients.json: 2\n"), "{text}");
    assert!(text.contains("allow-host = \"other.example\"  # flag"), "{text}");
    // where others can come, nothing is left out of what has to be said
    let text = shown(&["--issuer=https://as.example"]);
    for line in ["# data is not set", "# audit is not set", "# resource is not set"] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
}
