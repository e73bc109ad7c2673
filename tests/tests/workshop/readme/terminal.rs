//! Who types the commands of a document? A terminal in an empty folder, which knows where the programs lie.
//!
//! A document says port 9000, and 9100 for the authorization server. Here each document has ports of its own: they are put
//! in where a command says those, and taken out of what comes back.

use std::{net::TcpListener, path::PathBuf, process::Command as Process};

use tempfile::TempDir;

use super::{
    console::Running,
    document::{Command, root},
    matcher,
};
use crate::binaries;

/// The ports that documents name, and the variables that say which they are here.
const NAMED: [(&str, &str); 2] = [("9000", "MCP_PORT"), ("9100", "AUTHORIZATION_PORT")];

/// A terminal, and the server that runs in another one.
pub struct Terminal {
    folder: TempDir,
    ports: [String; 2],
    server: Option<(String, Running)>,
    /// How many lines the server's console had before the latest block.
    seen: usize,
}

impl Terminal {
    /// A terminal in a folder that looks like a fresh clone: keys land in `.workshop` beside `Cargo.lock`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.lock"), "").unwrap();
        std::fs::write(folder.path().join(".curlrc"), "silent\nshow-error\n").unwrap();
        let free = NAMED.map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let ports = free.map(|listener| listener.local_addr().unwrap().port().to_string());
        Self { folder, ports, server: None, seen: 0 }
    }

    /// A block begins: what the server's console says from here on belongs to it.
    pub fn begin(&mut self) {
        self.seen = self.server.as_ref().map_or(0, |(_, server)| server.lines().len());
    }

    /// Types a command and compares what it prints.
    pub fn run(&mut self, command: &Command) -> Result<(), String> {
        let typed = command.typed.as_str();
        if let Some(rest) = typed.strip_prefix("cargo run -p step") {
            let (step, arguments) = rest.split_once(" -- ").unwrap_or((rest, ""));
            return self.serve(typed, &format!("step{step}"), arguments, &command.output);
        }
        if let Some(rest) = typed.strip_prefix("cargo run -p mcp-auth-server") {
            let arguments = rest.strip_prefix(" -- ").unwrap_or(rest);
            return self.serve(typed, "authorization", arguments, &command.output);
        }
        let process = if is_shell(typed) { self.shell(typed) } else { self.program(typed)? };
        let (lines, _) = Running::start(process).end();
        matcher::compare(&command.output, &self.as_documented(&lines))
    }

    /// Starts a server, in the other terminal, where one that was started otherwise is stopped before. A start
    /// that shows no URL is one that fails.
    fn serve(
        &mut self,
        typed: &str,
        program: &str,
        arguments: &str,
        output: &[String],
    ) -> Result<(), String> {
        let mut process = self.process(&binaries::path(program));
        process.args(self.words(arguments)?);
        if !output.iter().any(|line| line.starts_with("http")) {
            return matcher::compare(output, &self.as_documented(&Running::start(process).end().0));
        }
        if self.server.as_ref().is_some_and(|(running, _)| running != typed) {
            self.server = None;
        }
        let server = Running::start(process);
        let started = |lines: &[String]| matcher::begins(output, &self.as_documented(lines));
        let lines = server.wait_for(started);
        if !started(&lines) {
            return matcher::compare(output, &self.as_documented(&lines));
        }
        self.server = Some((typed.to_owned(), server));
        Ok(())
    }

    /// Compares what the server's console says since the latest block began. `^C` at the beginning
    /// of a line presses Ctrl-C first, and the server has to end well.
    pub fn log(&mut self, expected: &[String]) -> Result<(), String> {
        let mut expected = expected.to_vec();
        let stop = expected[0].starts_with("^C");
        if stop {
            self.begin();
            expected[0] = expected[0].trim_start_matches("^C").to_owned();
        }
        let seen = self.seen;
        let (_, server) = self.server.as_ref().ok_or("no server runs")?;
        let fits =
            |lines: &[String]| matcher::compare(&expected, &self.as_documented(&lines[seen..]));
        if !stop {
            return fits(&server.wait_for(|lines| fits(lines).is_ok()));
        }
        #[cfg(unix)]
        {
            server.interrupt();
            let server = self.server.take().map(|(_, server)| server).ok_or("no server runs")?;
            let (lines, well) = server.end();
            self.seen = 0;
            matcher::compare(&expected, &self.as_documented(&lines[seen..]))?;
            if !well {
                return Err("the server ended with a status that says otherwise".into());
            }
        }
        #[cfg(not(unix))]
        {
            self.server = None; // there is no Ctrl-C for a process without a console
        }
        Ok(())
    }

    /// One of the workspace's programs, with its arguments.
    fn program(&mut self, typed: &str) -> Result<Process, String> {
        let known = [
            ("cargo run --bin mcp-auth -- ", "mcp-auth"),
            ("cargo run -q --bin mcp-auth -- ", "mcp-auth"),
            ("cargo run -p workshop-tests --bin verify -- ", "verify"),
        ];
        let known = known.iter().find_map(|(start, name)| Some((typed.strip_prefix(start)?, name)));
        let (arguments, name) = known.ok_or_else(|| format!("nobody here runs: {typed}"))?;
        let mut process = self.process(&binaries::path(name));
        process.args(self.words(arguments)?);
        Ok(process)
    }

    /// A line for bash: the programs of the workspace are on its path.
    fn shell(&self, typed: &str) -> Process {
        let mut process = self.process(&PathBuf::from("bash"));
        let tool = binaries::path("mcp-auth");
        let typed = typed.replace("cargo run -q --bin mcp-auth --", &tool.display().to_string());
        process.args(["-c", &self.as_here(&typed)]);
        if typed.contains("scripts/") {
            process.current_dir(root());
        }
        process
    }

    fn process(&self, program: &PathBuf) -> Process {
        let mut process = Process::new(program);
        process.current_dir(self.folder.path()).env("NO_COLOR", "1");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("MCP_") || text.starts_with("AUTHORIZATION_") || text == "RUST_LOG"
            {
                process.env_remove(name);
            }
        }
        process.envs(NAMED.map(|(_, variable)| variable).into_iter().zip(&self.ports));
        process.env("MCP_LOGIN_PORT", &self.ports[1]);
        process.env("XDG_CONFIG_HOME", self.folder.path()); // no login of whoever runs this
        process.env("BROWSER", root().join("tests/clients/browser.py"));
        process.env("CURL_HOME", self.folder.path());
        process
    }

    /// Splits arguments as a shell does: quotes, and `$(…)` for what a command prints.
    fn words(&mut self, typed: &str) -> Result<Vec<String>, String> {
        let typed = self.as_here(typed);
        let (mut words, mut word, mut quote, mut rest) = (Vec::new(), None, None, typed.as_str());
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '$' if quote != Some('\'') && rest.starts_with('(') => {
                    let (inner, after) = rest[1..].split_once(')').ok_or("`$(` does not end")?;
                    let printed = self.program(inner)?.output().map_err(|e| e.to_string())?;
                    if !printed.status.success() {
                        return Err(format!(
                            "{inner}: {}",
                            String::from_utf8_lossy(&printed.stderr)
                        ));
                    }
                    let printed = String::from_utf8_lossy(&printed.stdout);
                    word.get_or_insert_with(String::new).push_str(printed.trim());
                    rest = after;
                }
                '"' | '\'' if quote.is_none() => {
                    quote = Some(c);
                    word.get_or_insert_with(String::new);
                }
                c if quote == Some(c) => quote = None,
                ' ' if quote.is_none() => words.extend(word.take()),
                c => word.get_or_insert_with(String::new).push(c),
            }
        }
        words.extend(word);
        if quote.is_some() { Err(format!("a quote does not end: {typed}")) } else { Ok(words) }
    }

    fn as_here(&self, typed: &str) -> String {
        let ports = NAMED.iter().zip(&self.ports);
        ports.fold(typed.to_owned(), |typed, ((named, _), port)| typed.replace(named, port))
    }

    fn as_documented(&self, lines: &[String]) -> Vec<String> {
        let line = |line: &String| {
            let ports = NAMED.iter().zip(&self.ports);
            let line =
                ports.fold(line.clone(), |line, ((named, _), port)| line.replace(port, named));
            let path = cfg!(windows) && line.contains(".workshop");
            if path { line.replace('\\', "/") } else { line } // documents have paths of Unix
        };
        lines.iter().map(line).collect()
    }
}

/// Does a command need more than Rust?
pub fn is_shell(typed: &str) -> bool {
    let first = typed.split(' ').next().unwrap_or_default();
    matches!(first, "curl" | "npx" | "bash") || first.starts_with("scripts/") || logs_in(typed)
}

/// Does somebody log in, or end that? Python plays the browser (tests/clients/browser.py), and `jq` reads a secret.
fn logs_in(typed: &str) -> bool {
    typed.contains(" mcp-auth -- login ") || typed.contains(" mcp-auth -- logout ")
}
