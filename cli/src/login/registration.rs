//! How does this command make itself known to an issuer that has never heard of it? (RFC 7591)

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Client, Origin},
    issuer::Issuer,
    web::{self, Web},
};
use crate::{exit::Failure, output};

/// Where a browser comes back to, in the words of those who ignore the port (RFC 8252 §7.3).
pub const ANY_PORT: &str = "http://127.0.0.1/callback";

#[derive(Deserialize)]
struct Answer {
    client_id: String,
    client_secret: Option<String>,
    #[serde(default)]
    client_secret_expires_at: i64,
    token_endpoint_auth_method: Option<String>,
}

/// Registers this command, to be answered at this port. No scope is named: an issuer would keep the client to it, and a
/// later login could ask for no more.
pub async fn register(web: &Web, issuer: &Issuer, port: u16) -> Result<Client, Failure> {
    let name = output::line(&issuer.name);
    let Some(endpoint) = &issuer.registration else {
        return Err(Failure::other(format!(
            "{name} does not let programs register themselves: ask its administrator for a public client with the \
             redirect URI {ANY_PORT}, and log in with --client-id ID"
        )));
    };
    let wish = json!({
        "client_name": "mcp-auth",
        // without a port for issuers that then take any, with it for those that compare letter by letter
        "redirect_uris": [ANY_PORT, redirect(port)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none", // whoever has this program has its secrets (RFC 8252 §8.5)
        "application_type": "native",
    });
    let answer = web.json(endpoint, &wish, "make this command known").await?;
    if !matches!(answer.status, StatusCode::CREATED | StatusCode::OK) {
        return Err(Failure::other(format!(
            "{name} does not register this command ({}); a client that an administrator has made is named with \
             --client-id ID",
            web::refusal(&answer).1
        )));
    }
    let answer: Answer = web::read(&answer, endpoint, "the answer to a registration (RFC 7591)")?;
    Ok(Client {
        id: answer.client_id,
        secret: answer.client_secret,
        origin: Origin::Registered,
        method: answer.token_endpoint_auth_method,
        expires: Some(answer.client_secret_expires_at).filter(|end| *end != 0),
        port: Some(port),
    })
}

/// Where a browser comes back to.
pub fn redirect(port: u16) -> String {
    format!("http://127.0.0.1:{port}/callback")
}
