//! A client whose id is the address of a document about it (Client ID Metadata Document, S5): nobody need register anything.
//!
//! Whoever asks for a code chooses the address, so the request for it is sent on behalf of a stranger: https only, to addresses of
//! the open internet only, each checked and then connected to; no redirects, little time, little space.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{
    Certificate, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::info;

use super::{Client, Origin, Proof, address::is_public};
use crate::redirect;

/// Bytes of a document; the draft calls 5 KiB enough.
const MAX_BYTES: usize = 32 * 1024;
/// From the first to the last byte.
const TIME: Duration = Duration::from_secs(5);
/// How long a document is believed: as it says, within these.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long it is believed that there is none: or everybody could have us ask again and again.
const NONE: Duration = Duration::from_secs(10);
/// Documents that are kept, and that are fetched at a time.
const KEPT: usize = 1000;
const AT_A_TIME: usize = 8;

/// Fetches and keeps documents.
pub struct Documents {
    http: reqwest::Client,
    may_be_private: bool,
    kept: Mutex<HashMap<String, (Option<Arc<Client>>, Instant)>>,
    turns: Semaphore,
}

/// Resolves names, and refuses those that lead behind walls.
struct Outside {
    may_be_private: bool,
}

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        let may_be_private = self.may_be_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // one bad address among good ones is a trick, not an accident
            if !may_be_private && found.iter().any(|address| !is_public(address.ip())) {
                return Err("its name leads to an address that is not of the open internet".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
    grant_types: Option<Vec<String>>,
}

impl Documents {
    /// With more authorities than those of the system, for tests; and with private addresses, for tests.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        authorities: Vec<Certificate>,
        dangerously_private: bool,
    ) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .no_proxy() // a proxy would resolve the name itself
            .timeout(TIME)
            .dns_resolver(Arc::new(Outside { may_be_private: dangerously_private }))
            .user_agent(concat!("mcp-auth-server/", env!("CARGO_PKG_VERSION")));
        let builder =
            if authorities.is_empty() { builder } else { builder.tls_certs_merge(authorities) };
        Ok(Self {
            http: builder.build()?,
            may_be_private: dangerously_private,
            kept: Mutex::default(),
            turns: Semaphore::new(AT_A_TIME),
        })
    }

    /// Is this id the address of a document?
    #[must_use]
    pub fn is_address(id: &str) -> bool {
        id.starts_with("https://")
    }

    /// The client that this document describes, if it is one.
    pub async fn get(&self, id: &str) -> Option<Arc<Client>> {
        if let Some(known) = self.known(id) {
            return known;
        }
        let _turn = self.turns.acquire().await.ok()?;
        if let Some(known) = self.known(id) {
            return known;
        }
        let (client, lifetime) = match self.fetch(id).await {
            Ok((client, lifetime)) => (Some(Arc::new(client)), lifetime),
            Err(why) => {
                info!("no client at {id:?}: {why}");
                (None, NONE)
            }
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (_, until)| *until > Instant::now());
        }
        if kept.len() < KEPT {
            kept.insert(id.to_owned(), (client.clone(), Instant::now() + lifetime));
        }
        client
    }

    fn known(&self, id: &str) -> Option<Option<Arc<Client>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (client, until) = kept.get(id)?;
        (*until > Instant::now()).then(|| client.clone())
    }

    async fn fetch(&self, id: &str) -> Result<(Client, Duration), String> {
        let url = self.address(id)?;
        let request = self.http.get(url).header(header::ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers {}", answer.status()));
        }
        let value = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let kind = value(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
        if kind != "application/json"
            && !(kind.starts_with("application/") && kind.ends_with("+json"))
        {
            return Err("it is not JSON, says its type".into());
        }
        let lifetime = lifetime(value(header::CACHE_CONTROL).unwrap_or_default());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(format!("it is larger than {MAX_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let document: Document =
            serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok((client(id, document)?, lifetime))
    }

    /// The address, if it may be one (draft §3): a path, and nothing that two readers could take differently.
    fn address(&self, id: &str) -> Result<Url, String> {
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
        let is_private = match url.host() {
            None => true,
            Some(url::Host::Ipv4(address)) => !is_public(address.into()),
            Some(url::Host::Ipv6(address)) => !is_public(address.into()),
            Some(url::Host::Domain(_)) => false, // asked when it is resolved
        };
        if is_private && !self.may_be_private {
            return Err("its address is not of the open internet".into());
        }
        Ok(url)
    }
}

fn client(id: &str, document: Document) -> Result<Client, String> {
    if document.client_id != id {
        return Err("its client_id is not its address".into());
    }
    if document.token_endpoint_auth_method.is_some_and(|method| method != "none") {
        return Err(
            "a client that is a document has no secret: token_endpoint_auth_method is none".into(),
        );
    }
    if document.redirect_uris.is_empty() {
        return Err("it has no redirect_uris".into());
    }
    for uri in &document.redirect_uris {
        redirect::check(uri).map_err(|error| format!("{uri:?}: {error}"))?;
    }
    let grants = document.grant_types.unwrap_or_else(|| vec!["authorization_code".into()]);
    let may = |grant: &str| grants.iter().any(|one| one == grant);
    Ok(Client {
        id: id.to_owned(),
        name: document.client_name,
        redirects: document.redirect_uris,
        scope: document.scope.map(|scope| scope.split(' ').collect()),
        proof: Proof::Public,
        may_ask_people: may("authorization_code"),
        may_refresh: may("refresh_token"),
        may_act_alone: false,
        origin: Origin::Document,
    })
}

/// How long the document says that it may be kept (RFC 9111 §5.2), within our limits.
fn lifetime(cache_control: &str) -> Duration {
    let directives = || cache_control.split(',').map(|one| one.trim().to_ascii_lowercase());
    if directives().any(|one| one == "no-store" || one == "no-cache") {
        return SHORTEST;
    }
    let seconds = directives().find_map(|one| one.strip_prefix("max-age=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(300)).clamp(SHORTEST, LONGEST)
}
