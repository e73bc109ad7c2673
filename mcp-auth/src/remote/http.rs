//! How is a document fetched? Over TLS or on this machine, within limits of size and time, and without following anybody
//! anywhere.

use std::{error::Error as _, net::IpAddr, time::Duration};

use reqwest::{Client, Proxy, Url, header::ACCEPT, redirect::Policy, tls::Certificate};

/// Bytes that a document may have.
const MAX_DOCUMENT: usize = 512 << 10;

/// Why a document could not be had, or not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// An address that others could answer at in the issuer's place.
    #[error("{0} is neither https nor on this machine, so anybody in between could answer there")]
    Insecure(String),
    /// Nobody answers, or not in time, or what answers is not whom its certificate should name.
    #[error("{url}: {why}")]
    Unreachable {
        /// What was fetched.
        url: String,
        /// The root of the error.
        why: String,
    },
    /// Another status than 200; a redirect too.
    #[error("{url} answers {status}{}", if (300..400).contains(status) { ", and redirects are not followed" } else { "" })]
    Status {
        /// What was fetched.
        url: String,
        /// The status.
        status: u16,
    },
    /// Over 512 KiB.
    #[error("the document at {0} is larger than 512 KiB")]
    TooLarge(String),
    /// It is not what should be there.
    #[error("{}: {why}", url.escape_debug())]
    Malformed {
        /// What was fetched.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// It speaks for somebody else (RFC 8414 §3.3).
    #[error(
        "{url} speaks for the issuer {said:?}, not for {expected:?}; they must be equal to the last letter"
    )]
    WrongIssuer {
        /// What was fetched.
        url: String,
        /// Whom it names.
        said: String,
        /// Whom it should name.
        expected: String,
    },
}

/// Fetches documents of one issuer.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    /// For this machine: past a proxy that the environment names, or plain http would leave it.
    here: Client,
    inside: Option<Url>,
}

impl Http {
    /// With these authorities alone, if there are any, else those of the system, through this proxy, else through that of the
    /// environment, in so much time. Where there is an `inside`, every document is fetched from its origin.
    pub(super) fn new(
        inside: Option<Url>,
        authorities: Option<Vec<Certificate>>,
        proxy: Option<Proxy>,
        time: Duration,
    ) -> Result<Self, reqwest::Error> {
        let builder = || {
            let builder = Client::builder()
                .redirect(Policy::none())
                .timeout(time)
                .user_agent(concat!("mcp-auth/", env!("CARGO_PKG_VERSION")));
            match &authorities {
                Some(authorities) => builder.tls_certs_only(authorities.clone()),
                None => builder,
            }
        };
        let (client, here) = match proxy {
            Some(proxy) => {
                let client = builder().proxy(proxy).build()?;
                (client.clone(), client)
            }
            None => (builder().build()?, builder().no_proxy().build()?),
        };
        Ok(Self { client, here, inside })
    }

    /// The document at this address.
    pub(super) async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let url = self.place(url)?;
        let unreachable = |error: reqwest::Error| FetchError::Unreachable {
            url: url.to_string(),
            why: root(&error),
        };
        let is_here = url.host_str().is_some_and(is_loopback);
        let client = if is_here { &self.here } else { &self.client };
        let request = client.get(url.clone()).header(ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.into(), status });
        }
        let mut document = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if document.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLarge(url.into()));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }

    /// Where a document is really fetched.
    pub(super) fn place(&self, url: &str) -> Result<Url, FetchError> {
        let malformed =
            |why: &str| FetchError::Malformed { url: url.to_owned(), why: why.to_owned() };
        let mut place = Url::parse(url).map_err(|error| malformed(&error.to_string()))?;
        let Some(inside) = &self.inside else {
            return if is_safe(&place) {
                Ok(place)
            } else {
                Err(FetchError::Insecure(place.into()))
            };
        };
        // an operator has typed this address, and answers for it
        let replaced = place.set_scheme(inside.scheme()).is_ok()
            && place.set_host(inside.host_str()).is_ok()
            && place.set_port(inside.port()).is_ok();
        if replaced { Ok(place) } else { Err(malformed("it has no origin to replace")) }
    }
}

/// Can nobody in between answer there?
pub(super) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && url.host_str().is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The innermost cause: what a person can do something about.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "there is no answer in time".into();
    }
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(inside: Option<&str>) -> Http {
        let inside = inside.map(|url| Url::parse(url).unwrap());
        Http::new(inside, None, None, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for safe in [
            "https://login.example.com/keys",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://127.1.2.3/keys",
            "http://[::1]:9/keys",
        ] {
            assert_eq!(http(None).place(safe).unwrap().as_str(), safe);
        }
        for bad in [
            "http://login.example.com/keys",
            "http://localhost.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://10.0.0.1/keys",
            "ftp://localhost/keys",
            "file:///etc/passwd",
        ] {
            assert!(matches!(http(None).place(bad), Err(FetchError::Insecure(_))), "{bad}");
        }
        assert!(matches!(http(None).place("/keys"), Err(FetchError::Malformed { .. })));
    }

    #[test]
    fn from_inside_every_document_comes_from_one_origin() {
        let inside = http(Some("http://keycloak:8080"));
        for (url, place) in [
            (
                "https://login.example.com/realms/a/keys?x=1",
                "http://keycloak:8080/realms/a/keys?x=1",
            ),
            ("http://keycloak:8080/realms/a/keys", "http://keycloak:8080/realms/a/keys"),
            ("https://elsewhere.example:8443/", "http://keycloak:8080/"),
        ] {
            assert_eq!(inside.place(url).unwrap().as_str(), place);
        }
        let tls = http(Some("https://keycloak"));
        let place = tls.place("http://login.example.com:8080/keys").unwrap();
        assert_eq!(place.as_str(), "https://keycloak/keys");
    }
}
