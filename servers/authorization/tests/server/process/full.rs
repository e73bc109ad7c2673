//! What if the disk is full for a while? Nothing is said to be done that is not, and when there is room again, all goes on.

use std::process::{Command, Stdio};

use super::{Running, Visitor, clients};

/// Bytes that a file of this process may have from now on. To the process it is a disk that takes no more.
fn limit(process: u32, bytes: &str) -> bool {
    let limit = [format!("--pid={process}"), format!("--fsize={bytes}:")];
    Command::new("prlimit").args(limit).status().is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_disk_that_was_full_for_a_while_leaves_no_transaction_open() {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let mut shell = Command::new("sh");
    // or the system ends who writes more than he may
    let program = "trap '' XFSZ; exec \"$0\" \"$@\"";
    shell.args(["-c", program, env!("CARGO_BIN_EXE_authorization")]);
    shell.args(["--port", "0", "--clients", "clients.json", "--no-rate-limits"]);
    shell.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let server = Running::of(&mut shell);
    let mut visitor = Visitor::new(&server.url);
    let code = visitor.code("local").await.unwrap();
    let token = visitor.for_code("local", &code).await.unwrap().unwrap();
    if !limit(server.child.id(), "0") {
        println!("not tested: there is no prlimit here");
        return;
    }
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", &*token), ("client_id", "local")];
    let revoke = [("token", &*token), ("client_id", "local")];
    for _ in 0..3 {
        assert_eq!(visitor.post("/token", &refresh).await.unwrap().status, 500);
        assert_eq!(visitor.post("/revoke", &revoke).await.unwrap().status, 500);
        assert_eq!(visitor.get("/ready").await.unwrap().status, 503);
    }
    assert!(limit(server.child.id(), "unlimited"));
    assert_eq!(visitor.get("/ready").await.unwrap().status, 200);
    let token = visitor.refreshed("local", &token).await.unwrap().expect("nothing was lost");
    let revoke = [("token", &*token), ("client_id", "local")];
    assert_eq!(visitor.post("/revoke", &revoke).await.unwrap().status, 200);
    drop(server);
    // what was said to be done is in the file
    let arguments = ["--port", "0", "--clients", "clients.json"];
    let server = Running::start(folder.path(), &arguments);
    let mut visitor = Visitor::new(&server.url);
    assert!(visitor.refreshed("local", &token).await.unwrap().is_none(), "it is revoked");
}
