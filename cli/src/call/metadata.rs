//! Where is a token to be had? The protected-resource metadata that a challenge points to (RFC 9728).

use reqwest::{
    Method,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde_json::Value;

use super::{
    target::Target,
    wire::{Http, Outgoing},
};
use crate::output;

/// What the metadata of the resource says: the authorization servers, and those in sentences. A server
/// that we do not know is not allowed to choose whom we call: only its own origin is asked.
pub async fn read(http: &Http, target: &Target, url: &str) -> (Value, Vec<String>) {
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
        servers.iter().map(|one| format!("authorization server: {}", output::text(one))).collect();
    if lines.is_empty() {
        lines.push("(but it names no authorization server, as RFC 9728 and MCP demand)".into());
    }
    let called = target.url().as_str();
    if document["resource"] != called {
        let named = output::text(&document["resource"]);
        lines.push(format!(
            "(it is about {named}, and {} was called: clients refuse that)",
            target.shown()
        ));
    }
    (servers.into(), lines)
}
