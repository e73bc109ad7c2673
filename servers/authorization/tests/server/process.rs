//! The program itself: started, asked, killed, and started again.

mod commands;
#[cfg(target_os = "linux")]
mod full;
mod killed;
#[cfg(target_os = "linux")]
mod memory;
mod owners;
mod people;
mod registry;
mod serving;
mod texts;
mod unread;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::world::{Answer, LOCAL, VERIFIER, encoded, request};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authorization"));
    command.args(arguments).current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a program that fails before it reads has closed its end
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            let _ = child.kill(); // it serves, where it should have said why it does not
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// A server that ends with this value.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder, arguments);
        Self::of(command.stdout(Stdio::piped()).stderr(Stdio::null()))
    }

    /// One whose standard output is ours.
    fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "it did not start: {url:?}");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // as `kill -9` does
        let _ = self.child.wait();
    }
}

/// A browser and a client in one.
struct Visitor {
    http: reqwest::Client,
    url: String,
    cookie: Option<String>,
}

/// The server went away before it answered.
#[derive(Debug)]
struct CutOff;

impl Visitor {
    fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { http, url: url.to_owned(), cookie: None }
    }

    async fn sent(&mut self, request: reqwest::RequestBuilder) -> Result<Answer, CutOff> {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let answer = request.send().await.map_err(|_| CutOff)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(|_| CutOff)?;
        if let Some(set) = headers.get("set-cookie") {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        Ok(Answer { status, headers, text })
    }

    async fn get(&mut self, path: &str) -> Result<Answer, CutOff> {
        let request = self.http.get(format!("{}{path}", self.url));
        self.sent(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, CutOff> {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.sent(request.body(encoded(fields))).await
    }

    /// Fills in this page to log in.
    async fn log_in(
        &mut self,
        page: &Answer,
        name: &str,
        password: &str,
    ) -> Result<Answer, CutOff> {
        let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
        let fields =
            [("request", &*request), ("csrf", &csrf), ("username", name), ("password", password)];
        self.post("/login", &fields).await
    }

    /// A code: logs in where that is asked, and says yes.
    async fn code(&mut self, client: &str) -> Result<String, CutOff> {
        let path = request(client, LOCAL, &[]);
        let mut page = self.get(&path).await?;
        if page.text.contains("Password") {
            self.log_in(&page, "mcp-user", "user123").await?;
            page = self.get(&path).await?;
        }
        let (request, csrf) = (page.hidden("request"), page.hidden("csrf"));
        let fields = [("request", &*request), ("csrf", &csrf), ("decision", "allow")];
        let answer = self.post("/consent", &fields).await?;
        Ok(answer.parameter("code").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text)))
    }

    /// The refresh token for a code or an earlier one; `None` when that is refused.
    async fn tokens(
        &mut self,
        client: &str,
        grant: &str,
        name: &str,
        value: &str,
    ) -> Result<Option<String>, CutOff> {
        let fields = [
            ("grant_type", grant),
            (name, value),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ];
        let answer = self.post("/token", &fields).await?;
        match answer.status {
            200 => Ok(Some(answer.json()["refresh_token"].as_str().unwrap().to_owned())),
            400 if answer.json()["error"] == "invalid_grant" => Ok(None),
            _ => panic!("{} {}", answer.status, answer.text),
        }
    }

    async fn for_code(&mut self, client: &str, code: &str) -> Result<Option<String>, CutOff> {
        self.tokens(client, "authorization_code", "code", code).await
    }

    async fn refreshed(&mut self, client: &str, token: &str) -> Result<Option<String>, CutOff> {
        self.tokens(client, "refresh_token", "refresh_token", token).await
    }
}

fn clients(folder: &TempDir) {
    let list = format!(r#"[{{"client_id": "local", "redirect_uris": ["{LOCAL}"]}}]"#);
    std::fs::write(folder.path().join("clients.json"), list).unwrap();
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}
