//! `mcp-auth token --bad`: bad in one thing, and refused for that.

use serde_json::{Value, json};

use super::{
    support::{command, run},
    token::{part, token},
};

#[test]
fn a_bad_token_is_refused_for_what_it_tries() {
    let dir = tempfile::tempdir().unwrap();
    let (status, out, _) = token(dir.path(), &["--bad", "list", "--format", "json"]);
    assert_eq!(status, 0);
    let kinds: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert!(kinds.len() >= 60, "{}", kinds.len());
    assert!(!dir.path().join("jwks.json").exists(), "to explain them no key is needed");
    for (name, expected) in [
        ("alg-none", 3),
        ("hs256-pem", 3),
        ("exp-missing", 3),
        ("aud-longer", 3),
        ("typ-absent", 0),
        ("scope-substring", 0),
    ] {
        let kind = kinds.iter().find(|kind| kind["kind"] == name);
        let kind = kind.unwrap_or_else(|| panic!("{name} is not in the table"));
        let (status, bad, err) = token(dir.path(), &["--bad", name, "--format", "raw"]);
        assert_eq!(status, 0, "{err}");
        let mut inspect = command();
        inspect.args(["inspect", "-", "--json"]).env("MCP_KEYS_DIR", dir.path()).write_stdin(bad);
        let (status, out, _) = run(&mut inspect);
        assert_eq!(status, expected, "{name}: {out}");
        if let Some(why) = serde_json::from_str::<Value>(&out).unwrap()["why"].as_str() {
            assert_eq!(kind["console"], format!("refused the token: {why}"), "{name}");
        }
        let (_, words, _) = token(dir.path(), &["bob", "--bad", name]);
        assert!(words.contains(kind["console"].as_str().unwrap()), "{name}: {words}");
    }
    let (status, _, err) = token(dir.path(), &["alice", "--bad", "alg-nine"]);
    assert_eq!(status, 2);
    assert!(err.contains("--bad list"), "{err}");
    let (status, out, _) = token(dir.path(), &["--bad", "list"]);
    assert_eq!((status, out.lines().count()), (0, kinds.len()));
}

#[test]
fn a_bad_token_is_bad_in_one_thing_alone() {
    let dir = tempfile::tempdir().unwrap();
    let server = ["--server", "http://localhost:9001"];
    let args = ["bob", "--bad", "typ-jwt", "--claim", "team=\"red\"", "--format", "raw"];
    let (status, good, err) = token(dir.path(), &[&args[..], &server].concat());
    assert_eq!(status, 0, "{err}");
    let found = part(&good, 1);
    assert_eq!((&found["sub"], &found["team"]), (&json!("bob"), &json!("red")));
    assert_eq!(found["scope"], "mcp:read mcp:prompts");
    let mut inspect = command();
    inspect.args(["inspect", "-"]).args(server).env("MCP_KEYS_DIR", dir.path()).write_stdin(good);
    let (status, out, _) = run(&mut inspect);
    assert_eq!(status, 0, "it only looks bad: {out}");
    for (kind, hurry) in [("expired-leeway-minus-1", true), ("expired", false)] {
        let (_, words, _) = token(dir.path(), &["--bad", kind]);
        assert_eq!(words.contains("use it at once"), hurry, "{kind}: {words}");
    }
}
