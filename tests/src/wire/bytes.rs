//! How are bytes sent that no HTTP library would send?

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{Kept, Target, target::MODERN};

/// How long a server may let somebody dawdle.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// The most that is read of an answer.
pub(super) const MAX_READ: usize = 1 << 20;

/// The head of a request with these further lines, and the end of it.
pub(super) fn head(t: &Target, method: &str, path: &str, lines: &[&str]) -> String {
    let host = if lines.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        String::new()
    } else {
        format!("Host: {}\r\n", t.authority())
    };
    format!("{}{host}{}", hostless(t, method, path, lines), "\r\n")
}

/// The same without a `Host`, and without its end.
pub(super) fn hostless(t: &Target, method: &str, path: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let token = t.caller.as_ref().map(|token| format!("Authorization: Bearer {}\r\n", token.0));
    format!("{method} {path} HTTP/1.1\r\n{lines}{}", token.unwrap_or_default())
}

pub(super) async fn connect(t: &Target) -> Result<TcpStream, String> {
    let address = t.wire().ok_or("this needs a URL that begins with http://")?;
    let connecting = timeout(PATIENCE, TcpStream::connect(&address)).await;
    let stream = connecting.map_err(|_| format!("no connection to {address}"))?;
    stream.map_err(|error| format!("no connection to {address}: {error}"))
}

/// Sends bytes and reads until the server closes, or has said as much as fits. The request must ask for the
/// connection to be closed, or be one that the server closes of itself.
pub(super) async fn exchange(t: &Target, bytes: &[u8]) -> Result<String, String> {
    let (mut reader, mut writer) = connect(t).await?.into_split();
    // a server may answer and close before it has read everything, so writing may fail
    let writing = async { drop(writer.write_all(bytes).await) };
    let mut said = Vec::new();
    let reading = async {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut chunk).await {
            said.extend_from_slice(&chunk[..read]);
            if said.len() > MAX_READ {
                break;
            }
        }
    };
    let both = timeout(PATIENCE, async { tokio::join!(writing, reading) }).await;
    let said = String::from_utf8_lossy(&said).into_owned();
    demand!(
        both.is_ok(),
        "the connection was open after {} s, having said {said:?}",
        PATIENCE.as_secs()
    );
    Ok(said)
}

/// The statuses of answers that came one after the other.
pub(super) fn statuses(said: &str) -> Vec<u16> {
    let lines = said.split("HTTP/1.").skip(1);
    lines.filter_map(|answer| answer.get(2..5)?.parse().ok()).collect()
}

pub(super) fn expect(what: &str, said: &str, allowed: &[&[u16]]) -> Kept {
    let came = statuses(said);
    demand!(
        allowed.contains(&&came[..]),
        "{what}: expected one of {allowed:?}, got {came:?} {said:?}"
    );
    Ok(())
}

/// The head of a good `server/discover`, whose body is [`discover`].
pub(super) fn modern(t: &Target, lines: &[&str]) -> String {
    let version = format!("MCP-Protocol-Version: {MODERN}");
    let own = ["Content-Type: application/json", "Mcp-Method: server/discover", &version];
    let own: Vec<_> =
        own.into_iter().filter(|own| !lines.iter().any(|l| same_name(l, own))).collect();
    head(t, "POST", t.endpoint_path(), &[&own[..], lines].concat())
}

pub(super) fn same_name(one: &str, other: &str) -> bool {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    name(one) == name(other)
}

pub(super) fn discover() -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"_meta": meta});
    json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": params}).to_string()
}
