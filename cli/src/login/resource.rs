//! Whose tokens does this server take? Its challenge, and the metadata of the protected resource (RFC 9728).

use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use serde_json::Map;

use super::{
    address,
    trace::Party,
    web::{self, Web},
};
use crate::{
    call::{
        challenge::Challenge,
        client::Client,
        target::Target,
        wire::{Answer, Http},
    },
    exit::Failure,
    output,
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What is known of a server from the outside.
pub struct Resource {
    /// Its name, as it writes it: what a token must be for (RFC 8707).
    pub name: String,
    /// Who issues tokens for it.
    issuers: Vec<String>,
    /// What to ask for: what it says now, else what it says of itself; else nothing.
    pub scope: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    scopes_supported: Option<Vec<String>>,
}

impl Resource {
    /// Asks the server itself: without a token, and then for its metadata.
    pub async fn find(web: &Web, target: &Target) -> Result<Self, Failure> {
        let mut client =
            Client::new(Http::new(target, web.time, None, Vec::new())?, target.clone(), None)?;
        let reply = client.post("server/discover", Map::new(), HeaderMap::new()).await;
        let status = reply.as_ref().ok().map(|reply| reply.answer.status);
        let why = "call without a token, to be told where to get one";
        let what = format!("POST {}", target.path());
        web.trace.exchange([Party::Us, Party::Server], &what, status, why);
        let reply = reply?;
        let refused = reply.answer.status == StatusCode::UNAUTHORIZED;
        let challenge = Challenge::of(&reply.answer.headers).filter(|_| refused);
        let challenge = challenge.unwrap_or_default();
        let Some((document, at)) = fetch(web, target, challenge.get("resource_metadata")).await?
        else {
            return Err(match client.result(reply).await {
                Ok(_) => Failure::other(format!(
                    "{} asks nobody for a token, and says nowhere where to get one: call it without a login",
                    target.shown()
                )),
                Err(failure) if !refused => failure,
                Err(_) => Failure::other(format!(
                    "{} wants a token and does not say where to get one: there is no resource_metadata in its \
                     challenge, and no document at {WELL_KNOWN} (RFC 9728)",
                    target.shown()
                )),
            });
        };
        if !is_about(&document, target) {
            // or a server could have us fetch a token for another one, and have it sent to itself (RFC 9728 §3.3)
            return Err(Failure::other(format!(
                "the metadata at {} is about {}, and not about {}: a token for the one is not for the other; if \
                 that is the server that you mean, log in there",
                at.shown(),
                output::line(&document.resource),
                target.shown()
            )));
        }
        let supported = document.scopes_supported.map(|scopes| scopes.join(" "));
        let scope = challenge.get("scope").map(str::to_owned).or(supported);
        Ok(Self { name: document.resource, issuers: document.authorization_servers, scope })
    }

    /// The issuer to log in at: the one that is wanted, else the only one.
    pub fn issuer(&self, wanted: Option<&str>) -> Result<&str, Failure> {
        let all =
            || self.issuers.iter().map(|one| output::line(one)).collect::<Vec<_>>().join(", ");
        match (wanted, &self.issuers[..]) {
            (_, []) => Err(Failure::other(format!(
                "{} names no authorization server in its metadata, as RFC 9728 and MCP demand",
                output::line(&self.name)
            ))),
            (None, [only]) => Ok(only),
            (None, _) => Err(Failure::usage(format!(
                "the server takes tokens of several issuers: choose one with --issuer: {}",
                all()
            ))),
            (Some(wanted), issuers) => {
                issuers.iter().map(String::as_str).find(|one| *one == wanted).ok_or_else(|| {
                    Failure::usage(format!(
                        "the server takes tokens of {}, and not of {wanted}",
                        all()
                    ))
                })
            }
        }
    }
}

/// The document at the address that the server has named, else at one of the two where it should be (A2).
async fn fetch(
    web: &Web,
    target: &Target,
    named: Option<&str>,
) -> Result<Option<(Document, Target)>, Failure> {
    let why = "whose tokens does the server take?";
    let what = "metadata of a protected resource (RFC 9728)";
    if let Some(named) = named {
        let at = address::of(named, "resource_metadata", target)?;
        let answer = web.get(Party::Server, &at, why).await?;
        if answer.status != StatusCode::OK {
            return Err(Failure::other(format!(
                "{} should have the server's metadata, and answers {}",
                at.shown(),
                answer.status.as_u16()
            )));
        }
        return Ok(Some((web::read(&answer, &at, what)?, at)));
    }
    let (origin, url) = (target.origin(), target.url());
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut places = vec![format!("{origin}{WELL_KNOWN}{path}{query}")];
    if !path.is_empty() {
        places.push(format!("{origin}{WELL_KNOWN}"));
    }
    for place in places {
        let at = address::of(&place, "metadata of the server", target)?;
        let answer: Answer = web.get(Party::Server, &at, why).await?;
        if answer.status == StatusCode::OK {
            return Ok(Some((web::read(&answer, &at, what)?, at)));
        }
    }
    Ok(None)
}

/// Is it about the server that was asked (A1)? Spellings of one URL are one: upper case in the host, the port of the
/// scheme, the slash of a URL without a path (A12); another path is another server.
fn is_about(document: &Document, target: &Target) -> bool {
    document.resource.parse::<Target>().is_ok_and(|named| named.url() == target.url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_about_the_server_that_was_asked() {
        let about = |resource: &str, url: &str| {
            let resource = resource.to_owned();
            let document =
                Document { resource, authorization_servers: vec![], scopes_supported: None };
            is_about(&document, &url.parse().unwrap())
        };
        for (resource, url) in [
            ("https://a.example/mcp", "https://a.example/mcp"),
            ("https://A.example:443/mcp", "https://a.example/mcp"),
            ("https://a.example", "https://a.example/"),
        ] {
            assert!(about(resource, url), "{resource} {url}");
        }
        for (resource, url) in [
            ("https://a.example/mcp/", "https://a.example/mcp"),
            ("https://a.example", "https://a.example/mcp"),
            ("https://a.example/MCP", "https://a.example/mcp"),
            ("https://b.example/mcp", "https://a.example/mcp"),
            ("http://a.example/mcp", "https://a.example/mcp"),
            ("https://a.example:8443/mcp", "https://a.example/mcp"),
            ("https://a.example/mcp?x", "https://a.example/mcp"),
            ("a.example/mcp", "https://a.example/mcp"),
            ("", "https://a.example/mcp"),
        ] {
            assert!(!about(resource, url), "{resource} {url}");
        }
    }
}
