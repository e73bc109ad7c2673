//! Does it serve while nobody reads what it says, or while nothing can be written down?
#![cfg(unix)]

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Running, Visitor, command};

/// Tells it to stop, and waits until it has.
fn stopped(server: &mut Running) -> bool {
    let _ = Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    let deadline = Instant::now() + Duration::from_secs(15);
    while Instant::now() < deadline {
        if let Some(status) = server.child.try_wait().unwrap() {
            return status.success();
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    false
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (_never_read, log) = std::io::pipe().unwrap();
    let mut serving = command(folder.path(), &["--port", "0"]);
    let mut server = Running::of(serving.stdout(Stdio::piped()).stderr(log));
    let mut visitor = Visitor::new(&server.url);
    for _ in 0..2000 {
        // a pipe holds 64 KiB, and the line of each request is longer than 64 bytes
        assert_eq!(visitor.get("/health").await.unwrap().status, 200);
    }
    assert!(stopped(&mut server), "it does not end");
}
