//! One call of a tool over a connection that is kept, and whether its answer is right.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// The call: `echo` of "hello", as clients of the current revision send it.
pub const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// Status and body of an answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Calls with this token.
pub fn call(stream: &mut TcpStream, token: &str) -> anyhow::Result<Answer> {
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes())?;
    answer(stream)
}

fn answer(stream: &mut TcpStream) -> anyhow::Result<Answer> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        ensure!(count > 0, "the server has closed the connection");
        read.extend_from_slice(&buffer[..count]);
        let text = std::str::from_utf8(&read)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let status = head.get(9..12).context("there is no status")?.parse()?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.context("there is no content-length")?.parse::<usize>()? {
            return Ok(Answer { status, body: body.to_owned() });
        }
    }
}

/// The tool has said "hello".
pub fn is_good(answer: &Answer) -> anyhow::Result<()> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let said = body.pointer("/result/content/0/text").and_then(Value::as_str);
    ensure!(
        answer.status == 200 && said == Some("hello"),
        "a good token got {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

/// The token was refused, as OAuth says it.
pub fn is_refused(answer: &Answer) -> anyhow::Result<()> {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    ensure!(
        answer.status == 401 && body["error"] == "invalid_token",
        "a bad token got {} {}",
        answer.status,
        answer.body
    );
    Ok(())
}
