//! `mcp-auth keys`: made once, for one's own eyes, rotated without a gap.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;

use super::support::{command, run, std_command};

fn keys(dir: &Path, args: &[&str]) -> (i32, String, String) {
    run(command().arg("keys").args(args).env("MCP_KEYS_DIR", dir))
}

fn shown(dir: &Path) -> Vec<Value> {
    let (status, out, err) = keys(dir, &["show", "--json"]);
    assert_eq!(status, 0, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()["keys"].as_array().unwrap().clone()
}

#[test]
fn a_key_is_three_files_and_is_not_written_over() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("new");
    let (status, out, err) = keys(&dir, &["generate", "--json"]);
    assert_eq!(status, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    let read = |name: &str| fs::read_to_string(made[name].as_str().unwrap()).unwrap();
    let private = read("private");
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(read("public").starts_with("-----BEGIN PUBLIC KEY-----"));
    let jwks: Value = serde_json::from_str(&read("jwks")).unwrap();
    assert_eq!(jwks["keys"][0]["kid"], made["kid"]);
    assert!(jwks["keys"][0].get("d").is_none(), "the private part is not published");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(Path::new(made["private"].as_str().unwrap())), 0o600);
        assert_eq!(mode(&dir), 0o700);
    }
    let (status, _, err) = keys(&dir, &["generate"]);
    assert_eq!(status, 1);
    assert!(err.contains("keys rotate"), "{err}");
    assert_eq!(read("private"), private);
    assert_eq!(shown(&dir).len(), 1);
}

#[test]
fn the_folder_can_be_named_in_three_ways() {
    for flag in ["--dir", "--keys-dir"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        assert_eq!(run(command().args(["keys", "generate", flag, path])).0, 0);
        assert_eq!(shown(dir.path()).len(), 1, "{flag}, and then the environment");
    }
}

#[test]
fn the_folder_is_beside_the_nearest_cargo_lock() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fs::write(dir.path().join("Cargo.lock"), "").unwrap();
    let (status, _, err) = run(command().args(["keys", "generate"]).current_dir(&below));
    assert_eq!(status, 0, "{err}");
    assert!(dir.path().join(".workshop/jwks.json").exists());
    let alone = tempfile::tempdir().unwrap();
    let nearest = alone.path().ancestors().any(|dir| dir.join("Cargo.lock").exists());
    assert!(!nearest, "this test needs a temporary folder outside of every workspace");
    assert_eq!(run(command().args(["keys", "generate"]).current_dir(alone.path())).0, 0);
    assert!(alone.path().join(".workshop/jwks.json").exists());
}

/// As one finds it in `/tmp`, when somebody else has put a `Cargo.lock` there, and keys.
#[cfg(unix)]
#[test]
fn no_folder_is_used_because_of_a_file_that_everybody_could_have_put_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("mine");
    fs::create_dir(&below).unwrap();
    fs::write(dir.path().join("Cargo.lock"), "").unwrap();
    for mode in [0o1777, 0o755] {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(run(command().args(["keys", "generate"]).current_dir(&below)).0, 0);
        let is_above = dir.path().join(".workshop").exists();
        assert_eq!(is_above, mode == 0o755, "{mode:o}");
    }
    assert!(below.join(".workshop/jwks.json").exists());
}

#[test]
fn sizes_and_algorithms_are_those_that_work() {
    for (args, words) in [
        (&["--alg", "EdDSA"][..], "EdDSA"),
        (&["--alg", "es256"], "ES256"),
        (&["--bits", "3072"], "RS256"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (status, out, err) = keys(dir.path(), &[&["generate"], args].concat());
        assert_eq!(status, 0, "{err}");
        assert!(out.starts_with(&format!("key        {words} ")), "{out}");
        assert_eq!(err.contains("take RS256 alone"), words != "RS256", "{err}");
    }
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--bits", "1024"][..],
        &["--bits", "x"],
        &["--alg", "HS256"],
        &["--alg", "EdDSA", "--bits", "2048"],
    ] {
        assert_eq!(keys(dir.path(), &[&["generate"], args].concat()).0, 2, "{args:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn after_a_rotation_the_new_key_signs_and_the_old_one_is_still_good() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path(), &["generate"]);
    let token = || {
        run(command().args(["token", "alice", "--format", "raw"]).env("MCP_KEYS_DIR", dir.path())).1
    };
    let inspect = |token: &str| {
        let args = ["inspect", "-", "--leeway", "0"];
        run(command().args(args).env("MCP_KEYS_DIR", dir.path()).write_stdin(token)).0
    };
    let old = token();
    let (status, _, err) = keys(dir.path(), &["rotate", "--overlap", "1h"]);
    assert_eq!(status, 0, "{err}");
    let new = token();
    assert_ne!(old.split('.').next(), new.split('.').next(), "another key");
    assert_eq!((inspect(&old), inspect(&new)), (0, 0));
    let [first, second] = &shown(dir.path())[..] else { panic!("two keys") };
    assert_eq!((&first["signs"], &first["retires"]), (&true.into(), &Value::Null));
    let retires = second["retires"].as_i64().unwrap() - chrono::Utc::now().timestamp();
    assert!((3500..=3600).contains(&retires), "{retires}");
    let (_, out, _) = keys(dir.path(), &["show"]);
    assert!(out.contains("signs\n") && out.contains("published until 2"), "{out}");
    let read = |token: &str| {
        let mut command = command();
        command.args(["inspect", "-"]).env("MCP_KEYS_DIR", dir.path()).write_stdin(token);
        run(&mut command).1
    };
    assert!(read(&old).contains("a key of this folder, which signs no more"), "{}", read(&old));
    assert!(read(&new).contains("the key that signs here"), "{}", read(&new));
    assert_eq!(keys(dir.path(), &["rotate", "--overlap", "0"]).0, 0);
    assert_eq!((inspect(&old), inspect(&new), inspect(&token())), (3, 3, 0));
    assert_eq!(keys(dir.path(), &["rotate", "--overlap=-1h"]).0, 2);
}

#[test]
fn a_key_whose_private_half_is_gone_does_not_sign() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let (status, out, err) = keys(&dir.join("k"), &["generate", "--json"]);
    assert_eq!(status, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown(&dir.join("k"))[0]["signs"], true);
    fs::remove_file(made["private"].as_str().unwrap()).unwrap();
    assert_eq!(shown(&dir.join("k"))[0]["signs"], false);
    let (_, out, _) = keys(&dir.join("k"), &["show"]);
    assert!(out.contains("cannot sign: its private half is gone"), "{out}");
}

#[test]
fn clean_asks_and_removes_keys_alone() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path(), &["generate"]);
    fs::write(dir.path().join("client.json"), "{}").unwrap();
    let (status, _, err) = keys(dir.path(), &["clean"]);
    assert_eq!(status, 2);
    assert!(err.contains("--yes"), "nobody is there to answer: {err}");
    assert_eq!(shown(dir.path()).len(), 1);
    let (status, out, _) = keys(dir.path(), &["clean", "--yes"]);
    assert_eq!((status, out.lines().count()), (0, 3), "{out}");
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["client.json"]);
    let (status, _, err) = keys(dir.path(), &["show"]);
    assert_eq!(status, 1);
    assert!(err.contains("keys generate"), "{err}");
    let (status, out, _) = keys(dir.path(), &["clean", "--yes", "--json"]);
    assert_eq!((status, out.as_str()), (0, "{\n  \"removed\": []\n}\n"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_pointed_out_and_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let made: Value = serde_json::from_str(&keys(dir.path(), &["generate", "--json"]).1).unwrap();
    let open = fs::Permissions::from_mode(0o640);
    fs::set_permissions(made["private"].as_str().unwrap(), open).unwrap();
    let (status, _, err) = keys(dir.path(), &["show"]);
    assert_eq!(status, 0);
    assert!(err.contains("warning: ") && err.contains("chmod 600"), "{err}");
    let (status, _, err) = run(command().args(["token", "alice"]).env("MCP_KEYS_DIR", dir.path()));
    assert_eq!(status, 1);
    assert!(err.contains("can be read by other users"), "{err}");
}

#[cfg(unix)]
#[test]
fn whatever_the_umask_is_a_folder_of_ours_is_taken_and_one_that_others_can_write_is_not() {
    use std::os::unix::fs::PermissionsExt as _;
    for umask in ["000", "002", "077"] {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("a/keys");
        let run = |line: &str| {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &format!("umask {umask} && \"$0\" {line}")]);
            shell.arg(env!("CARGO_BIN_EXE_mcp-auth")).env("MCP_KEYS_DIR", &keys);
            let output = shell.current_dir(dir.path()).output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        for line in ["keys generate", "keys rotate", "token alice", "keys show"] {
            let (status, err) = run(line);
            assert_eq!(status, Some(0), "umask {umask}, {line}: {err}");
        }
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o775)).unwrap();
        for line in ["keys rotate", "token alice", "keys show"] {
            let (status, err) = run(line);
            assert_eq!(status, Some(1), "{line}: {err}");
            assert!(err.contains(&format!("chmod go-w {}", keys.display())), "{line}: {err}");
        }
        let (_, err) = run("inspect x.y.z");
        assert!(err.starts_with("warning: ") && err.contains("chmod go-w"), "{err}");
        assert_eq!(run("keys clean --yes").0, Some(0), "they can be removed all the same");
    }
}

#[test]
fn processes_that_start_together_agree_on_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let header = |_| {
        let token = || {
            run(command()
                .args(["token", "alice", "--format", "raw"])
                .env("MCP_KEYS_DIR", dir.path()))
            .1
        };
        std::thread::scope(|scope| {
            let both = [scope.spawn(token), scope.spawn(token)];
            both.map(|thread| thread.join().unwrap().split('.').next().unwrap().to_owned())
        })
    };
    let headers: Vec<_> = (0..2).flat_map(header).collect();
    assert!(
        headers.iter().all(|header| *header == headers[0] && !header.is_empty()),
        "{headers:?}"
    );
    assert_eq!(shown(dir.path()).len(), 1);
}

#[test]
fn of_processes_that_rotate_together_each_makes_a_key_that_counts_or_says_why_not() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path(), &["generate", "--alg", "EdDSA"]);
    let start = |_| {
        let mut rotate = std_command();
        rotate.args(["keys", "rotate", "--alg", "EdDSA"]).env("MCP_KEYS_DIR", dir.path());
        rotate.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut made = 0;
    for child in (0..12).map(start).collect::<Vec<_>>() {
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) => made += 1,
            status => {
                assert_eq!(status, Some(1), "{err}");
                assert!(err.contains("another process is changing these keys"), "{err}");
            }
        }
    }
    let list = shown(dir.path());
    assert!(made > 0, "somebody came first");
    assert_eq!(list.len(), 1 + made);
    assert_eq!(list.iter().filter(|key| key["retires"].is_null()).count(), 1, "one key signs");
    for key in &list {
        let private = format!("{}.private.pem", key["kid"].as_str().unwrap());
        assert!(dir.path().join(&private).exists(), "{private} is published and not there");
    }
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 2 * list.len() + 1, "two files for each key, and jwks.json");
}

#[test]
fn a_key_whose_time_is_over_is_shown_so_and_nothing_in_the_list_steers_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path(), &["generate"]);
    let path = dir.path().join("jwks.json");
    let mut jwks: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut old = jwks["keys"][0].clone();
    old["kid"] = "old\u{1b}[2J".into();
    old["alg"] = "RS\u{202e}256".into();
    old["exp"] = 1_700_000_000.into();
    jwks["keys"].as_array_mut().unwrap().push(old);
    fs::write(&path, jwks.to_string()).unwrap();
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    let (status, out, err) = keys(dir.path(), &["show"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("no longer published since 2023-11-14 22:13:20 UTC"), "{out}");
    assert!(out.contains("old\\u{1b}[2J") && !out.contains(steers), "{out:?}");
    let (_, out, _) = keys(dir.path(), &["show", "--json"]);
    assert!(!out.contains(steers), "{out:?}");
}
