//! The load of single requests: wrk on a core of its own, which looks at every answer.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use bench::process::CORES;
use serde_json::Value;

use crate::{
    flow, page,
    party::{ASKED, OPAQUE, PASSWORD, RESOURCE, Site, Who, basic, program_form, runtime},
    proof::Resource,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token for a program (`client_credentials`).
    Program,
    /// What is known of a token of a person; so many tokens, one after the other, and again.
    Known(usize),
    /// The same of so many tokens of a program, of which each is asked about once.
    Once(usize),
}

/// A load for one server.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub kind: Kind,
    pub connections: usize,
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub requests: f64,
    pub seconds: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
}

/// wrk at work. It ends by itself, or with this value.
pub struct Working {
    child: Option<Child>,
    load: Load,
    site: Site,
}

/// Requests, and what the answers must be, in two files.
pub fn prepare(kind: Kind, site: &Site, folder: &Path) -> anyhow::Result<String> {
    let ask = |token: &str| {
        let mut form = String::new();
        page::add(&mut form, "token", token);
        form
    };
    let (mut forms, mut answers) = (Vec::new(), Vec::new());
    match kind {
        Kind::Program => {
            forms.push(program_form());
            answers.push(ASKED.to_owned());
        }
        Kind::Known(count) => {
            let resource = if site.party.who == Who::Theirs { OPAQUE } else { RESOURCE };
            let headers = format!("Authorization: {}\r\n", basic(RESOURCE));
            for _ in 0..count {
                let token = runtime()?.block_on(flow::once(site, PASSWORD, resource))?;
                let form = ask(&token);
                let answer = async {
                    site.connect().await?.post(site.party.paths()[2], &headers, &form).await
                };
                let answer = runtime()?.block_on(answer)?;
                let body: Value = serde_json::from_str(&answer.body)?;
                let is_right = body["active"] == true
                    && body["aud"] == resource
                    && body["scope"] == ASKED
                    && body["client_id"] == "app";
                ensure!(answer.status == 200 && is_right, "{} {body}", answer.status);
                forms.push(form);
                answers.push(answer.body);
            }
        }
        Kind::Once(count) => {
            for _ in 0..count {
                forms.push(ask(&runtime()?.block_on(site.program_token())?));
            }
            answers.push(ASKED.to_owned());
        }
    }
    fs::write(folder.join("forms.txt"), forms.join("\n"))?;
    Ok(answers.join("\n"))
}

impl Load {
    /// Begins, and takes every answer but these for a wrong one.
    pub fn expecting(self, site: &Site, folder: &Path, expected: &str) -> anyhow::Result<Working> {
        fs::write(folder.join("answers.txt"), expected)?;
        let (kind, path, client) = match self.kind {
            Kind::Program => ("program", site.party.paths()[1], "program"),
            Kind::Known(_) => ("known", site.party.paths()[2], RESOURCE),
            Kind::Once(_) => ("once", site.party.paths()[2], RESOURCE),
        };
        let child = Command::new("taskset")
            .args(["-c", CORES.1, "wrk", "-t1", "--timeout", "5s", "--latency"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .arg("-s")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("authorization.lua"))
            .arg(format!("http://{}{path}", site.address))
            .args(["--", kind])
            .args([folder.join("forms.txt"), folder.join("answers.txt")])
            .args([&basic(client), site.url.trim_start_matches("http://")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("taskset (package util-linux) cannot be started")?;
        Ok(Working { child: Some(child), load: self, site: site.clone() })
    }
}

impl Working {
    /// Waits for the end. An answer that is wrong, a connection that broke, a token that is no good or came twice is an error.
    pub fn end(mut self) -> anyhow::Result<Outcome> {
        let output = self.child.take().context("the load was not begun")?.wait_with_output()?;
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line = line.with_context(|| format!("wrk did not finish: {errors}{text}"))?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [requests, micros, sent, wrong, broken, p50, p99] = numbers[..] else {
            anyhow::bail!("wrk said {line:?}");
        };
        let example = text.lines().find_map(|line| line.strip_prefix("WRONG ")).unwrap_or("?");
        ensure!(wrong == 0.0, "{wrong} of {requests} answers are wrong: {example}");
        ensure!(broken == 0.0, "{broken} requests failed, of {requests}");
        ensure!(requests > 0.0, "nothing was answered");
        match self.load.kind {
            Kind::Once(count) => {
                ensure!(sent <= count as f64, "{count} tokens are not enough for this load");
            }
            Kind::Program => self.samples(&text)?,
            Kind::Known(_) => {}
        }
        Ok(Outcome { requests, seconds: micros / 1e6, p50, p99 })
    }

    /// Of many tokens a resource server looks at some: each must be good, and another one.
    fn samples(&self, text: &str) -> anyhow::Result<()> {
        let resource = Resource::of(&self.site)?;
        let samples = text.lines().filter_map(|line| line.strip_prefix("SAMPLE "));
        let names = samples.map(|token| resource.check(token, "program"));
        let mut names: Vec<_> = names.collect::<Result<_, _>>()?;
        let count = names.len();
        ensure!(count > 0, "no token was looked at");
        names.sort();
        names.dedup();
        ensure!(names.len() == count, "a token was given twice");
        Ok(())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
