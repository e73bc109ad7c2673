//! Does a server finish what is in flight, and then go? On Unix, by signals.
#![cfg(unix)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::running::{Server, read_all};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A request whose handler has begun to wait for its body: the server has asked for it.
fn in_flight(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.port(),
        PING.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 12];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    stream
}

fn refuses_connections(server: &Server) -> bool {
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        if TcpStream::connect(("127.0.0.1", server.port())).is_err() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    false
}

#[test]
fn what_is_in_flight_is_finished() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(2, &[]);
        let mut request = in_flight(&server);
        server.signal(signal);
        server.stderr.wait_for(|line| line.contains("stopping"));
        assert!(refuses_connections(&server), "{signal}: new connections are still taken");
        request.write_all(PING.as_bytes()).unwrap();
        let said = read_all(&mut request);
        assert!(said.contains("200 OK") && said.contains("\"result\""), "{signal}: {said}");
        let (status, took, _, log) = server.ended();
        assert_eq!(status.code(), Some(0), "{signal}: {log:#?}");
        assert!(took < Duration::from_secs(5), "{signal}: it took {took:?}");
    }
}

#[test]
fn connections_without_a_request_do_not_hold_the_stop() {
    for step in [1, 2] {
        let server = Server::start(step, &[]);
        let fresh = server.connect();
        let mut idle = server.connect();
        let get = format!("GET /health HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.port());
        idle.write_all(get.as_bytes()).unwrap();
        let mut answer = [0; 15];
        idle.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        server.signal("TERM");
        let (status, took, _, log) = server.ended();
        assert_eq!(status.code(), Some(0), "step {step}: {log:#?}");
        assert!(took < Duration::from_secs(5), "step {step}: it took {took:?}");
        drop((fresh, idle));
    }
}

#[test]
fn what_is_never_finished_is_left_after_ten_seconds() {
    let server = Server::start(2, &["--body-timeout", "60"]);
    let request = in_flight(&server);
    server.signal("TERM");
    let (status, took, _, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    let fits = (Duration::from_secs(9)..Duration::from_secs(15)).contains(&took);
    assert!(fits, "about 10 s were expected, it took {took:?}");
    assert!(log.iter().any(|line| line.contains("unfinished")), "{log:#?}");
    drop(request);
}

#[test]
fn over_the_limit_of_requests_there_is_503() {
    let server = Server::start(2, &["--max-requests", "1"]);
    let mut first = in_flight(&server);
    assert!(server.get("/health").contains("200 OK"), "a busy server is healthy");
    let second = server.get("/mcp");
    assert!(
        second.contains("503") && second.to_ascii_lowercase().contains("retry-after"),
        "{second}"
    );
    first.write_all(PING.as_bytes()).unwrap();
    let mut answer = [0; 15];
    let mut rest = [0; 4]; // what ends the interim answer
    first.read_exact(&mut [0; 9]).unwrap(); // " Continue"
    first.read_exact(&mut rest).unwrap();
    first.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let again = server.get("/mcp");
    assert!(again.contains("405"), "the place was not given back: {again}");
}

#[test]
fn over_the_limit_of_connections_nobody_is_accepted() {
    let server = Server::start(2, &["--max-connections", "1"]);
    let mut first = server.connect();
    let get = format!("GET /health HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.port());
    first.write_all(get.as_bytes()).unwrap();
    let mut answer = [0; 15];
    first.read_exact(&mut answer).unwrap();
    let mut second = server.connect();
    second.write_all(get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let waiting = second.read(&mut answer).unwrap_err().kind();
    assert!(matches!(waiting, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    drop(first);
    second.set_read_timeout(Some(crate::running::PATIENCE)).unwrap();
    assert!(read_all(&mut second).contains("200 OK"), "the place was not given back");
}
