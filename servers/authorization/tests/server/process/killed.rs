//! What becomes of logins when somebody pulls the plug?

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::{CutOff, Running, Visitor, clients, free_port};

/// Kills the server again and again while clients log in, refresh and use things twice. What a client has received stays
/// good; what was used stays used; whoever got no answer begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_pulls_the_plug_takes_nothing_from_anybody_and_gives_nothing_back() {
    let flows: usize = std::env::var("AUTHORIZATION_FLOWS").map_or(60, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    clients(&folder);
    let port = free_port();
    let path = folder.path().to_owned();
    let start = move || {
        Running::start(&path, &["--port", &port, "--clients", "clients.json", "--no-rate-limits"])
    };
    let server = Arc::new(Mutex::new(start()));
    let url = server.lock().unwrap().url.clone();
    let (done, killed) = (Arc::new(AtomicBool::new(false)), server.clone());
    let (is_done, mut kills) = (done.clone(), 0_u64);
    let killer = thread::spawn(move || {
        while !is_done.load(SeqCst) {
            // at another moment of a flow each time
            thread::sleep(Duration::from_millis(40 + kills * 37 % 211));
            let mut server = killed.lock().unwrap();
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            *server = start();
            kills += 1;
        }
        kills
    });

    let mut visitor = Visitor::new(&url);
    let (mut kept, mut cut_off) = (Vec::new(), 0_usize);
    while kept.len() < flows {
        // what was received, and has been used as far as we were told
        let mut used = Vec::new();
        let flow = async {
            let code = visitor.code("local").await?;
            let first = visitor.for_code("local", &code).await?;
            let first = first.expect("a code that was received is good");
            used.push(first.clone());
            let second = visitor.refreshed("local", &first).await?;
            Ok::<_, CutOff>((code, second.expect("a token that was received is good")))
        };
        match flow.await {
            Ok((code, token)) => kept.push((code, used.remove(0), token)),
            Err(CutOff) => {
                cut_off += 1;
                while visitor.get("/health").await.is_err() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
    done.store(true, SeqCst);
    let kills = killer.join().unwrap();
    println!("{flows} flows, {kills} kills, {cut_off} flows were cut off");
    assert!(kills >= 2 && cut_off >= 1, "nothing was tried: {kills} kills, {cut_off} cut off");
    for (number, (code, first, second)) in kept.iter().enumerate() {
        let third = visitor.refreshed("local", second).await.unwrap();
        let third =
            third.unwrap_or_else(|| panic!("flow {number}: a token that was received is gone"));
        let again = match number % 2 {
            0 => visitor.for_code("local", code).await.unwrap(),
            _ => visitor.refreshed("local", first).await.unwrap(),
        };
        assert_eq!(again, None, "flow {number}: what was used is good again");
        let after = visitor.refreshed("local", &third).await.unwrap();
        assert_eq!(
            after, None,
            "flow {number}: the family lives on after something was used twice"
        );
    }
}
