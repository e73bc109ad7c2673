//! Why did the server not answer with a result? In words, with what to do about it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;

use super::{
    challenge::Challenge,
    client::{Reply, Said},
    target::Target,
    wire::{Answer, Http, Outgoing},
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
    let metadata = challenge.get("resource_metadata");
    let mut servers = Value::Null;
    if let Some(url) = metadata {
        lines.push(format!("  where to get one:  {url}"));
        let (found, more) = read_metadata(http, target, url).await;
        servers = found;
        lines.extend(more.into_iter().map(|line| format!("    {line}")));
    }
    lines.extend(in_log(answer));
    lines.push(match token {
        None => "  give it in the variable MCP_TOKEN, or with --token".into(),
        Some(_) => {
            "  `mcp-auth inspect` says what is in a token, and whether a server here takes it"
                .into()
        }
    });
    if target.is_loopback() && token.is_none() {
        lines.push("  a server of the workshop takes one of: mcp-auth token alice".into());
    }
    Failure::new(Status::Refused, lines.join("\n"))
        .with("error", error)
        .with("scope", challenge.get("scope"))
        .with("resource_metadata", metadata)
        .with("authorization_servers", servers)
}

/// What the metadata of the resource says: the authorization servers, and those in sentences. A server
/// that we do not know is not allowed to choose whom we call: only its own origin is asked.
async fn read_metadata(http: &Http, target: &Target, url: &str) -> (Value, Vec<String>) {
    let there = match url.parse::<Target>() {
        Ok(there) if there.origin() == target.origin() => there,
        Ok(_) => return (Value::Null, vec!["(on another origin, so it was not read)".into()]),
        Err(why) => return (Value::Null, vec![format!("(this is no URL to call: {why})")]),
    };
    let headers = [(ACCEPT, HeaderValue::from_static("application/json"))];
    let headers = headers.into_iter().collect::<HeaderMap>();
    let request = Outgoing { method: Method::GET, target: there, headers, body: None };
    let answer = match http.send(request, &mut |_| true).await {
        Ok(answer) if answer.status.is_success() => answer,
        Ok(answer) => {
            return (Value::Null, vec![format!("(but it answers {})", answer.status.as_u16())]);
        }
        Err(_) => return (Value::Null, vec!["(but it does not answer)".into()]),
    };
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let servers = document["authorization_servers"].as_array().cloned().unwrap_or_default();
    let mut lines: Vec<_> =
        servers.iter().map(|one| format!("authorization server: {}", text(one))).collect();
    if lines.is_empty() {
        lines.push("(but it names no authorization server, as RFC 9728 and MCP demand)".into());
    }
    let called = target.url().as_str();
    if document["resource"] != called {
        let named = text(&document["resource"]);
        lines.push(format!(
            "(it is about {named}, and {} was called: clients refuse that)",
            target.shown()
        ));
    }
    (servers.into(), lines)
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
    let (code, message) = (error["code"].as_i64().unwrap_or_default(), text(&error["message"]));
    let mut lines = vec![format!("the server answers with error {code}: {message}")];
    if let Some(versions) = error["data"]["supported"].as_array() {
        let versions: Vec<_> = versions.iter().map(text).collect();
        lines.push(format!("  it speaks {}; --era chooses", versions.join(", ")));
    }
    if let Some(id) = error["data"]["requestId"].as_str() {
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
    let retry = retry.map(|after| format!("; it asks to wait {after} s")).unwrap_or_default();
    let code = status.as_u16();
    Failure::other(match status {
        StatusCode::NOT_FOUND => {
            format!("there is nothing at {url} (404): is the path right? It is often /mcp")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            format!("{url} takes no POST (405){why}: is this the URL of an MCP endpoint?")
        }
        _ if !status.is_success() => format!("{url} answers {code}{why}{retry}"),
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

fn text(value: &Value) -> String {
    output::line(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The claims of a token that is a JWT; for hints only, nothing is verified here.
fn claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// The scopes that the token says it has.
fn scopes(token: Option<&str>) -> Option<String> {
    let claims = claims(token?)?;
    let list = |value: &Value| {
        let words = value.as_array()?.iter().map(|word| word.as_str().unwrap_or_default());
        Some(words.collect::<Vec<_>>().join(" "))
    };
    let scope = claims.get("scope").or_else(|| claims.get("scopes"))?;
    scope.as_str().map(str::to_owned).or_else(|| list(scope))
}

fn expired(token: Option<&str>) -> bool {
    let expires = token.and_then(claims).and_then(|claims| claims["exp"].as_f64());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    matches!((expires, now), (Some(expires), Ok(now)) if expires <= now.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_token_says_which_scopes_it_has() {
        use serde_json::json;
        for (claims, expected) in [
            (json!({"scope": "a b"}), Some("a b")),
            (json!({"scope": ["a", "b"]}), Some("a b")),
            (json!({"scopes": ["a"]}), Some("a")),
            (json!({"sub": "alice"}), None),
        ] {
            assert_eq!(scopes(Some(&token(&claims))).as_deref(), expected, "{claims}");
        }
        for opaque in ["", "opaque", "a.b.c", "..", "ä.ö.ü"] {
            assert_eq!(scopes(Some(opaque)), None, "{opaque}");
            assert!(!expired(Some(opaque)), "{opaque}");
        }
    }

    #[test]
    fn a_token_whose_time_is_over_is_recognised() {
        use serde_json::json;
        assert!(expired(Some(&token(&json!({"exp": 1_700_000_000})))));
        assert!(!expired(Some(&token(&json!({"exp": 33_000_000_000_u64})))));
        assert!(!expired(Some(&token(&json!({"sub": "alice"})))));
    }
}
