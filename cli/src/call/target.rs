//! Which endpoint is called, and may a token travel there?

use std::{net::IpAddr, str::FromStr};

use reqwest::{Url, header::HeaderValue};

use super::secrets::is_secret;

/// A URL that is asked: of an MCP endpoint, or of what one names.
#[derive(Clone, Debug)]
pub struct Target(Url);

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| {
            let why = if text.contains("://") { error.to_string() } else { "no http://".into() };
            format!("it is not a URL ({why})")
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("it is neither http:// nor https://".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user name or password has no place in a URL: it ends in logs".into());
        }
        if url.fragment().is_some() {
            return Err("what follows # in a URL never reaches a server".into());
        }
        Ok(Self(url))
    }
}

impl Target {
    /// The URL of an MCP endpoint, as a person types it.
    pub fn endpoint(text: &str) -> Result<Self, String> {
        text.parse().map_err(|why| {
            format!(
                "{why}; the URL of an MCP endpoint is expected, such as http://localhost:9000/mcp, and credentials in \
                 --token or --header"
            )
        })
    }

    /// The URL itself, secrets included.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The URL for people: what looks like a secret in the query is masked.
    pub fn shown(&self) -> String {
        format!("{}{}", self.origin(), self.path())
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Path and query as the request line has them, with secrets masked.
    pub fn path(&self) -> String {
        let Some(query) = self.0.query() else { return self.0.path().to_owned() };
        let parts: Vec<_> = query.split('&').map(masked).collect();
        format!("{}?{}", self.0.path(), parts.join("&"))
    }

    /// Host, and port if it is not the scheme's own: what `Host` says.
    pub fn host(&self) -> Option<HeaderValue> {
        let host = self.0.host_str()?;
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        HeaderValue::from_str(&format!("{host}{port}")).ok()
    }

    /// Is the server on this machine? A name below `localhost` is to mean that too (RFC 6761 §6.3), but not every
    /// resolver knows it: one that asks the network may be told any address, and a token would go there unencrypted.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.map_or(host == "localhost", |ip| ip.is_loopback())
    }

    /// May a secret travel there? Over TLS, or without leaving this machine.
    pub fn keeps_secrets(&self) -> bool {
        self.0.scheme() == "https" || self.is_loopback()
    }
}

fn masked(parameter: &str) -> String {
    let Some((name, _)) = parameter.split_once('=') else { return parameter.to_owned() };
    if is_secret(name) { format!("{name}=***") } else { parameter.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_query_are_not_shown() {
        let target: Target = "http://localhost:9000/mcp?a=1&access_token=abc".parse().unwrap();
        assert_eq!(target.shown(), "http://localhost:9000/mcp?a=1&access_token=***");
        for name in ["Token", "client_secret", "API_KEY", "password", "code", "client_assertion"] {
            let target: Target = format!("http://localhost/mcp?{name}=geheim").parse().unwrap();
            assert_eq!(target.path(), format!("/mcp?{name}=***"));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_a_sentence() {
        for (text, hint) in [
            ("tools", "such as http://localhost:9000/mcp"),
            ("localhost:9000/mcp", "http://"),
            ("ftp://localhost/mcp", "http://"),
            ("http://me:pw@localhost/mcp", "--token"),
            ("http://me@localhost/mcp", "--token"),
            ("http://:pw@localhost/mcp", "--token"),
            ("http://localhost/mcp#x", "#"),
        ] {
            let error = Target::endpoint(text).expect_err(text);
            assert!(error.contains(hint), "{text}: {error}");
            assert!(
                !text.parse::<Target>().unwrap_err().contains("endpoint"),
                "others are not that"
            );
        }
    }

    #[test]
    fn secrets_travel_over_tls_or_stay_on_this_machine() {
        for (url, expected) in [
            ("http://localhost:9000/mcp", true),
            ("http://127.8.9.1/mcp", true),
            ("http://[::1]:9000/mcp", true),
            ("http://mcp.localhost/mcp", false),
            ("http://localhost./mcp", false),
            ("https://mcp.localhost/mcp", true),
            ("https://example.com/mcp", true),
            ("http://example.com/mcp", false),
            ("http://localhost.example.com/mcp", false),
            ("http://evil-localhost/mcp", false),
            ("http://127.0.0.1.example.com/mcp", false),
        ] {
            assert_eq!(url.parse::<Target>().unwrap().keeps_secrets(), expected, "{url}");
        }
    }

    #[test]
    fn the_host_header_has_a_port_if_it_is_not_the_schemes_own() {
        let host = |url: &str| url.parse::<Target>().unwrap().host().unwrap();
        assert_eq!(host("http://localhost:9000/mcp"), "localhost:9000");
        assert_eq!(host("https://example.com:443/mcp"), "example.com");
        assert_eq!(host("http://[::1]:9000/"), "[::1]:9000");
    }
}
