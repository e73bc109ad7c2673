//! Why did the server not answer with a result? In words, with what to do about it.

use reqwest::{StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use super::{
    challenge::Challenge,
    client::{Reply, Said},
    metadata,
    peek::{expired, scopes},
    target::Target,
    wire::{Answer, Http},
};
use crate::{
    exit::{Failure, Status},
    output,
};

/// The failure that this reply means.
pub async fn failure(http: &Http, target: &Target, token: Option<&str>, reply: &Reply) -> Failure {
    let answer = &reply.answer;
    let failure = match (answer.status, &reply.said) {
        (StatusCode::UNAUTHORIZED, _) => refused(http, target, token, answer).await,
        (StatusCode::FORBIDDEN, _) => forbidden(token, answer),
        (status, Said::Error(error)) => method_failed(status, error),
        _ => not_mcp(target, answer),
    };
    failure.with("http", answer.status.as_u16()).with("request_id", request_id(answer))
}

/// 401: what is asked for, and where it can be had.
async fn refused(http: &Http, target: &Target, token: Option<&str>, answer: &Answer) -> Failure {
    let challenge = Challenge::of(&answer.headers);
    let what = match (token, expired(token)) {
        (None, _) => "the server wants a token, and none was sent".to_owned(),
        (Some(_), true) => "the server does not accept the token: its time is over".to_owned(),
        (Some(_), false) => "the server does not accept the token".to_owned(),
    };
    let Some(challenge) = challenge else {
        let text = format!(
            "refused (401): {what}. It does not say what it wants instead: the header \
             WWW-Authenticate is missing, though RFC 9110 §15.5.2 demands it"
        );
        return Failure::new(Status::Refused, text);
    };
    let error = challenge.get("error").or(challenge.get("error_description"));
    let mut lines = vec![format!("refused (401): {what}{}", said(&challenge))];
    if !challenge.scheme.eq_ignore_ascii_case("bearer") {
        lines
            .push(format!("  it asks for the scheme {}, not for a bearer token", challenge.scheme));
    }
    if let Some(scope) = challenge.get("scope") {
        lines.push(format!("  scope to ask for: {scope}"));
    }
    let document = challenge.get("resource_metadata");
    let mut servers = Value::Null;
    if let Some(url) = document {
        lines.push(format!("  where to get one:  {url}"));
        let (found, more) = metadata::read(http, target, url).await;
        servers = found;
        lines.extend(more.into_iter().map(|line| format!("    {line}")));
    }
    lines.extend(in_log(answer));
    // a server that is its own issuer knows no people
    let people = servers[0].as_str().is_some_and(|issuer| !target.shown().starts_with(issuer));
    match token {
        None if people => {
            lines.push(format!("  log in: mcp-auth login {}", target.shown()));
            lines.push("  or give a token in the variable MCP_TOKEN, or with --token".into());
        }
        None => {
            lines.push("  give it in the variable MCP_TOKEN, or with --token".into());
            if target.is_loopback() {
                lines.push("  a server of the workshop takes one of: cargo run --bin mcp-auth -- token alice".into());
            }
        }
        Some(_) => lines.push(
            "  `mcp-auth inspect` says what is in a token, and whether a server here takes it"
                .into(),
        ),
    }
    Failure::new(Status::Refused, lines.join("\n"))
        .with("error", error)
        .with("scope", challenge.get("scope"))
        .with("resource_metadata", document)
        .with("authorization_servers", servers)
}

/// 403: which scope would have been needed.
fn forbidden(token: Option<&str>, answer: &Answer) -> Failure {
    let challenge = Challenge::of(&answer.headers).unwrap_or_default();
    let mut lines = Vec::new();
    if challenge.get("error") == Some("insufficient_scope") {
        let needed = challenge.get("scope").unwrap_or("a scope that the server does not name");
        lines.push(format!("forbidden (403 insufficient_scope): this needs the scope {needed}"));
        if let Some(has) = scopes(token) {
            let has = if has.is_empty() { "no scope".into() } else { has };
            lines.push(format!("  the token has {has}"));
        }
        lines.push(format!("  ask for a token with {needed} and call again"));
    } else {
        let why = oauth_error(answer).unwrap_or_else(|| said(&challenge));
        lines.push(format!("forbidden (403){why}"));
        if token.is_none() {
            lines.push(
                "  no token was sent; a wrong Host or Origin header is answered like this".into(),
            );
        }
    }
    lines.extend(in_log(answer));
    Failure::new(Status::Forbidden, lines.join("\n"))
        .with("error", challenge.get("error"))
        .with("scope", challenge.get("scope"))
        .with("resource_metadata", challenge.get("resource_metadata"))
}

/// A JSON-RPC error.
fn method_failed(status: StatusCode, error: &Value) -> Failure {
    let (code, message) =
        (error["code"].as_i64().unwrap_or_default(), output::text(&error["message"]));
    let mut lines = vec![format!("the server answers with error {code}: {message}")];
    if let Some(versions) = error["data"]["supported"].as_array() {
        let versions: Vec<_> = versions.iter().map(output::text).collect();
        lines.push(format!("  it speaks {}; --era chooses", versions.join(", ")));
    }
    if let Some(id) = error["data"]["requestId"].as_str() {
        let id = output::line(id);
        lines.push(format!("  its log has the cause beside the request id {id}"));
    }
    if !status.is_success() {
        lines.push(format!("  (HTTP status {})", status.as_u16()));
    }
    Failure::other(lines.join("\n")).with("error", error.clone())
}

/// An answer that is not one of MCP.
fn not_mcp(target: &Target, answer: &Answer) -> Failure {
    let (url, status) = (target.shown(), answer.status);
    let why = oauth_error(answer).unwrap_or_default();
    let retry = answer.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let retry = retry.map(|after| match after.parse::<u32>() {
        Ok(seconds) => format!("; it asks to wait {seconds} s"),
        Err(_) => format!("; it asks to wait until {after}"), // a date (RFC 9110 §10.2.3)
    });
    let retry = retry.unwrap_or_default();
    let code = status.as_u16();
    let log = request_id(answer).map(|id| format!("\n  the server's log has it as request {id}"));
    let log = log.unwrap_or_default();
    Failure::other(match status {
        StatusCode::NOT_FOUND => {
            format!("there is nothing at {url} (404): is the path right? It is often /mcp")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("{url} takes no POST (405){why}: is this the URL of an MCP endpoint?")
        }
        _ if !status.is_success() => format!("{url} answers {code}{why}{retry}{log}"),
        _ if answer.streamed => format!("the stream of {url} ended before the answer came"),
        _ => {
            let media_type = Some(answer.media_type()).filter(|media_type| !media_type.is_empty());
            let media_type = media_type.unwrap_or_else(|| "no type of content".into());
            format!(
                "{url} answers {code} with {media_type}, and not with the answer to an MCP request: is \
                 this the URL of an MCP endpoint?"
            )
        }
    })
}

/// The words of a challenge, after a blank.
fn said(challenge: &Challenge) -> String {
    match (challenge.get("error"), challenge.get("error_description")) {
        (Some(error), Some(words)) => format!(" ({error}: {words})"),
        (Some(word), None) | (None, Some(word)) => format!(" ({word})"),
        (None, None) => String::new(),
    }
}

/// The words of a refusal in OAuth's shape, after a colon.
fn oauth_error(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let error = body["error"].as_str()?;
    let words = body["error_description"].as_str().map(|words| format!(", {words}"));
    Some(output::line(&format!(": {error}{}", words.unwrap_or_default())))
}

fn request_id(answer: &Answer) -> Option<&str> {
    answer.headers.get("x-request-id")?.to_str().ok()
}

fn in_log(answer: &Answer) -> Option<String> {
    let id = request_id(answer)?;
    Some(format!("  the server's log has the cause beside the request id {id}"))
}
