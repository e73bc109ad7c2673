//! Does the operator learn what is wrong with the file of people?

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use super::{Running, Visitor, command, run};

/// What it says on stderr, line by line.
fn told(log: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (line, lines) = channel();
    thread::spawn(move || {
        BufReader::new(log).lines().map_while(Result::ok).try_for_each(|one| line.send(one))
    });
    lines
}

/// The lines up to one with these words.
fn until(words: &str, lines: &Receiver<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    while !all.last().is_some_and(|line| line.contains(words)) {
        all.push(lines.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| {
            panic!("{words:?} was not said: {all:#?}");
        }));
    }
    all
}

#[tokio::test]
async fn a_role_that_opens_nothing_is_told_at_the_start_and_when_the_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people.json");
    for name in ["alice", "bob"] {
        let add = ["user", "add", name, "--role", "user", "--people", "people.json"];
        assert!(run(folder.path(), &add, "a good password\n").status.success());
    }
    let rename = |from: &str, to: &str| {
        let text = fs::read_to_string(&people).unwrap().replace(from, to);
        mcp_auth::issuer::disk::replace(&people, &text, true).unwrap();
    };
    rename("\"user\"", "\"usr\"");
    let mut serving = command(folder.path(), &["--port=0", "--people=people.json"]);
    let mut server = Running::of(serving.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let lines = told(server.child.stderr.take().unwrap());
    let warned = |all: &[String], role: &str| {
        all.iter().filter(|line| line.contains(&format!("role {role:?}"))).count()
    };
    let start = until("keys and database are in", &lines);
    assert_eq!(warned(&start, "usr"), 1, "once, though two have it: {start:#?}");
    rename("\"usr\"", "\"user\", \"king\"");
    let mut visitor = Visitor::new(&server.url);
    let mut ask = async || {
        // the file is looked at once a second, by whoever asks
        while visitor.get("/ready").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waiting = tokio::task::spawn_blocking(move || until("was read", &lines));
    let again = tokio::select! {
        again = waiting => again.unwrap(),
        () = ask() => panic!("it has ended"),
    };
    assert_eq!((warned(&again, "usr"), warned(&again, "king")), (0, 1), "{again:#?}");
}

/// A folder that is mounted again, or was moved away for a moment.
#[tokio::test]
async fn a_file_that_comes_back_as_it_was_is_good_again() {
    let folder = tempfile::tempdir().unwrap();
    let (there, away) = (folder.path().join("etc"), folder.path().join("away"));
    fs::create_dir(&there).unwrap();
    let add = ["user", "add", "alice", "--role", "user", "--people", "etc/people.json"];
    assert!(run(folder.path(), &add, "a good password\n").status.success());
    let server = Running::start(folder.path(), &["--port=0", "--people=etc/people.json"]);
    let mut visitor = Visitor::new(&server.url);
    for (from, to, status) in [(&there, &away, 503), (&away, &there, 200)] {
        fs::rename(from, to).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while visitor.get("/ready").await.unwrap().status != status {
            assert!(std::time::Instant::now() < deadline, "not {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
