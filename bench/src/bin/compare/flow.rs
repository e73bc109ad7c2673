//! A person at a browser, and the client that has sent him: from the page to log in to the token.

use std::{cell::Cell, rc::Rc, time::Instant};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::task::LocalSet;

use crate::{
    http::{Answer, Connection},
    page,
    party::{ASKED, PASSWORD, REDIRECT, RESOURCE, Site, person, runtime},
};

/// Pages and redirects that a flow may have.
const MOST: usize = 12;

/// What a browser keeps. Each flow has a new one.
#[derive(Default)]
struct Cookies(Vec<(String, String)>);

impl Cookies {
    fn keep(&mut self, answer: &Answer) {
        for (name, value) in &answer.cookies {
            self.0.retain(|(other, _)| other != name);
            if !value.is_empty() {
                self.0.push((name.clone(), value.clone()));
            }
        }
    }

    fn header(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let all: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", all.join("; "))
    }
}

/// One flow over a connection of its own; the access token.
pub async fn once(server: &Site, password: &str, resource: &str) -> anyhow::Result<String> {
    flow(&mut server.connect().await?, server, &person(0), password, resource).await
}

async fn flow(
    connection: &mut Connection,
    server: &Site,
    person: &str,
    password: &str,
    resource: &str,
) -> anyhow::Result<String> {
    let [authorize, token, ..] = server.party.paths();
    let (verifier, state) = (random()?, random()?);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let mut query = String::new();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("scope", ASKED),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", resource),
    ] {
        page::add(&mut query, name, value);
    }
    let start = format!("{authorize}?{query}");
    let back = browse(connection, server, &start, (person, password)).await?;
    let said = |name| page::parameter(&back, name);
    ensure!(said("state").as_ref() == Some(&state), "the state is another one: {back}");
    ensure!(said("iss").as_ref() == Some(&server.url), "the issuer is another one: {back}");
    let code = said("code").with_context(|| format!("there is no code: {back}"))?;
    let mut form = String::new();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &verifier),
        ("resource", resource),
    ] {
        page::add(&mut form, name, value);
    }
    let answer = connection.post(token, "", &form).await?;
    ensure!(answer.status == 200, "no token: {} {}", answer.status, answer.body);
    let body: Value = serde_json::from_str(&answer.body)?;
    ensure!(body["scope"] == ASKED && body["token_type"] == "Bearer", "another token: {body}");
    ensure!(body["refresh_token"].is_string(), "there is no refresh token");
    Ok(body["access_token"].as_str().context("there is no access token")?.to_owned())
}

/// Follows redirects and fills in forms, until the client is called; what it is told.
async fn browse(
    connection: &mut Connection,
    server: &Site,
    start: &str,
    (person, password): (&str, &str),
) -> anyhow::Result<String> {
    let mut cookies = Cookies::default();
    let mut answer = connection.get(start, "").await?;
    for _ in 0..MOST {
        cookies.keep(&answer);
        if let Some(location) = &answer.location {
            if let Some(back) = location.strip_prefix(REDIRECT) {
                return Ok(back.trim_start_matches('?').to_owned());
            }
            let path = location.strip_prefix(&server.url).unwrap_or(location);
            answer = connection.get(path, &cookies.header()).await?;
            continue;
        }
        ensure!(answer.status == 200, "a page is {}: {}", answer.status, answer.body);
        let filled = page::fill(&answer.body, person, password)?;
        let path = filled.action.strip_prefix(&server.url).unwrap_or(&filled.action);
        answer = connection.post(path, &cookies.header(), &filled.body).await?;
    }
    bail!("after {MOST} pages the client was not called")
}

fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Flows one after the other on each of so many connections, for so many seconds: how many, in how many seconds, the times that each
/// took, and a token of each connection.
pub struct Flows {
    pub seconds: f64,
    pub micros: Vec<f64>,
    pub tokens: Vec<String>,
}

/// Does it in this thread.
pub fn many(server: &Site, connections: usize, seconds: u64) -> anyhow::Result<Flows> {
    let (begun, all) = (Instant::now(), Rc::new(Cell::new(Vec::new())));
    let limit = std::time::Duration::from_secs(seconds);
    let tokens = LocalSet::new().block_on(&runtime()?, async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..connections {
            // what it needs to know, so that the task borrows nothing
            let (mut connection, all) = (server.connect().await?, all.clone());
            let (server, person) = (server.clone(), person(number));
            tasks.spawn_local(async move {
                let mut last = String::new();
                while begun.elapsed() < limit {
                    let one = Instant::now();
                    last = flow(&mut connection, &server, &person, PASSWORD, RESOURCE).await?;
                    let mut micros = all.take();
                    micros.push(one.elapsed().as_secs_f64() * 1e6);
                    all.set(micros);
                }
                anyhow::Ok(last)
            });
        }
        let mut tokens = Vec::new();
        while let Some(done) = tasks.join_next().await {
            tokens.push(done??);
        }
        anyhow::Ok(tokens)
    })?;
    Ok(Flows { seconds: begun.elapsed().as_secs_f64(), micros: all.take(), tokens })
}
