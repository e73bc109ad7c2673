//! Where are the keys, and which server is meant? What `token`, `keys` and `inspect` have in common.

use std::path::PathBuf;

use mcp_auth::{
    issuer::{
        disk::DiskError,
        files::{FileError, KeyFiles},
    },
    settings::Keys,
};
use reqwest::Url;

use crate::exit::Failure;

/// The folder of keys.
#[derive(clap::Args)]
pub struct Folder {
    /// Folder of the keys [default: .workshop beside the nearest Cargo.lock, else in the working directory]
    #[arg(long, visible_alias = "dir", global = true, env = "MCP_KEYS_DIR", value_name = "DIR")]
    keys_dir: Option<PathBuf>,
}

impl Folder {
    /// The keys in it.
    pub fn files(&self) -> KeyFiles {
        KeyFiles::new(Keys { keys_dir: self.keys_dir.clone() }.dir())
    }
}

/// The server that a token is for, and who issues it.
#[derive(clap::Args)]
pub struct Server {
    /// URL of the server: sets issuer and audience [default: http://localhost:9000, or the port in MCP_PORT]
    #[arg(long, env = "MCP_PUBLIC_URL", value_parser = server, value_name = "URL")]
    server: Option<String>,
    /// Who issues the token (iss) [default: the URL of the server]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Which server the token is for (aud) [default: the URL of the server and /mcp]
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
}

impl Server {
    /// Who issues the token.
    pub fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| self.base())
    }

    /// Which server the token is for.
    pub fn audience(&self) -> String {
        self.audience.clone().unwrap_or_else(|| format!("{}/mcp", self.base()))
    }

    /// Are both on this machine? Only then a missing key may be made on the way, as the steps do.
    pub fn is_development(&self) -> bool {
        let is_loopback = |url: String| {
            let url = Url::parse(&url).ok();
            let host = url.as_ref().and_then(Url::host_str).map(str::to_owned);
            host.is_some_and(|host| matches!(&*host, "localhost" | "127.0.0.1" | "[::1]"))
        };
        is_loopback(self.issuer()) && is_loopback(self.audience())
    }

    fn base(&self) -> String {
        let port = std::env::var("MCP_PORT").ok().and_then(|port| port.parse::<u16>().ok());
        let port = port.filter(|port| *port != 0).unwrap_or(9000);
        self.server.clone().unwrap_or_else(|| format!("http://localhost:{port}"))
    }
}

/// The URL of a server as its tokens have it: without a trailing slash; that of its endpoint will do too.
fn server(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    let url = url.ok_or("the URL of a server is expected, such as http://localhost:9000")?;
    let text = url.as_str().trim_end_matches('/');
    Ok(text.strip_suffix("/mcp").unwrap_or(text).to_owned())
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::other(error.to_string())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::other(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_server_or_of_its_endpoint_will_do() {
        for text in ["http://localhost:9001", "HTTP://LOCALHOST:9001/", "http://localhost:9001/mcp"]
        {
            assert_eq!(server(text).as_deref(), Ok("http://localhost:9001"), "{text}");
        }
        assert_eq!(server("https://a.example:443/x/mcp/").as_deref(), Ok("https://a.example/x"));
        for text in [
            "",
            "localhost:9000",
            "ftp://a",
            "http://a?b",
            "http://a#b",
            "http://me@a",
            "http://:pw@a",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
