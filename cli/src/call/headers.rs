//! Which headers go out? Those that every request has, and those that the caller wants to be different.

use std::str::FromStr;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
};

use super::{secrets::is_secret, wire::Outgoing};

/// Who calls, for the log of the server.
const AGENT: &str = concat!("mcp-auth/", env!("CARGO_PKG_VERSION"));

/// Changes that the caller wants to the headers of each request.
#[derive(Clone, Debug)]
pub struct HeaderChange {
    name: HeaderName,
    value: Option<HeaderValue>,
}

impl FromStr for HeaderChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a header is NAME: VALUE; without a value it is left out";
        let (name, value) = text.split_once(':').ok_or(form)?;
        let name: HeaderName =
            name.trim().parse().map_err(|_| format!("{form}; `{name}` is no name"))?;
        if name == CONTENT_LENGTH || name == "transfer-encoding" {
            return Err(format!("{name} follows from the body and cannot be chosen"));
        }
        let value = Some(value.trim()).filter(|value| !value.is_empty());
        let value = value.map(HeaderValue::from_str).transpose();
        let value = value.map_err(|_| format!("{form}; control characters have no place in it"))?;
        Ok(Self { name, value })
    }
}

impl HeaderChange {
    /// Is it about the header of tokens?
    pub fn is_authorization(&self) -> bool {
        self.name == AUTHORIZATION
    }

    /// Does it let its bearer in?
    pub fn is_secret(&self) -> bool {
        self.value.is_some() && is_secret(self.name.as_str())
    }
}

/// Adds what every request has, and then what the caller wants to be different.
pub fn complete(request: &mut Outgoing, changes: &[HeaderChange]) {
    let mut headers = HeaderMap::new();
    let host = request.target.host();
    if let Some(host) = &host {
        headers.insert(HOST, host.clone());
    }
    headers.insert("user-agent", HeaderValue::from_static(AGENT));
    headers.extend(std::mem::take(&mut request.headers));
    for change in changes {
        headers.remove(&change.name);
    }
    for HeaderChange { name, value } in changes {
        if let Some(value) = value {
            headers.append(name, value.clone());
        }
    }
    // these two go out anyway, so they are shown too
    if let (false, Some(host)) = (headers.contains_key(HOST), host) {
        headers.insert(HOST, host);
    }
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    if let Some(body) = &request.body {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    request.headers = headers;
}
