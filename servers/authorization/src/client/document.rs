//! A client whose id is the address of a document about it (Client ID Metadata Document, S5): nobody need register anything.
//!
//! Whoever asks for a code chooses the address, so the request for it is sent on behalf of a stranger: https only, to addresses of
//! the open internet only, each checked and then connected to; no redirects, little time, little space.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mcp_auth::issuer::assertion;
use reqwest::{Certificate, Url, dns::Resolve};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::info;

use super::{
    Client, Origin, Proof,
    address::is_public,
    fetch::{Http, System, TIME},
    is_name,
};
use crate::redirect;

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
    http: Http,
    kept: Mutex<HashMap<String, Arc<Place>>>,
    turns: Semaphore,
}

/// What was found at an address, and until when that is believed. Whoever fetches it holds the lock, so that nobody fetches it beside.
type Place = tokio::sync::Mutex<Option<(Option<Arc<Client>>, Instant)>>;

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
    grant_types: Option<Vec<String>>,
    client_secret: Option<IgnoredAny>,
    jwks: Option<Value>,
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
        let may_be_asked = if dangerously_private { |_| true } else { is_public };
        Self::dangerously_asking(authorities, Arc::new(System), may_be_asked)
    }

    /// With names from elsewhere, and with another idea of what may be asked: for tests.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn dangerously_asking(
        authorities: Vec<Certificate>,
        names: Arc<dyn Resolve>,
        may_be_asked: fn(IpAddr) -> bool,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: Http::new(authorities, names, may_be_asked)?,
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
        let nobody = |why: String| info!("no client at {id:?}: {why}");
        let url = self.http.address(id).map_err(nobody).ok()?;
        let place = self.place(id);
        let mut found = place.lock().await;
        if let Some((client, until)) = &*found
            && *until > Instant::now()
        {
            return client.clone();
        }
        // slow documents of others may hold all turns, but nobody for long
        let _turn = timeout(TIME, self.turns.acquire()).await.ok()?.ok()?;
        let (client, lifetime) = match self.fetch(id, url).await {
            Ok((client, lifetime)) => (Some(Arc::new(client)), lifetime),
            Err(why) => {
                nobody(why);
                (None, NONE)
            }
        };
        *found = Some((client.clone(), Instant::now() + lifetime));
        client
    }

    /// Where the document of this id is kept. When there are too many, those go that are believed no longer, else any.
    fn place(&self, id: &str) -> Arc<Place> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.get(id) {
            return place.clone();
        }
        if kept.len() >= KEPT {
            let is_in_use = |place: &Arc<Place>| Arc::strong_count(place) > 1;
            let is_good = |place: &Arc<Place>| {
                let found = place.try_lock();
                found.is_ok_and(|found| {
                    found.as_ref().is_some_and(|(_, until)| *until > Instant::now())
                })
            };
            kept.retain(|_, place| is_in_use(place) || is_good(place));
            let any = kept.iter().find(|(_, place)| !is_in_use(place)).map(|(id, _)| id.clone());
            if kept.len() >= KEPT {
                any.and_then(|any| kept.remove(&any));
            }
        }
        kept.entry(id.to_owned()).or_default().clone()
    }

    async fn fetch(&self, id: &str, url: Url) -> Result<(Client, Duration), String> {
        let (body, cache_control) = self.http.get(url).await?;
        let document: Document =
            serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok((client(id, document)?, lifetime(&cache_control)))
    }
}

fn client(id: &str, document: Document) -> Result<Client, String> {
    if document.client_id != id {
        return Err("its client_id is not its address".into());
    }
    // everybody reads it, so there is no secret in it (draft §4.1)
    let proof = match (document.token_endpoint_auth_method.as_deref(), &document.jwks) {
        _ if document.client_secret.is_some() => return Err("it has a client_secret".into()),
        (None | Some("none"), _) => Proof::Public,
        (Some("private_key_jwt"), Some(jwks)) => {
            let keys = assertion::keys(jwks).map_err(|error| format!("its jwks: {error}"))?;
            Proof::Keys(Arc::new(keys))
        }
        _ => {
            return Err(
                "its token_endpoint_auth_method is not none, nor private_key_jwt with a jwks"
                    .into(),
            );
        }
    };
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
        name: document.client_name.filter(|name| is_name(name)), // else it is called by its id
        redirects: document.redirect_uris,
        scope: document.scope.map(|scope| scope.split(' ').collect()),
        proof,
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

#[cfg(test)]
mod tests {
    use mcp_auth::issuer::keys::{Alg, SigningKey};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_shows_keys_or_nothing_and_never_a_secret() {
        let id = "https://client.example/client.json";
        let key = SigningKey::generate(Alg::Es256, 0).unwrap();
        let described = |more: Value| {
            let mut document = json!({"client_id": id, "redirect_uris": ["http://localhost/cb"]});
            for (name, value) in more.as_object().unwrap() {
                document[name] = value.clone();
            }
            client(id, serde_json::from_value(document).unwrap())
        };
        let method = |method: &str| json!({"token_endpoint_auth_method": method});
        assert!(matches!(described(json!({})).unwrap().proof, Proof::Public));
        assert!(matches!(described(method("none")).unwrap().proof, Proof::Public));
        let mut signs = method("private_key_jwt");
        assert!(described(signs.clone()).is_err(), "with which key?");
        signs["jwks"] = json!({"keys": [key.jwk().unwrap()]});
        assert!(matches!(described(signs).unwrap().proof, Proof::Keys(_)));
        for bad in [
            method("client_secret_basic"),
            method("client_secret_post"),
            json!({"client_secret": "everybody reads it"}),
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/keys"}),
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "eA"}]}}),
        ] {
            assert!(described(bad.clone()).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn documents_that_are_kept_have_an_end_and_make_room() {
        let documents = Documents::new(Vec::new(), false).unwrap();
        let keep = async |id: &str, seconds| {
            let found = (None, Instant::now() + Duration::from_secs(seconds));
            *documents.place(id).lock().await = Some(found);
        };
        let is_kept = |id: &str| documents.kept.lock().unwrap().contains_key(id);
        keep("good", 60).await;
        for n in 1..KEPT {
            keep(&n.to_string(), 0).await;
        }
        let in_use = documents.place("1");
        keep("new", 60).await;
        assert!(is_kept("good") && is_kept("new") && is_kept("1") && !is_kept("2"));
        for n in 0..2 * KEPT {
            keep(&n.to_string(), 60).await;
        }
        assert!(documents.kept.lock().unwrap().len() <= KEPT && is_kept("1"));
        drop(in_use);
    }
}
