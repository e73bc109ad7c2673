//! How is a document of a stranger fetched? Over https, from addresses that everybody can reach, with little time and little space.

use std::{
    error::Error,
    io, iter,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Certificate, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};

/// Bytes of a document; the draft calls 5 KiB enough.
const MAX_BYTES: usize = 32 * 1024;
/// From the first to the last byte.
pub(super) const TIME: Duration = Duration::from_secs(5);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Something else is there.
    #[error("{0}")]
    Gone(String),
    /// Its name leads where we do not go.
    #[error("{BehindWalls}")]
    BehindWalls,
    /// Somebody answers, and does not show by TLS that he is the one.
    #[error("TLS fails: {0}")]
    Untrusted(String),
    /// Nobody answers, or not in time, or somebody says that it is so for the moment (408, 429) or his own fault (5xx).
    #[error("{0}")]
    Unanswered(String),
}

/// Where a name leads that we do not follow.
#[derive(Debug, thiserror::Error)]
#[error("its name leads to an address that is not of the open internet")]
struct BehindWalls;

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        let causes = || iter::successors(error.source(), |cause| (*cause).source());
        let why = format!("{error:?}");
        if causes().any(|cause| cause.is::<BehindWalls>()) {
            Self::BehindWalls
        } else if causes().any(is_tls) {
            Self::Untrusted(why)
        } else {
            Self::Unanswered(why)
        }
    }
}

/// Is it an error of TLS? Whoever reads and writes wraps it into one of his own, which does not name it as its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = || error.downcast_ref::<io::Error>()?.get_ref();
    error.is::<rustls::Error>() || wrapped().is_some_and(|inner| is_tls(inner))
}

/// Fetches documents.
pub(super) struct Http {
    client: reqwest::Client,
    may_be_asked: fn(IpAddr) -> bool,
}

/// The names of the system.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Resolves names, and refuses those that lead behind walls. The connection is made to what comes from here and is not looked up
/// again: a name that leads elsewhere a moment later (DNS rebinding) leads nowhere.
struct Outside {
    names: Arc<dyn Resolve>,
    may_be_asked: fn(IpAddr) -> bool,
}

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, may_be_asked) = (self.names.resolve(name), self.may_be_asked);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            // one bad address among good ones is a trick, not an accident
            if found.iter().any(|address| !may_be_asked(address.ip())) {
                return Err(BehindWalls.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Http {
    pub(super) fn new(
        authorities: Vec<Certificate>,
        names: Arc<dyn Resolve>,
        may_be_asked: fn(IpAddr) -> bool,
    ) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .no_proxy() // a proxy would resolve the name itself
            .timeout(TIME)
            .dns_resolver(Arc::new(Outside { names, may_be_asked }))
            .user_agent(concat!("mcp-auth-server/", env!("CARGO_PKG_VERSION")));
        let builder =
            if authorities.is_empty() { builder } else { builder.tls_certs_merge(authorities) };
        Ok(Self { client: builder.build()?, may_be_asked })
    }

    /// The address of this id, if it may be one (draft §3): a path, and nothing that two readers could take differently.
    pub(super) fn address(&self, id: &str) -> Result<Url, String> {
        let url = Url::parse(id).map_err(|error| error.to_string())?;
        let is_plain = url.as_str() == id
            && url.scheme() == "https"
            && url.path().len() > 1
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && id.len() <= 1000;
        if !is_plain {
            return Err("an id is an https URL with a path, as it is written everywhere".into());
        }
        let may_be_asked = match url.host() {
            None => false,
            Some(url::Host::Ipv4(address)) => (self.may_be_asked)(address.into()),
            Some(url::Host::Ipv6(address)) => (self.may_be_asked)(address.into()),
            Some(url::Host::Domain(_)) => true, // asked when it is resolved
        };
        if !may_be_asked {
            return Err("its address is not of the open internet".into());
        }
        Ok(url)
    }

    /// The bytes at this address, and what their sender says of keeping them.
    pub(super) async fn get(&self, url: Url) -> Result<(Vec<u8>, String), Failed> {
        let request = self.client.get(url).header(header::ACCEPT, "application/json");
        let mut answer = request.send().await?;
        let status = answer.status();
        let for_the_moment = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if status.is_server_error() || for_the_moment.contains(&status) {
            return Err(Failed::Unanswered(format!("it answers {status}")));
        }
        if status != StatusCode::OK {
            return Err(Failed::Gone(format!("it answers {status}")));
        }
        let value = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let kind = value(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
        if kind != "application/json"
            && !(kind.starts_with("application/") && kind.ends_with("+json"))
        {
            return Err(Failed::Gone("it is not JSON, says its type".into()));
        }
        let cache_control = value(header::CACHE_CONTROL).unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(Failed::Gone(format!("it is larger than {MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, cache_control))
    }
}
