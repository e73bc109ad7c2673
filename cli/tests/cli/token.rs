//! `mcp-auth token`: who gets what, in which form, signed by whom.

use std::{collections::BTreeMap, fs, path::Path};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::support::{command, run};

/// `mcp-auth token` with a folder of keys that is its own.
pub fn token(dir: &Path, args: &[&str]) -> (i32, String, String) {
    run(command().arg("token").args(args).env("MCP_KEYS_DIR", dir))
}

/// The claims of a token are part 1, its header part 0.
pub fn part(token: &str, place: usize) -> Value {
    let part = token.trim().split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn claims(dir: &Path, args: &[&str]) -> Value {
    let (status, out, err) = token(dir, &[args, &["--format", "raw"]].concat());
    assert_eq!(status, 0, "{args:?}: {err}");
    assert_eq!(out.lines().count(), 1);
    part(&out, 1)
}

#[test]
fn a_token_for_alice_works_at_once_on_a_step_on_its_default_port() {
    let dir = tempfile::tempdir().unwrap();
    let claims = claims(dir.path(), &["alice"]);
    assert_eq!(claims["iss"], "http://localhost:9000");
    assert_eq!(claims["aud"], "http://localhost:9000/mcp");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["scope"], "mcp:read mcp:tools");
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, 3600);
    assert!((chrono::Utc::now().timestamp() - iat).abs() < 60);
    let again = self::claims(dir.path(), &["alice"]);
    assert_ne!(claims["jti"], again["jti"], "each token has a number of its own");
    let (_, raw, _) = token(dir.path(), &["alice", "--format", "raw"]);
    let mut inspect = command();
    inspect.args(["inspect", "-"]).env("MCP_KEYS_DIR", dir.path()).write_stdin(raw);
    let (status, out, _) = run(&mut inspect);
    assert_eq!(status, 0, "{out}");
}

#[test]
fn people_have_the_rights_that_their_name_stands_for() {
    let dir = tempfile::tempdir().unwrap();
    for (name, scope, roles) in [
        ("alice", json!("mcp:read mcp:tools"), Value::Null),
        ("bob", json!("mcp:read mcp:prompts"), Value::Null),
        ("admin", Value::Null, json!(["admin"])),
        ("guest", Value::Null, Value::Null),
        ("carol", Value::Null, Value::Null),
        ("Alice", Value::Null, Value::Null),
        ("größe & co", Value::Null, Value::Null),
    ] {
        let claims = claims(dir.path(), &[name]);
        assert_eq!(
            (&claims["sub"], &claims["scope"], &claims["roles"]),
            (&json!(name), &scope, &roles),
            "{name}"
        );
    }
    let (status, out, _) = token(dir.path(), &["--demo", "--format", "json"]);
    assert_eq!(status, 0);
    let made: Vec<Value> = serde_json::from_str(&out).unwrap();
    let subjects: Vec<_> = made.iter().map(|one| &one["subject"]).collect();
    assert_eq!(subjects, ["alice", "bob", "admin", "guest"]);
}

#[test]
fn every_claim_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["alice", "--scopes", "b  a mcp:x", "--roles", "one two", "--client", "my-client"];
    let args = [&args[..], &["--claim", "aud=[\"a\",5]", "--claim", "n=null"]].concat();
    let found = claims(dir.path(), &args);
    assert_eq!(found["scope"], "b a mcp:x");
    assert_eq!(found["roles"], json!(["one", "two"]));
    assert_eq!(found["client_id"], "my-client");
    assert_eq!(found["aud"], json!(["a", 5]));
    assert!(found.as_object().unwrap().contains_key("n"));
    assert_eq!(claims(dir.path(), &["alice", "--scopes", ""])["scope"], "");
    for wrong in ["n", "=1", "n=", "n=word", "n='x'"] {
        assert_eq!(token(dir.path(), &["alice", "--claim", wrong]).0, 2, "{wrong}");
    }
}

#[test]
fn the_server_sets_issuer_and_audience() {
    let dir = tempfile::tempdir().unwrap();
    let both = |args: &[&str]| {
        let claims = claims(dir.path(), args);
        (claims["iss"].as_str().unwrap().to_owned(), claims["aud"].as_str().unwrap().to_owned())
    };
    let server = ["alice", "--server", "http://localhost:9001"];
    assert_eq!(both(&server), ("http://localhost:9001".into(), "http://localhost:9001/mcp".into()));
    let more = [&server[..], &["--issuer", "http://localhost:9100"]].concat();
    assert_eq!(both(&more), ("http://localhost:9100".into(), "http://localhost:9001/mcp".into()));
    let more = [&server[..], &["--audience", "urn:x"]].concat();
    // not a server of this machine, so no key is made on the way: there is one by now
    assert_eq!(both(&more), ("http://localhost:9001".into(), "urn:x".into()));
    let by = |name: &str, value: &str| {
        let args = ["token", "alice", "--format", "raw"];
        let out = run(command().args(args).env("MCP_KEYS_DIR", dir.path()).env(name, value)).1;
        part(&out, 1)["aud"].as_str().unwrap().to_owned()
    };
    assert_eq!(by("MCP_PUBLIC_URL", "http://localhost:9002"), "http://localhost:9002/mcp");
    assert_eq!(by("MCP_PORT", "9003"), "http://localhost:9003/mcp");
    assert_eq!(by("MCP_PORT", "0"), "http://localhost:9000/mcp", "a free port is known to nobody");
}

#[test]
fn a_lifetime_may_be_over() {
    let dir = tempfile::tempdir().unwrap();
    let now = chrono::Utc::now().timestamp();
    for (lifetime, seconds) in [("90s", 90), ("-5m", -300), ("0", 0), ("1d12h", 129_600)] {
        let claims = claims(dir.path(), &["alice", "--lifetime", lifetime]);
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        assert!((exp - now - seconds).abs() < 60, "{lifetime}: {exp}");
        assert!(iat < exp && iat <= now + 60, "{lifetime}: it was good once");
    }
    assert_eq!(token(dir.path(), &["alice", "--lifetime", "5"]).0, 2);
}

#[test]
fn the_words_tell_subject_scopes_and_both_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command();
    command.args(["token", "alice", "--claim", "exp=1700000000"]).env("MCP_KEYS_DIR", dir.path());
    let (status, out, _) = run(command.env("TZ", "XYZ-2"));
    assert_eq!(status, 0);
    for line in [
        "subject   alice\n",
        "scopes    mcp:read mcp:tools\n",
        "roles     none\n",
        "expires   2023-11-14 22:13:20 UTC",
    ] {
        assert!(out.contains(line), "{line:?} is missing in:\n{out}");
    }
    if cfg!(unix) {
        assert!(out.contains("22:13:20 UTC, 2023-11-15 00:13:20 +02:00 here ("), "{out}");
        let (_, out, _) = run(command.env("TZ", "UTC"));
        assert!(out.contains("22:13:20 UTC ("), "once is enough: {out}");
    }
    assert_eq!(out.lines().last().unwrap().split('.').count(), 3, "and the token");
}

#[test]
fn every_format_has_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let format = |name: &str| {
        let (status, out, err) = token(dir.path(), &["bob", "--format", name]);
        assert_eq!((status, name == "text" || out.lines().count() >= 1), (0, true), "{err}");
        out
    };
    let is_token = |text: &str| part(text, 1)["sub"] == "bob";
    assert!(is_token(format("raw").trim()));
    assert!(is_token(format("text").lines().last().unwrap()));
    assert!(is_token(format("header").strip_prefix("Authorization: Bearer ").unwrap()));
    let json: Value = serde_json::from_str(&format("json")).unwrap();
    assert!(is_token(json["token"].as_str().unwrap()));
    assert_eq!(json["scopes"], json!(["mcp:read", "mcp:prompts"]));
    assert_eq!(json["roles"], json!([]));
    assert_eq!(json["expires_at"], json["claims"]["exp"]);
}

#[cfg(unix)]
#[test]
fn the_curl_line_is_a_request_that_a_server_understands() {
    let dir = tempfile::tempdir().unwrap();
    let server = super::support::Server::start(super::support::modern);
    let args = ["alice", "--server", &server.origin, "--format", "curl"];
    let (_, line, _) = token(dir.path(), &args);
    let script = format!("curl() {{ for word; do printf '%s\\n' \"$word\"; done; }}; {line}");
    let (_, words, _) = run(assert_cmd::Command::new("sh").args(["-c", &script]));
    let words: Vec<_> = words.lines().collect();
    assert_eq!(words.last(), Some(&server.url().as_str()));
    let odd = ["alice", "--audience", "http://localhost/it's/mcp", "--format", "curl"];
    let (_, line, _) = token(dir.path(), &odd);
    assert!(line.trim_end().ends_with(r"'http://localhost/it'\''s/mcp'"), "{line}");
    let body = words.iter().position(|word| *word == "--data-raw").map(|at| words[at + 1]).unwrap();
    let headers: BTreeMap<_, _> = words.iter().filter_map(|word| word.split_once(": ")).collect();
    assert!(headers["Authorization"].starts_with("Bearer ey"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(server.url()).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(async { request.send().await.unwrap().status() });
    assert_eq!(status, 200);
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("mcp-method"), seen.method());
    assert_eq!(
        seen.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
        seen.header("mcp-protocol-version")
    );
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_is_ones_own_and_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token.txt");
    let out = path.to_str().unwrap();
    let (status, words, _) = token(dir.path(), &["alice", "--out", out]);
    assert_eq!(status, 0);
    let first = fs::read_to_string(&path).unwrap();
    assert_eq!(part(&first, 1)["sub"], "alice");
    assert!(words.contains("subject   alice") && !words.contains(first.trim()), "{words}");
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
    let (status, _, err) = token(dir.path(), &["bob", "--out", out]);
    assert_eq!(status, 1);
    assert!(err.contains("--force"), "{err}");
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(token(dir.path(), &["bob", "--out", out, "--force"]).0, 0);
        assert_eq!(mode(&path), 0o600);
    }
    assert_eq!(token(dir.path(), &["guest", "--out", out, "--force", "--format", "header"]).0, 0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("Authorization: Bearer "), "{text}");
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let drafts = left.iter().filter(|file| file.to_str().unwrap().contains("token.txt")).count();
    assert_eq!(drafts, 1, "nothing is left lying about: {left:?}");
    let folder = dir.path().join("folder");
    fs::create_dir_all(folder.join("with-a-file-in-it")).unwrap();
    let args = ["alice", "--force", "--out", folder.to_str().unwrap()];
    assert_eq!(token(dir.path(), &args).0, 1, "a folder is no file");
    let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts = names.filter(|name| name.to_str().unwrap().starts_with("folder.")).count();
    assert_eq!(drafts, 0, "a token is left lying about");
}

#[test]
fn a_shared_secret_signs_hs256() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    let secret = "0123456789abcdef0123456789abcdef";
    fs::write(&path, format!("{secret}\n")).unwrap();
    let file = path.to_str().unwrap();
    let args = ["alice", "--alg", "HS256", "--secret-file", file, "--format", "raw"];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let (status, _, err) = token(dir.path(), &args);
        assert_eq!(status, 1);
        assert!(err.contains("can be read by other users"), "{err}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let (status, out, err) = token(dir.path(), &args);
    assert_eq!(status, 0, "{err}");
    let out = out.trim();
    assert_eq!(part(out, 0), json!({"alg": "HS256", "typ": "at+jwt"}));
    let (message, tag) = out.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, message.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).unwrap();
    assert_eq!(token(dir.path(), &["alice", "--alg", "HS256"]).0, 2, "a secret is needed");
    let args = ["alice", "--alg", "RS256", "--secret-file", file];
    assert_eq!(token(dir.path(), &args).0, 2, "a secret is none for RS256");
    fs::write(&path, &secret[1..]).unwrap();
    assert_eq!(token(dir.path(), &["alice", "--secret-file", file]).0, 2, "31 bytes are too few");
    fs::write(&path, "short").unwrap();
    let (status, _, err) = token(dir.path(), &["alice", "--secret-file", file]);
    assert_eq!(status, 2);
    assert!(err.contains("5 bytes") && !err.contains("short"), "{err}");
}

#[test]
fn any_private_key_can_sign() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (alg, kty) in [("ES256", "ES256"), ("EdDSA", "EdDSA"), ("RS256", "RS256")] {
        let dir = dir.path().join(alg);
        let generate = ["keys", "generate", "--alg", alg, "--json", "--dir", dir.to_str().unwrap()];
        let (status, out, err) = run(command().args(generate));
        assert_eq!(status, 0, "{err}");
        let made: Value = serde_json::from_str(&out).unwrap();
        let key = made["private"].as_str().unwrap();
        let (status, out, err) = token(other.path(), &["alice", "--key", key, "--format", "raw"]);
        assert_eq!(status, 0, "{err}");
        assert_eq!(part(&out, 0)["alg"], kty);
        assert_eq!(part(&out, 0)["kid"], made["kid"]);
        let wrong = if alg == "ES256" { "RS256" } else { "ES256" };
        assert_eq!(token(other.path(), &["alice", "--key", key, "--alg", wrong]).0, 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
            let (status, _, err) = token(other.path(), &["alice", "--key", key]);
            assert_eq!(status, 1);
            assert!(err.contains("can be read by other users"), "{err}");
        }
    }
    assert!(!other.path().join("jwks.json").exists(), "no key was made on the way");
}

#[test]
fn no_key_is_made_for_a_server_that_others_can_reach() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--server", "https://mcp.example.com"][..],
        &["--issuer", "https://mcp.example.com"],
        &["--audience", "https://mcp.example.com/mcp"],
        &["--server", "http://localhost.example.com"],
        &["--server", "http://127.0.0.1.example.com:9000"],
    ] {
        let (status, _, err) = token(dir.path(), &[&["alice"], args].concat());
        assert_eq!(status, 1, "{args:?}");
        assert!(err.contains("keys generate"), "{args:?}: {err}");
        assert!(!dir.path().join("jwks.json").exists(), "{args:?}");
    }
    let (status, _, err) = token(dir.path(), &["alice", "--alg", "ES256"]);
    assert_eq!(status, 1, "the steps make RS256 keys alone: {err}");
    assert!(!dir.path().join("jwks.json").exists(), "a key for another algorithm was made");
}

#[test]
fn a_subject_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&[][..], &[""], &["alice", "--demo"], &["alice", "--force"], &["alice", "bob"]] {
        assert_eq!(token(dir.path(), args).0, 2, "{args:?}");
    }
}

#[test]
fn what_a_token_is_to_say_cannot_steer_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["alice", "--scopes", "a\u{1b}[2J", "--roles", "b\u{202e}", "--client", "c\u{7}"];
    for format in ["text", "json"] {
        let (status, out, err) = token(dir.path(), &[&args[..], &["--format", format]].concat());
        assert_eq!(status, 0, "{err}");
        let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!out.contains(steers), "{format}: {out:?}");
    }
}
