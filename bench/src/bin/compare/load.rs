//! The load of single requests.

use std::{fs, path::Path};

use anyhow::{bail, ensure};
use bench::wrk::{self, Outcome};
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
    pub by: wrk::Load,
}

/// A load at work. It ends by itself, or with this value.
pub struct Working {
    wrk: wrk::Working,
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
        let url = format!("http://{}{path}", site.address);
        let files = [folder.join("forms.txt"), folder.join("answers.txt")];
        let files = files.each_ref().map(|file| file.to_str());
        let [Some(forms), Some(answers)] = files else { bail!("the folder's name is not UTF-8") };
        let host = site.url.trim_start_matches("http://");
        let wrk = self.by.begin(
            "authorization.lua",
            &url,
            &[kind, forms, answers, &basic(client), host],
        )?;
        Ok(Working { wrk, load: self, site: site.clone() })
    }
}

impl Working {
    /// Waits for the end. An answer that is wrong, a connection that broke, a token that is no good or came twice is an error.
    pub fn end(self) -> anyhow::Result<Outcome> {
        let ended = self.wrk.end()?;
        match self.load.kind {
            Kind::Once(count) => {
                ensure!(ended.sent <= count as f64, "{count} tokens are not enough for this load");
            }
            Kind::Program => samples(&ended.text, &self.site)?,
            Kind::Known(_) => {}
        }
        Ok(ended.outcome)
    }
}

/// Of many tokens a resource server looks at some: each must be good, and another one.
fn samples(text: &str, site: &Site) -> anyhow::Result<()> {
    let resource = Resource::of(site)?;
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
