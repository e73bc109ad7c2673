//! One connection that is kept, with the least that a client of HTTP/1.1 must do: the load must not be what is slow.

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection to a server.
pub struct Connection {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
}

/// What is looked at of an answer.
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    /// Name and value of each cookie that is set.
    pub cookies: Vec<(String, String)>,
    pub body: String,
}

/// The answer's place in what was read, and where it ends.
struct Head {
    answer: Answer,
    body: usize,
    end: usize,
}

impl Connection {
    /// To this address, which is called so.
    pub async fn open(address: &str, host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("there is no server at {address:?}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.to_owned(), read: Vec::new() })
    }

    /// `GET`, with these lines of headers, each with its end.
    pub async fn get(&mut self, target: &str, headers: &str) -> anyhow::Result<Answer> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host);
        self.ask(&request).await
    }

    /// `POST` of a form, with these lines of headers.
    pub async fn post(
        &mut self,
        target: &str,
        headers: &str,
        form: &str,
    ) -> anyhow::Result<Answer> {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            self.host,
            form.len()
        );
        self.ask(&request).await
    }

    async fn ask(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        loop {
            let count = self.stream.read_buf(&mut self.read).await?;
            ensure!(count > 0, "the server has closed the connection");
            let Some(Head { mut answer, body, end }) = head(&self.read)? else { continue };
            if self.read.len() < end {
                continue;
            }
            ensure!(self.read.len() == end, "the answer is longer than it says");
            answer.body = String::from_utf8(self.read[body..].to_vec())?;
            return Ok(answer);
        }
    }
}

fn head(read: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&read[..end])?;
    let status = text.get(9..12).context("there is no status")?.parse()?;
    let mut answer = Answer { status, location: None, cookies: Vec::new(), body: String::new() };
    let mut length = None;
    for line in text.lines().skip(1) {
        let (name, value) = line.split_once(": ").context("a header cannot be read")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.parse::<usize>()?),
            "location" => answer.location = Some(value.to_owned()),
            "set-cookie" => {
                let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
                let (name, value) = pair.context("a cookie cannot be read")?;
                answer.cookies.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    let body = end + 4;
    let end = body + length.context("there is no content-length")?;
    Ok(Some(Head { answer, body, end }))
}
