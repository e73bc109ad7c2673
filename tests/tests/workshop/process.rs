//! Do the programs start, stop and fail as they promise? With the real binaries.

use std::net::{TcpListener, TcpStream};

use crate::running::{Server, command, run};

/// Steps whose server code differs: the lesson's own, the library's, and the last.
const KINDS: [u8; 4] = [1, 2, 8, 9];

#[test]
fn the_first_line_is_the_endpoint() {
    for step in 1..=workshop_tests::steps::LAST {
        let server = Server::start(step, &[]);
        let path = if step == 1 { "" } else { "/mcp" };
        assert_eq!(server.url, format!("http://localhost:{}{path}", server.port()));
        assert!(server.get("/health").contains("200 OK"), "step {step}");
        let said = server.stdout.so_far();
        if step == workshop_tests::steps::PROVIDER {
            // where to log in, for whoever starts it by hand
            let line = server.stdout.wait_for(|line| line.starts_with("log in at http://"));
            says(&line, &["mcp-admin / admin123", "mcp-user / user123", "mcp-guest / guest123"]);
            server.stdout.wait_for(|line| line.contains(&format!("login {}", server.url)));
        } else {
            assert_eq!(said.len(), 1, "step {step}: {said:?}");
        }
    }
}

#[test]
fn localhost_is_answered_on_both_of_its_addresses() {
    let has_v6 = TcpListener::bind("[::1]:0").is_ok();
    for step in KINDS {
        let server = Server::start(step, &[]);
        TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let v6 = TcpStream::connect(format!("[::1]:{}", server.port()));
        assert_eq!(
            v6.is_ok(),
            has_v6,
            "step {step}: ::1 is to be answered where the machine has it"
        );
    }
}

#[test]
fn a_named_address_is_listened_on_alone() {
    let server = Server::start(2, &["--host", "127.0.0.1"]);
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_ok());
    assert!(TcpStream::connect(format!("[::1]:{}", server.port())).is_err());
}

/// Runs a step that cannot start, and gives its one sentence.
fn sentence(step: u8, flags: &[&str], env: &[(&str, &str)], dotenv: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    if !dotenv.is_empty() {
        std::fs::write(folder.path().join(".env"), dotenv).unwrap();
    }
    let mut command = command(&format!("step{step}"), &folder);
    command.args(flags).envs(env.iter().copied());
    let (status, stdout, stderr) = run(command);
    assert_eq!(status, Some(1), "step {step} {flags:?} {env:?} {dotenv:?}: {stderr}");
    assert_eq!(stdout, "", "nothing was started, so no URL is to be had");
    assert_eq!(stderr.lines().count(), 1, "one sentence is expected: {stderr}");
    stderr
}

fn says(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

#[test]
fn a_taken_port_is_told_with_what_to_do() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(owner) = TcpListener::bind(address) else { continue };
        let port = owner.local_addr().unwrap().port().to_string();
        for step in KINDS {
            let sentence = sentence(step, &["--port", &port], &[], "");
            says(&sentence, &[&port, "taken", "--port"]);
        }
    }
}

#[test]
fn a_bad_value_is_told_with_the_setting_the_value_and_what_is_allowed() {
    for step in KINDS {
        for (flag, value, allowed) in [
            ("--port", "x", "65535"),
            ("--port", "65536", "65535"),
            ("--port", "-1", "port"),
            ("--host", "not-an-address", "IPv4"),
            ("--public-url", "localhost:9000", "http://localhost:9000"),
            ("--public-url", "http://localhost/?a=b", "http://localhost:9000"),
        ] {
            let flag_value = format!("{flag}={value}");
            says(&sentence(step, &[&flag_value], &[], ""), &[flag, value, allowed]);
        }
        says(&sentence(step, &["--no-such-flag"], &[], ""), &["--no-such-flag", "--help"]);
    }
    for (flag, value, allowed) in [
        ("--max-requests", "0", "1000000"),
        ("--max-connections", "0", "1000000"),
        ("--header-timeout", "0", "3600"),
        ("--body-timeout", "soon", "3600"),
        ("--allow-origin", "*", "http://"),
        ("--allow-origin", "null", "http://"),
        ("--allow-origin", "http://localhost:6274/", "http://localhost:6274"),
        ("--allow-host", "a b", "mcp.example.com"),
    ] {
        let flag_value = format!("{flag}={value}");
        says(&sentence(2, &[&flag_value], &[], ""), &[flag, value, allowed]);
    }
}

#[test]
fn a_bad_value_in_the_environment_is_told_with_its_variable() {
    for step in KINDS {
        says(&sentence(step, &[], &[("MCP_PORT", "x")], ""), &["MCP_PORT", "x", "65535"]);
        says(&sentence(step, &[], &[], "MCP_PORT=y\n"), &["MCP_PORT", "y", "65535"]);
        says(&sentence(step, &[], &[], "this is no setting\n"), &[".env"]);
    }
    let bad = [("MCP_ALLOW_ORIGIN", "http://localhost:6274,*")];
    says(&sentence(2, &[], &bad, ""), &["MCP_ALLOW_ORIGIN", "*"]);
}

#[test]
fn a_bad_line_in_the_file_is_told_by_its_number_because_it_may_hold_a_secret() {
    for line in ["MCP_CLIENT_SECRET=\"not-for-the-console", "MCP CLIENT SECRET=not-for-the-console"]
    {
        let file = format!("MCP_PORT=0\n\n{line}\n");
        let told = sentence(1, &[], &[], &file);
        says(&told, &["line 3", ".env", "NAME=value"]);
        assert!(!told.contains("not-for-the-console"), "{told}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), &file).unwrap();
        let mut command = command("mcp-auth", &folder);
        command.args(["keys", "show"]);
        let (status, _, told) = run(command);
        assert_eq!(status, Some(2), "{told}");
        says(&told, &["line 3", ".env", "NAME=value"]);
        assert!(!told.contains("not-for-the-console"), "{told}");
    }
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let file = "MCP_PORT=0\nMCP_PUBLIC_URL=http://file.example\n";
    let env = ("MCP_PUBLIC_URL", "http://environment.example");
    let flag = ["--public-url", "http://flag.example"];
    for (env, flags, expected) in [
        (&[][..], &[][..], "http://file.example"),
        (&[env], &[], "http://environment.example"),
        (&[env], &flag, "http://flag.example"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), file).unwrap();
        let mut command = command("step1", &folder);
        command.args(flags).envs(env.iter().copied());
        assert_eq!(Server::of(command, folder).url, expected);
    }
}

#[test]
fn help_names_each_setting_with_its_variable_and_default() {
    for (step, words) in [
        (1, &["--host", "MCP_HOST", "--port", "MCP_PORT", "9000", "MCP_PUBLIC_URL"][..]),
        (2, &["MCP_MAX_CONNECTIONS", "1024", "MCP_MAX_REQUESTS", "256", "1048576", "64"]),
        (5, &["MCP_KEYS_DIR"]),
        (6, &["MCP_LEEWAY", "[default: 5]", "8192"]),
        (7, &["MCP_CLIENT_ID", "MCP_CLIENT_SECRET", "MCP_CLIENT_SECRET_FILE"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(&format!("step{step}"), &folder);
        command.arg("--help").env("MCP_CLIENT_SECRET", "do-not-show-this-secret");
        let (status, stdout, stderr) = run(command);
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        says(&stdout, words);
        assert!(!stdout.contains("do-not-show"), "a secret is in --help");
    }
}

#[test]
fn each_request_has_one_line_in_the_log_without_its_query() {
    for step in KINDS {
        let server = Server::start(step, &[]);
        let port = server.port();
        let request = format!(
            "GET /health?token=in-the-query HTTP/1.1\r\nHost: localhost:{port}\r\nX-Request-Id: the-id\r\n\
             Authorization: Bearer in-the-header\r\nConnection: close\r\n\r\n"
        );
        assert!(server.exchange(&request).contains("200 OK"));
        server.get("/nothing-here?secret=in-the-query");
        let line = server.stderr.wait_for(|line| line.contains("/health"));
        says(&line, &["the-id", "GET /health", "200", "ms"]);
        let line = server.stderr.wait_for(|line| line.contains("/nothing-here"));
        says(&line, &["GET /nothing-here", "404", "ms"]);
        let lines = server.stderr.so_far();
        assert!(!lines.iter().any(|line| line.contains("in-the-")), "a secret is in: {lines:#?}");
        for path in ["/health", "/nothing-here"] {
            let count = lines.iter().filter(|line| line.contains(path)).count();
            assert_eq!(count, 1, "step {step}: one line is expected for {path}: {lines:#?}");
        }
    }
}

#[test]
fn what_others_can_reach_needs_a_key_of_its_own() {
    for step in 5..workshop_tests::steps::PROVIDER {
        let url = ["--port", "0", "--public-url", "https://mcp.example.com"];
        says(&sentence(step, &url, &[], ""), &["--keys-dir", "mcp-auth", "keys generate"]);
        let there = [&url[..], &["--keys-dir", "empty"]].concat();
        says(&sentence(step, &there, &[], ""), &["empty", "keys generate"]);
        let everywhere = ["--port", "0", "--host", "0.0.0.0"];
        says(&sentence(step, &everywhere, &[], ""), &["--keys-dir"]);
    }
}

#[test]
fn people_whom_everybody_knows_are_for_this_machine_alone() {
    for reached in [["--public-url", "https://mcp.example.com"], ["--host", "0.0.0.0"]] {
        let flags = [&["--port", "0"], &reached[..]].concat();
        says(&sentence(9, &flags, &[], ""), &["people whom everybody knows", "--issuer"]);
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_could_have_chosen_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret of a good length\n").unwrap();
    let flags = ["--client-id", "it", "--client-secret-file", secret.to_str().unwrap()];
    let mode = |mode| {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for open in [0o620, 0o602, 0o666] {
        mode(open);
        let mut command = command("step7", &folder);
        command.args(["--port", "0"]).args(flags);
        let (status, _, told) = run(command);
        assert_eq!(status, Some(1), "{told}");
        says(
            &told,
            &["secret", "can be written by other users", &format!("{open:o}"), "chmod go-w"],
        );
    }
    for (closed, is_warned) in [(0o444, true), (0o600, false)] {
        mode(closed);
        let server = Server::start(7, &flags);
        server.get("/the-end");
        server.stderr.wait_for(|line| line.contains("/the-end"));
        let warned = server.stderr.so_far().iter().any(|line| line.contains("can be read by"));
        assert_eq!(warned, is_warned, "{closed:o}");
    }
}
