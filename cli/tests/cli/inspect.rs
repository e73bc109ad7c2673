//! `mcp-auth inspect`: what is in a token, and what a server here would do with it.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::support::{command, run};

fn token(dir: &Path, args: &[&str]) -> String {
    let mut command = command();
    command.arg("token").args(args).args(["--format", "raw"]);
    let (status, out, err) = run(command.env("MCP_KEYS_DIR", dir));
    assert_eq!(status, 0, "{err}");
    out.trim().to_owned()
}

fn inspect(dir: &Path, token: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = command();
    command.args(["inspect", "-"]).args(args).env("MCP_KEYS_DIR", dir);
    run(command.write_stdin(token))
}

#[test]
fn a_good_token_is_accepted_and_its_rights_are_said() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rights) in [
        ("alice", ["yes", "yes", "yes", "no: mcp:prompts is missing"]),
        ("bob", ["yes", "no: mcp:tools is missing", "yes", "yes"]),
        ("admin", ["yes, by the role admin"; 4]),
        (
            "guest",
            [
                "no: mcp:read is missing",
                "no: mcp:tools is missing",
                "no: mcp:read is missing",
                "no: mcp:prompts is missing",
            ],
        ),
    ] {
        let token = token(dir.path(), &[name]);
        let (status, out, err) = inspect(dir.path(), &token, &[]);
        assert_eq!((status, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("accepted by http://localhost:9000/mcp with the keys in "), "{out}");
        for (what, may) in
            ["list tools", "call tools", "list prompts", "get prompts"].iter().zip(rights)
        {
            let line = out.lines().find(|line| line.trim_start().starts_with(what)).unwrap();
            assert_eq!(line.trim_start().strip_prefix(what).unwrap().trim(), may, "{name}: {what}");
        }
    }
}

#[test]
fn the_signature_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let good = token(dir.path(), &["alice"]);
    let signature = good.rsplit('.').next().unwrap().to_owned();
    let cut: String = signature.chars().take(20).collect();
    for token in [
        good.clone(),
        good.replacen('.', "", 1),
        format!("{good}.x"),
        format!("x.{good}"),
        good.replacen("ey", "xy", 1),
    ] {
        for args in [&[][..], &["--json"], &["--issuer", "other"]] {
            let (_, out, err) = inspect(dir.path(), &token, args);
            assert!(!out.contains(&cut) && !err.contains(&cut), "{args:?}: {out}{err}");
        }
    }
}

#[test]
fn what_would_be_refused_is_said_with_the_reason() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    token(dir.path(), &["alice"]); // so that there is a key
    let stranger = token(other.path(), &["alice"]);
    let make = |args: &[&str]| token(dir.path(), args);
    for (token, words) in [
        (make(&["alice", "--lifetime", "-5m"]), "expired"),
        (
            make(&["alice", "--issuer", "http://localhost:1"]),
            "here that is to be http://localhost:9000\n",
        ),
        (
            make(&["alice", "--audience", "http://localhost:1"]),
            "here that is to be http://localhost:9000/mcp\n",
        ),
        (make(&["alice", "--claim", "nbf=33000000000"]), "not valid yet"),
        (make(&["alice", "--claim", "typ=\"ID\""]), "another kind of token"),
        (stranger, "no key of this folder"),
        ("opaque".into(), "opaque token"),
        ("a.b.c.d.e".into(), "encrypted"),
        (String::new(), "three parts"),
    ] {
        let (status, out, err) = inspect(dir.path(), &token, &[]);
        assert_eq!((status, err.as_str()), (3, ""), "{words}: {out}");
        assert!(
            out.contains("refused by ") && out.contains(words),
            "{words} is missing in:\n{out}"
        );
    }
}

#[test]
fn a_changed_token_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let good = token(dir.path(), &["guest"]);
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three")
    };
    let mut changed: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    changed["roles"] = serde_json::json!(["admin"]);
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
    let (status, out, _) = inspect(dir.path(), &format!("{header}.{changed}.{signature}"), &[]);
    assert_eq!(status, 3);
    assert!(out.contains("its signature is wrong"), "{out}");
}

#[test]
fn without_keys_nobody_can_tell() {
    let (dir, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let good = token(dir.path(), &["alice"]);
    let (status, out, _) = inspect(empty.path(), &good, &[]);
    assert_eq!(status, 1);
    assert!(out.contains("nobody can tell") && out.contains("jwks.json"), "{out}");
    let (status, out, _) = inspect(empty.path(), &good, &["--json"]);
    assert_eq!(
        (status, &serde_json::from_str::<Value>(&out).unwrap()["accepted"]),
        (1, &Value::Null)
    );
}

#[test]
fn programs_read_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let good = token(dir.path(), &["alice"]);
    let report = |token: &str, args: &[&str]| {
        let (status, out, _) = inspect(dir.path(), token, &[args, &["--json"]].concat());
        (status, serde_json::from_str::<Value>(&out).unwrap())
    };
    let (status, found) = report(&format!("Authorization: Bearer {good}\n"), &[]);
    assert_eq!((status, &found["accepted"], &found["why"]), (0, &true.into(), &Value::Null));
    assert_eq!(
        (&found["header"]["alg"], &found["claims"]["sub"]),
        (&"RS256".into(), &"alice".into())
    );
    let (status, found) = report(&good, &["--server", "http://localhost:1"]);
    assert_eq!((status, &found["accepted"]), (3, &false.into()));
    assert!(found["why"].as_str().unwrap().contains("another issuer"), "{found}");
    assert_eq!(found["here"]["audience"], "http://localhost:1/mcp");
}

#[test]
fn leeway_is_a_setting() {
    let dir = tempfile::tempdir().unwrap();
    let over = token(dir.path(), &["alice", "--lifetime", "-60s"]);
    assert_eq!(inspect(dir.path(), &over, &[]).0, 3);
    assert_eq!(inspect(dir.path(), &over, &["--leeway", "600"]).0, 0);
}

#[test]
fn issuer_and_audience_are_two_names() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--server", "http://localhost:9001", "--issuer", "http://localhost:9100"][..],
        &["--server", "http://localhost:9001", "--audience", "http://localhost:9002/mcp"],
    ] {
        let good = token(dir.path(), &[&["alice"], args].concat());
        let (status, out, _) = inspect(dir.path(), &good, args);
        assert_eq!(status, 0, "{args:?}: {out}");
        assert_eq!(inspect(dir.path(), &good, &args[..2]).0, 3, "{args:?}: one of both is another");
    }
}

#[test]
fn what_a_token_says_cannot_steer_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    // what only turns the direction of writing is not taken out on the way to a pipe, as colours are
    let args = ["alice", "--claim", "na\u{202e}me=\"\\u001b]0;owned\\u0007\\u202e\""];
    let token = token(dir.path(), &args);
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    for args in [&[][..], &["--json"]] {
        let (status, out, err) = inspect(dir.path(), &token, args);
        assert_eq!(status, 0, "{err}");
        assert!(out.contains("owned"), "{out}");
        assert!(!out.contains(steers), "{args:?}: {out:?}");
    }
}

#[test]
fn a_long_value_is_cut_off_for_people_and_whole_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    let long = "ä".repeat(100);
    let token = token(dir.path(), &["alice", "--claim", &format!("note=\"{long}\"")]);
    let (_, out, _) = inspect(dir.path(), &token, &[]);
    assert!(
        out.contains(&format!("{}…", "ä".repeat(60))) && !out.contains(&"ä".repeat(61)),
        "{out}"
    );
    let (_, out, _) = inspect(dir.path(), &token, &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["claims"]["note"], long);
}

#[test]
fn the_members_that_make_a_token_bad_are_pointed_out() {
    let dir = tempfile::tempdir().unwrap();
    for (bad, member, words) in [
        ("alg-none", "alg", "not signed at all"),
        ("hs256-pem", "alg", "a secret that the server would have to know"),
        ("alg-rs512", "alg", "an algorithm that is not taken here"),
        ("kid-unknown", "kid", "no key of this folder"),
        ("typ-id", "typ", "another kind of token"),
        ("jwk", "jwk", "choose its own key"),
        ("jku", "jku", "choose its own key"),
        ("x5u", "x5u", "choose its own key"),
        ("x5c", "x5c", "choose its own key"),
        ("crit", "crit", "choose how it is read"),
        ("b64", "b64", "choose how it is read"),
        ("zip", "zip", "choose how it is read"),
        ("enc", "enc", "choose how it is read"),
        ("cnf-jkt", "cnf", "bound to a key of its client"),
        ("exp-string", "exp", "not a time"),
    ] {
        let token = token(dir.path(), &["alice", "--bad", bad]);
        let (status, out, _) = inspect(dir.path(), &token, &[]);
        assert_eq!(status, 3, "{bad}: {out}");
        let line = out.lines().find(|line| line.trim_start().starts_with(&format!("{member}  ")));
        assert!(
            line.is_some_and(|line| line.contains(words)),
            "{bad}: {words} is missing in:\n{out}"
        );
    }
}

#[test]
fn rights_are_whole_words() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["carol", "--scopes", "xmcp:read mcp:toolsy mcp", "--roles", "admins xadmin Admin"];
    let (status, out, _) = inspect(dir.path(), &token(dir.path(), &args), &[]);
    assert_eq!(status, 0, "{out}");
    assert!(!out.contains("yes") && out.matches(" is missing").count() == 4, "{out}");
}
