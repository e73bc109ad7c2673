//! What does somebody see who starts it, and what does it notice while it runs?

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Running, Visitor, clients, command, run, said};
use crate::world::{LOCAL, request};

#[tokio::test]
async fn it_works_at_once_and_says_what_somebody_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    let mut visitor = Visitor::new(&url);
    let ready = visitor.get("/ready").await.unwrap();
    let document = visitor.get("/.well-known/oauth-authorization-server").await.unwrap().json();
    assert_eq!((ready.status, &document["issuer"]), (200, &url.as_str().into()));
    assert_eq!(visitor.get("/health").await.unwrap().status, 200);
    assert_eq!(visitor.get("/nothing").await.unwrap().status, 404);
    if cfg!(unix) {
        let _ = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(child.wait().unwrap().success(), "it ends well when it is told to");
    } else {
        child.kill().unwrap(); // there is no Ctrl-C for a process without a console
        child.wait().unwrap();
    }
    let text: Vec<_> = lines.map(Result::unwrap).collect();
    let text = text.join("\n");
    for told in ["mcp-guest / guest123", "curl http", "/register"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    #[cfg(unix)]
    for private in ["authorization.db", "audit.jsonl", "keys"] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join(".workshop/authorization").join(private);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private}");
    }
}

#[tokio::test]
async fn a_running_server_notices_who_was_locked_out_and_which_key_is_new() {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let add = ["user", "add", "mcp-user", "--role", "user", "--people", "people.json"];
    assert!(run(folder.path(), &add, "user123!\n").status.success());
    let password = ["user", "password", "mcp-user", "--people", "people.json"];
    assert!(run(folder.path(), &password, "a password\n").status.success());
    let server = Running::start(
        folder.path(),
        &[
            "--port",
            "0",
            "--clients",
            "clients.json",
            "--people",
            "people.json",
            "--no-rate-limits",
        ],
    );
    let mut visitor = Visitor::new(&server.url);
    let path = request("local", LOCAL, &[]);
    let page = visitor.get(&path).await.unwrap();
    assert!(!page.text.contains("guest123"), "nobody is shown whom nobody knows");
    assert_eq!(visitor.log_in(&page, "mcp-user", "a password").await.unwrap().status, 303);
    assert!(visitor.get(&path).await.unwrap().text.contains("Allow"));
    // another password ends what began under the one before, the session and what clients were given
    let code = visitor.code("local").await.unwrap();
    let refresh = visitor.for_code("local", &code).await.unwrap().unwrap();
    assert!(run(folder.path(), &password, "a third password\n").status.success());
    gone(&mut visitor, &path).await;
    assert_eq!(visitor.refreshed("local", &refresh).await.unwrap(), None, "a token from before");
    let page = visitor.get(&path).await.unwrap();
    assert_eq!(visitor.log_in(&page, "mcp-user", "a third password").await.unwrap().status, 303);
    assert!(visitor.get(&path).await.unwrap().text.contains("Allow"));
    let disable = ["user", "disable", "mcp-user", "--people", "people.json"];
    assert!(run(folder.path(), &disable, "").status.success());
    let (is_ok, text) = said(&run(folder.path(), &["keys", "rotate"], ""));
    assert!(is_ok && text.contains("signs in 60 seconds"), "{text}");
    gone(&mut visitor, &path).await;
    let keys: Value = visitor.get("/jwks.json").await.unwrap().json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    let (_, listed) = said(&run(folder.path(), &["keys", "list"], ""));
    assert_eq!(listed.lines().count(), 2, "{listed}");
}

/// Waits until whoever was logged in is not any more.
pub async fn gone(visitor: &mut Visitor, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !visitor.get(path).await.unwrap().text.contains("Password") {
        assert!(Instant::now() < deadline, "who was locked out is still in");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
