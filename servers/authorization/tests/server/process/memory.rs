//! What does it hold after many have guessed at passwords? Each guess needs 19 MiB for a moment.

use futures_util::future::join_all;

use super::{Running, Visitor, clients};
use crate::world::{LOCAL, request};

/// What a process has resident, in MiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Somebody who guesses once, from an address of his own.
async fn guess(url: &str, number: u8) {
    let mut visitor = Visitor::new(url);
    let page = visitor.get(&request("local", LOCAL, &[])).await.unwrap();
    let (asked, csrf) = (page.hidden("request"), page.hidden("csrf"));
    let name = format!("somebody {number}");
    let fields = [("request", &*asked), ("csrf", &csrf), ("username", &name), ("password", "?")];
    let from = format!("10.0.0.{number}");
    let request = visitor.http.post(format!("{url}/login")).header("x-forwarded-for", from);
    let form = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = visitor.sent(form.body(crate::world::encoded(&fields))).await.unwrap();
    assert_eq!(answer.status, 403, "{}", answer.text);
}

#[tokio::test]
async fn memory_for_passwords_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let server = Running::start(
        folder.path(),
        &["--port", "0", "--clients", "clients.json", "--no-rate-limits", "--trusted-proxies", "1"],
    );
    for first in (0..120).step_by(8) {
        join_all((first..first + 8).map(|number| guess(&server.url, number))).await;
    }
    // two at a time; given back and asked for anew, it would be several hundred MiB by now
    let held = resident(server.child.id());
    assert!(held < 200, "{held} MiB");
}
