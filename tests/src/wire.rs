//! What can only the wire show? Bytes that no HTTP library would send, and bytes that never come.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use crate::{Kept, Promise, Target, target::MODERN};

mod bytes;

use bytes::{PATIENCE, connect, discover, exchange, expect, head, hostless, modern};

/// Promises that need a plain HTTP URL, with the step from which they are made.
pub const PROMISES: &[(u8, &[Promise])] = &[(1, ALWAYS), (2, ENDPOINT), (6, DOOR)];

const ALWAYS: &[Promise] = promises! {
    huge_headers_are_431, "B10", "headers of a megabyte get 431, before the server has read them all";
    one_connection_serves_many_requests, "", "requests sent at once on one connection are answered in their order";
    nonsense_is_refused, "", "bytes that are no HTTP get 400, and the next caller is served";
    half_a_request_hurts_nobody, "", "a caller that hangs up in mid-request hurts nobody";
};

const ENDPOINT: &[Promise] = promises! {
    slow_headers_are_cut_off, "B10", "a connection whose headers do not come is closed";
    slow_bodies_are_cut_off, "B10", "a body that does not come gets 408";
    blanks_and_case_of_headers_do_not_matter, "T16", "header names count in any case, blanks around a value do not count";
    the_case_of_values_matters, "T16", "Mcp-Method in another case is 400";
    one_good_host_is_needed, "T2", "no Host, two, or an absolute URL with another name is refused";
    who_is_refused_need_not_send_a_body, "T2", "403, 415 and 413 come before the body";
    chunks_are_counted, "B10", "a body in chunks gets 413 when it passes the limit";
    lengths_must_agree, "", "two different lengths, or a length and chunks that differ, do not smuggle a request";
};

const DOOR: &[Promise] = promises! {
    strangers_need_not_send_a_body, "A3 A6", "400 and 401 come from the headers alone, before the body";
};

/// The promises of steps up to this one.
#[must_use]
pub fn promises(step: u8) -> Vec<&'static Promise> {
    PROMISES.iter().filter(|(from, _)| *from <= step).flat_map(|(_, list)| list.iter()).collect()
}

async fn is_well(t: &Target) -> Kept {
    let head = head(t, "GET", "/health", &["Connection: close"]);
    expect("GET /health", &exchange(t, head.as_bytes()).await?, &[&[200]])
}

async fn huge_headers_are_431(t: &Target) -> Kept {
    let huge = format!("X-Huge: {}", "x".repeat(1 << 20));
    let said = exchange(t, head(t, "GET", "/health", &[&huge]).as_bytes()).await?;
    expect("a header of 1 MiB", &said, &[&[431]])?;
    is_well(t).await
}

async fn one_connection_serves_many_requests(t: &Target) -> Kept {
    let one =
        |id: &str, more: &str| head(t, "GET", "/health", &[&format!("X-Request-Id: {id}"), more]);
    let all = [one("a", "X-More: yes"), one("b", "X-More: yes"), one("c", "Connection: close")];
    let said = exchange(t, all.concat().as_bytes()).await?;
    expect("three requests at once", &said, &[&[200, 200, 200]])?;
    let at: Vec<_> = ["a", "b", "c"]
        .map(|id| said.to_ascii_lowercase().find(&format!("x-request-id: {id}\r\n")))
        .into();
    demand!(
        at.iter().all(Option::is_some) && at.is_sorted(),
        "expected a, b, c in order: {said:?}"
    );
    Ok(())
}

async fn nonsense_is_refused(t: &Target) -> Kept {
    for nonsense in [
        "HELLO\r\n\r\n",
        "GET /health\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
        "GET /health HTTP/1.1\r\nno colon\r\n\r\n",
    ] {
        let said = exchange(t, nonsense.as_bytes()).await?;
        expect(nonsense, &said, &[&[400], &[]])?;
    }
    is_well(t).await
}

async fn half_a_request_hurts_nobody(t: &Target) -> Kept {
    for half in ["GET /hea".to_owned(), modern(t, &["Content-Length: 1000"]) + "{\"jsonrpc\""] {
        let mut stream = connect(t).await?;
        stream.write_all(half.as_bytes()).await.map_err(|error| error.to_string())?;
        drop(stream);
        is_well(t).await?;
    }
    Ok(())
}

async fn slow_headers_are_cut_off(t: &Target) -> Kept {
    for (what, begun) in [("nothing", ""), ("half a head", "GET /health HTTP/1.1\r\nHost: ")] {
        let started = Instant::now();
        let mut stream = connect(t).await?;
        stream.write_all(begun.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut said = Vec::new();
        let closed = timeout(PATIENCE, stream.read_to_end(&mut said)).await.is_ok();
        let after = started.elapsed().as_secs();
        demand!(closed, "{what} was sent, and the connection was still open after {after} s");
    }
    is_well(t).await
}

async fn slow_bodies_are_cut_off(t: &Target) -> Kept {
    let half = modern(t, &["Content-Length: 1000", "Connection: close"]) + "{\"jsonrpc\":";
    expect("half a body", &exchange(t, half.as_bytes()).await?, &[&[408]])?;
    is_well(t).await
}

async fn blanks_and_case_of_headers_do_not_matter(t: &Target) -> Kept {
    let (body, path) = (discover(), t.endpoint_path());
    let length = format!("CONTENT-length:{}", body.len());
    let version = format!("mcp-PROTOCOL-version: \t {MODERN} \t");
    let lines = [
        "content-TYPE:  application/json \t",
        "MCP-METHOD:server/discover  ",
        &version,
        &length,
        "connection:close",
    ];
    let said = exchange(t, (head(t, "POST", path, &lines) + &body).as_bytes()).await?;
    expect("headers in another case, with blanks", &said, &[&[200]])
}

async fn the_case_of_values_matters(t: &Target) -> Kept {
    let body = discover();
    let length = format!("Content-Length: {}", body.len());
    let lines = ["Mcp-Method: SERVER/DISCOVER", &length, "Connection: close"];
    let said = exchange(t, (modern(t, &lines) + &body).as_bytes()).await?;
    expect("Mcp-Method: SERVER/DISCOVER", &said, &[&[400]])?;
    demand!(said.contains("-32020"), "expected the code -32020, got {said:?}");
    Ok(())
}

async fn one_good_host_is_needed(t: &Target) -> Kept {
    let (path, good) = (t.endpoint_path(), format!("Host: {}", t.authority()));
    let close = "Connection: close";
    let none = hostless(t, "GET", path, &[close]) + "\r\n";
    let elsewhere = format!("http://evil.example{path}");
    for (what, head) in [
        ("no Host", none),
        ("an empty Host", head(t, "GET", path, &["Host:", close])),
        ("two Hosts", head(t, "GET", path, &[&good, "Host: evil.example", close])),
        ("two Hosts, the other first", head(t, "GET", path, &["Host: evil.example", &good, close])),
        ("our Host twice", head(t, "GET", path, &[&good, &good, close])),
        ("an absolute URL of another host", head(t, "GET", &elsewhere, &[&good, close])),
    ] {
        expect(what, &exchange(t, head.as_bytes()).await?, &[&[403], &[400]])?;
    }
    let absolute = format!("http://{}/health", t.authority());
    let head = head(t, "GET", &absolute, &[close]);
    expect("an absolute URL of ours", &exchange(t, head.as_bytes()).await?, &[&[200]])
}

async fn who_is_refused_need_not_send_a_body(t: &Target) -> Kept {
    let started = Instant::now();
    for (line, length, status) in [
        ("Origin: http://evil.example", 500_000, 403),
        ("Content-Type: text/plain", 500_000, 415),
        ("Content-Encoding: gzip", 500_000, 415),
        ("Accept: */*", (1 << 20) + 1, 413),
    ] {
        let length = format!("Content-Length: {length}");
        let head = modern(t, &[line, &length, "Connection: close"]);
        let said = exchange(t, head.as_bytes()).await?;
        expect(&format!("{line} and no body"), &said, &[&[status]])?;
    }
    let waited = started.elapsed().as_secs();
    demand!(waited < 4, "four refusals that need no body took {waited} s");
    Ok(())
}

async fn chunks_are_counted(t: &Target) -> Kept {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let head = modern(t, &["Transfer-Encoding: chunked", "Connection: close"]);
    let endless = head.clone() + &chunk.repeat(17); // and no end
    expect("chunks of more than 1 MiB", &exchange(t, endless.as_bytes()).await?, &[&[413]])?;
    let body = discover();
    let fine = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    expect("a body in one chunk", &exchange(t, fine.as_bytes()).await?, &[&[200]])
}

async fn lengths_must_agree(t: &Target) -> Kept {
    let body = discover();
    let length = format!("Content-Length: {}", body.len());
    let two = modern(t, &[&length, "Content-Length: 5", "Connection: close"]) + &body;
    expect("two lengths", &exchange(t, two.as_bytes()).await?, &[&[400], &[]])?;
    // by chunks the body is empty, by length it is a request: only one of them may be answered
    let smuggled = head(t, "GET", "/health", &["Connection: close"]);
    let length = format!("Content-Length: {}", smuggled.len() + 5);
    let both = modern(t, &["Transfer-Encoding: chunked", &length, "Connection: close"]);
    let said = exchange(t, (both + "0\r\n\r\n" + &smuggled).as_bytes()).await?;
    expect("a length and chunks", &said, &[&[400], &[]])
}

async fn strangers_need_not_send_a_body(t: &Target) -> Kept {
    let started = Instant::now();
    let anonymous = t.clone().with_caller(None);
    let length = ["Content-Length: 500000", "Connection: close"];
    for (line, query, status) in [
        ("Accept: */*", "", 401),
        ("Authorization: Bearer nonsense", "", 401),
        ("Authorization: Bearer two words", "", 400),
        ("Accept: */*", "?access_token=x", 400),
    ] {
        let path = format!("{}{query}", t.endpoint_path());
        let lines = [&["Content-Type: application/json", line], &length[..]].concat();
        let head = head(&anonymous, "POST", &path, &lines);
        let said = exchange(&anonymous, head.as_bytes()).await?;
        expect(&format!("{line} {query} and no body"), &said, &[&[status]])?;
    }
    let waited = started.elapsed().as_secs();
    demand!(waited < 4, "four refusals that need no body took {waited} s");
    Ok(())
}
