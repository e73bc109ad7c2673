//! Does it serve while nobody reads what it says, or while nothing can be written down?
#![cfg(unix)]

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Running, Visitor, clients, command, run, said};

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

/// `/dev/full` takes nothing: what is written there meets a disk that is full.
#[tokio::test]
async fn what_cannot_be_written_down_stops_nobody_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    if !std::path::Path::new("/dev/full").exists() {
        println!("not tested: there is no /dev/full here");
        return;
    }
    let mut serving =
        command(folder.path(), &["--port=0", "--clients=clients.json", "--audit=/dev/full"]);
    let (log, told) = std::io::pipe().unwrap();
    let mut server = Running::of(serving.stdout(Stdio::piped()).stderr(told));
    drop(serving);
    let mut visitor = Visitor::new(&server.url);
    assert_eq!(visitor.get("/ready").await.unwrap().status, 200);
    let code = visitor.code("local").await.unwrap();
    assert!(visitor.for_code("local", &code).await.unwrap().is_some());
    let ready = visitor.get("/ready").await.unwrap();
    assert_eq!(ready.status, 503, "{}", ready.text);
    assert!(ready.text.contains("decisions cannot be written down"), "{}", ready.text);
    assert!(stopped(&mut server));
    let log = std::io::read_to_string(log).unwrap();
    assert_eq!(log.matches("cannot be written down").count(), 1, "once: {log}");
}

#[test]
fn a_pipe_is_no_place_for_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let (is_ok, text) = said(&run(folder.path(), &["--port=0", "--audit=pipe"], ""));
    assert!(!is_ok && text.contains("pipe (--audit): it is a pipe"), "{text}");
}
