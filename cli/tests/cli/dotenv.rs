//! What the file `.env` of a folder sets, and what it cannot.

use super::support::{Server, command, modern, run};

#[test]
fn settings_come_from_the_file_env_too() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".env"), "MCP_TOKEN=of-the-file\n").unwrap();
    let server = Server::start(modern);
    run(server.call(&["discover"]).current_dir(directory.path()));
    assert_eq!(server.seen().pop().unwrap().header("authorization"), "Bearer of-the-file");
}

/// What a folder from elsewhere sets beside our own settings changes nothing.
#[test]
fn settings_of_other_programs_in_the_file_env_are_theirs() {
    let proxy = Server::start(modern);
    let directory = tempfile::tempdir().unwrap();
    let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
    let mut text = "MCP_TOKEN='a$b\"c\\d'\n".to_owned();
    text.extend(variables.map(|name| format!("{name}={}\n", proxy.origin)));
    std::fs::write(directory.path().join(".env"), text).unwrap();
    let far = ["call", "http://mcp.example.invalid/mcp", "discover"];
    let mut command = command();
    command.args(far).args(["--dangerously-send-token-over-http", "--show"]);
    let (status, _, err) = run(command.current_dir(directory.path()));
    assert_eq!(status, 6, "{err}");
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
    let server = Server::start(modern);
    run(server.call(&["discover"]).current_dir(directory.path()));
    assert_eq!(server.seen().pop().unwrap().header("authorization"), "Bearer a$b\"c\\d");
}

/// A folder from elsewhere could have other secrets sent to whom it likes, as a token, a client, or the secret of one.
#[test]
fn the_file_env_reads_no_other_variable_and_chooses_no_file() {
    let server = Server::start(modern);
    for (text, words) in [
        ("MCP_TOKEN=${GITHUB_TOKEN}", "names another variable with $"),
        ("MCP_TOKEN=\"a$GITHUB_TOKEN\"", "names another variable with $"),
        ("A=$GITHUB_TOKEN\nMCP_TOKEN=${A}", "names another variable with $"),
        ("MCP_LOGIN_CLIENT_ID=$NOTHING", "names another variable with $"),
        ("MCP_LOGIN_CLIENT_SECRET_FILE=id_ed25519", "is not for a folder to say"),
        ("MCP_LOGIN_DIR=logins", "is not for a folder to say"),
        ("MCP_Login_Dir=logins", "is not for a folder to say"),
        ("MCP_KEYS_DIR=../other/.workshop", "is not for a folder to say"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), text).unwrap();
        let mut command = server.call(&["discover"]);
        command.current_dir(directory.path()).env("GITHUB_TOKEN", "ghp-1").env("NOTHING", "x");
        let (status, _, err) = run(&mut command);
        assert_eq!(status, 2, "{text}: {err}");
        assert!(err.contains(words) && !err.contains("ghp-1"), "{text}: {err}");
    }
    assert!(server.seen().is_empty());
    let directory = tempfile::tempdir().unwrap();
    let text = "OTHER=$GITHUB_TOKEN\nMCP_TOKEN=a\\$GITHUB_TOKEN";
    std::fs::write(directory.path().join(".env"), text).unwrap();
    run(server.call(&["discover"]).current_dir(directory.path()).env("GITHUB_TOKEN", "ghp-1"));
    assert_eq!(server.seen().pop().unwrap().header("authorization"), "Bearer a$GITHUB_TOKEN");
}

/// As a link to a device or a disk would be.
#[test]
fn a_file_env_without_an_end_is_not_read() {
    let server = Server::start(modern);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".env"), "# long\n".repeat(60_000)).unwrap();
    let (status, _, err) = run(server.call(&["discover"]).current_dir(directory.path()));
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("longer than 256 KiB"), "{err}");
}

#[test]
fn a_file_env_that_cannot_be_read_stops_the_command() {
    let server = Server::start(modern);
    for (name, make) in [("a line that is none", true), ("a folder", false)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        if make { std::fs::write(path, "MCP TOKEN\n") } else { std::fs::create_dir(path) }.unwrap();
        let (status, _, err) = run(server.call(&["discover"]).current_dir(directory.path()));
        assert_eq!(status, 2, "{name}: {err}");
        assert!(err.contains("the file .env"), "{name}: {err}");
    }
    assert!(server.seen().is_empty(), "it may have held the token, so nothing is sent without");
}
