//! What does a client ask for, and may it be asked of a person? (OAuth 2.1 §4.1.1, RFC 7636, RFC 8707, RFC 9207)
//!
//! Nothing is remembered between the pages: each of them carries the request as the client wrote it, and it is
//! checked anew each time. So the back button, two tabs and a form that is sent twice cannot mix two requests up.

use std::sync::Arc;

use mcp_auth::{ScopeSet, issuer::form::Form};

use crate::{client::Client, redirect};

/// Letters of a `state` that is handed back.
const LONGEST_STATE: usize = 4096;

/// A request that may be put to a person.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub back: Back,
    /// The PKCE challenge, S256.
    pub challenge: String,
    /// Which server it is about.
    pub resource: String,
    /// What is asked for, as far as there is such a scope and the client may have it.
    pub scope: ScopeSet,
}

/// Where the answer goes, and what the client wants to see again there.
#[derive(Clone, Debug)]
pub struct Back {
    /// One of the client's redirect URIs.
    pub redirect: String,
    /// Whatever it was.
    pub state: Option<String>,
}

/// What can be asked for at this server.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The servers that tokens can be for; the first is taken where none is named and there is one alone.
    pub resources: Vec<String>,
    /// All scopes that there are.
    pub scopes: ScopeSet,
}

impl Offer {
    /// The server that a client wants a token for. Where there is one alone, that one is meant if none is named.
    ///
    /// # Errors
    /// Why there is none (`invalid_target`, RFC 8707 §2).
    pub fn resource<'a>(&'a self, form: &Form) -> Result<&'a str, &'static str> {
        let mut named = form.all("resource");
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => Err("a token is for one resource alone"),
            (Some(one), None) => {
                let known = self.resources.iter().find(|resource| *resource == one);
                known.map(String::as_str).ok_or("there are no tokens for this resource")
            }
            (None, _) => match &self.resources[..] {
                [only] => Ok(only.as_str()),
                _ => Err("resource is missing: there are several"),
            },
        }
    }
}

/// Why a request is not put to anybody.
#[derive(Debug)]
pub enum Problem {
    /// The client or its redirect URI cannot be believed: the person is told, and nobody is redirected.
    Here(&'static str),
    /// The client is told (RFC 6749 §4.1.2.1).
    There(Back, &'static str, &'static str),
}

/// The client and the address of a request. The first thing to know: only then may anything be sent there.
///
/// # Errors
/// What a person is told.
pub fn client_id(form: &Form) -> Result<&str, &'static str> {
    match form.one("client_id") {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err("The program that sent you here did not say who it is."),
        Err(_) => Err("The program that sent you here said twice who it is."),
    }
}

impl Ask {
    /// Checks what this client asks for.
    pub fn read(client: Arc<Client>, form: &Form, offer: &Offer) -> Result<Self, Problem> {
        let redirect = Self::redirect(&client, form)?;
        let state = form.one("state").map(|state| state.map(str::to_owned));
        let back = |state| Back { redirect: redirect.clone(), state };
        let twice = "a parameter stands in the request twice";
        let Ok(state) = state else {
            return Err(Problem::There(back(None), "invalid_request", twice));
        };
        let back = back(state);
        let refuse = |error, why| Err(Problem::There(back.clone(), error, why));
        if back.state.as_ref().is_some_and(|state| state.len() > LONGEST_STATE) {
            return Err(Problem::There(
                Back { state: None, ..back },
                "invalid_request",
                "state is too long",
            ));
        }
        let one = |name| {
            form.one(name).map_err(|_| Problem::There(back.clone(), "invalid_request", twice))
        };
        match one("response_type")? {
            Some("code") => {}
            Some(_) => return refuse("unsupported_response_type", "response_type is code"),
            None => return refuse("invalid_request", "response_type is missing"),
        }
        if !client.may_ask_people {
            return refuse("unauthorized_client", "this client may not use authorization_code");
        }
        if one("response_mode")?.is_some_and(|mode| mode != "query") {
            return refuse("invalid_request", "response_mode is query");
        }
        if one("request")?.is_some() {
            return refuse("request_not_supported", "request objects are not supported");
        }
        if one("request_uri")?.is_some() {
            return refuse("request_uri_not_supported", "request objects are not supported");
        }
        if one("code_challenge_method")? != Some("S256") {
            return refuse("invalid_request", "code_challenge_method must be S256");
        }
        let challenge = match one("code_challenge")? {
            Some(challenge) if is_challenge(challenge) => challenge.to_owned(),
            _ => return refuse("invalid_request", "code_challenge is 43 letters of base64url"),
        };
        let resource = match offer.resource(form) {
            Ok(resource) => resource.to_owned(),
            Err(why) => return refuse("invalid_target", why),
        };
        let asked: ScopeSet = one("scope")?.unwrap_or_default().split(' ').collect();
        let asked = if asked.is_empty() { offer.scopes.clone() } else { asked };
        let mut scope = asked.intersection(&offer.scopes);
        if let Some(allowed) = &client.scope {
            scope = scope.intersection(allowed);
        }
        if scope.is_empty() {
            return refuse("invalid_scope", "none of these scopes can be had by this client");
        }
        Ok(Self { client, back, challenge, resource, scope })
    }

    fn redirect(client: &Client, form: &Form) -> Result<String, Problem> {
        let named = form.one("redirect_uri").map_err(|_| {
            Problem::Here("The program that sent you here named two addresses to send you back to.")
        })?;
        match (named, &client.redirects[..]) {
            (Some(uri), registered) if redirect::is_one_of(uri, registered) => Ok(uri.to_owned()),
            (Some(_), _) => Err(Problem::Here(
                "The program that sent you here wants you sent back to an address (redirect_uri) that it has not registered.",
            )),
            (None, [only]) if redirect::check(only).is_ok() => Ok(only.clone()),
            (None, _) => Err(Problem::Here(
                "The program that sent you here did not say where to send you back to.",
            )),
        }
    }
}

/// SHA-256 in base64url is 43 letters (RFC 7636 §4.2).
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

impl Back {
    /// The address with these parameters, with `state` and the name of the issuer (RFC 9207): on success and on failure.
    #[must_use]
    pub fn with(&self, issuer: &str, parameters: &[(&str, &str)]) -> String {
        let mut uri = self.redirect.clone();
        let mut before = if uri.contains('?') { '&' } else { '?' };
        let state = self.state.as_deref().map(|state| ("state", state));
        for (name, value) in parameters.iter().copied().chain(state).chain([("iss", issuer)]) {
            uri.push(before);
            uri.push_str(name);
            uri.push('=');
            escape(value, &mut uri);
            before = '&';
        }
        uri
    }
}

/// Percent-encodes all but what RFC 3986 §2.3 calls unreserved.
pub(crate) fn escape(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(byte.into());
        } else {
            into.push('%');
            into.push(HEX[usize::from(byte >> 4)].into());
            into.push(HEX[usize::from(byte & 15)].into());
        }
    }
}
