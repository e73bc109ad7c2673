//! Under which name do clients reach this server?

use std::{fmt, str::FromStr};

use http::Uri;

/// The URL that clients use: scheme, host, port and an optional base path, without a trailing slash.
///
/// It is parsed once, from a setting, and never taken from a request: whoever can choose the
/// `Host` header must not be able to choose our name. Scheme and host may be given in upper case (A12);
/// a default port is dropped, so that equal URLs are equal strings.
///
/// ```
/// let url: common::PublicUrl = "HTTPS://MCP.Example.com:443/tools/".parse()?;
/// assert_eq!(url.to_string(), "https://mcp.example.com/tools");
/// assert_eq!(url.endpoint(), "https://mcp.example.com/tools/mcp");
/// # Ok::<(), common::public_url::PublicUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: String,
    authority: String,
    base: String,
    loopback_port: Option<u16>,
}

/// Why a text is not a public URL.
#[derive(Debug, thiserror::Error)]
#[error(
    "a public URL is http:// or https://, a host, and if needed a port and a path, such as \
     http://localhost:9000; {0}"
)]
pub struct PublicUrlError(&'static str);

impl PublicUrl {
    /// `http://localhost:9000` for that port: the name of a server on one's own machine.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        Self {
            scheme: "http".into(),
            authority: format!("localhost:{port}"),
            base: String::new(),
            loopback_port: None,
        }
    }

    /// The same URL, of a server that listens on loopback only, on this port.
    #[must_use]
    pub fn on_loopback(self, port: u16) -> Self {
        Self { loopback_port: Some(port), ..self }
    }

    /// What clients talk MCP to, and the audience of their tokens: this URL and `/mcp`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{self}/mcp")
    }

    /// Where `path` is mounted on this server: the base path, if there is one, and `path`.
    #[must_use]
    pub fn route(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Scheme, host and port, as a browser writes them into `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// What a `Host` header may say: our own name, and on loopback the names of loopback.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts = vec![self.authority.clone()];
        if let Some(port) = self.loopback_port {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        hosts
    }

    /// Is this a server on one's own machine, seen from both sides: it listens on loopback **and**
    /// its name is loopback? A tunnel listens on loopback too, so one of them is not enough.
    #[must_use]
    pub fn is_development(&self) -> bool {
        let host = self.authority.rsplit_once(':').map_or(&*self.authority, |(host, port)| {
            if port.ends_with(']') { &self.authority } else { host }
        });
        self.loopback_port.is_some() && matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| PublicUrlError("this is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(PublicUrlError("scheme or host is missing"));
        };
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => return Err(PublicUrlError("the scheme is another one")),
        };
        if uri.query().is_some() || text.contains(['#', '?']) {
            return Err(PublicUrlError("a query or fragment has no place in it"));
        }
        if authority.host().is_empty() {
            return Err(PublicUrlError("scheme or host is missing"));
        }
        let authority = authority.as_str().to_ascii_lowercase();
        if authority.contains('@') {
            return Err(PublicUrlError("a user name has no place in it"));
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let port = port.filter(|port| !port.ends_with(']')); // [::1] has none
        let is_port = |port: &str| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
        };
        if !port.is_none_or(is_port) {
            return Err(PublicUrlError("the port is no number from 1 to 65535"));
        }
        let base = uri.path().strip_suffix('/').unwrap_or(uri.path());
        if !base.split('/').skip(1).all(is_plain) {
            return Err(PublicUrlError("the path is to be plain words"));
        }
        if base.ends_with("/mcp") {
            return Err(PublicUrlError("`/mcp` is added to it, so it must not end in that"));
        }
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            authority: authority.strip_suffix(default_port).unwrap_or(&authority).to_owned(),
            base: base.to_owned(),
            loopback_port: None,
        })
    }
}

/// A word that is a path to nobody else than to us: it is not one of the well-known addresses, and a router
/// does not take it for a pattern.
fn is_plain(word: &str) -> bool {
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !word.is_empty() && !word.starts_with('.') && word.bytes().all(is_safe)
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn equal_urls_become_equal_strings() {
        for (text, expected) in [
            ("http://localhost:9000", "http://localhost:9000"),
            ("HTTP://LocalHost:9000/", "http://localhost:9000"),
            ("https://example.com:443/a/b/", "https://example.com/a/b"),
            ("http://example.com:80", "http://example.com"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(parse(text).to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_public_url_is_refused_with_a_sentence() {
        for text in [
            "",
            "localhost:9000",
            "/mcp",
            "ftp://localhost",
            "http://me@localhost",
            "http://localhost/?a=b",
            "http://localhost/#x",
            "http://localhost/a/../b",
            "http://localhost/{x}",
            "http://local host",
            "http://localhost:",
            "http://localhost:99999",
            "http://localhost:0",
            "http://localhost:+80",
            "http://:80",
            "http://localhost//a",
            "http://localhost/a//",
            "http://localhost/.well-known",
            "http://localhost/:x",
            "http://localhost/*x",
            "http://localhost/mcp",
            "http://localhost/a/mcp/",
        ] {
            let error = text.parse::<PublicUrl>().expect_err(text).to_string();
            assert!(error.contains("such as http://localhost:9000"), "{text}: {error}");
        }
    }

    #[test]
    fn development_needs_a_loopback_bind_and_a_loopback_name() {
        assert!(!parse("http://localhost:9000").is_development(), "bound elsewhere");
        for url in ["http://localhost:9000", "http://127.0.0.1", "http://[::1]:1", "http://[::1]"] {
            assert!(parse(url).on_loopback(9000).is_development(), "{url}");
        }
        for url in ["https://tunnel.example.com", "http://localhost.evil.com:9000"] {
            assert!(!parse(url).on_loopback(9000).is_development(), "{url}");
        }
    }

    #[test]
    fn a_base_path_is_part_of_the_endpoint_and_of_the_route() {
        let url = parse("https://example.com/tools");
        assert_eq!(url.endpoint(), "https://example.com/tools/mcp");
        assert_eq!(url.route("/mcp"), "/tools/mcp");
        assert_eq!(url.origin(), "https://example.com");
    }
}
