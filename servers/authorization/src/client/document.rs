//! A client whose id is the address of a document about it (Client ID Metadata Document, S5): nobody need register anything.
//!
//! Whoever asks for a code chooses the address, so the request for it is sent on behalf of a stranger: https only, to addresses of
//! the open internet only, each checked and then connected to; no redirects, little time, little space.

use std::{fmt::Display, net::IpAddr, sync::Arc};

use reqwest::{Certificate, dns::Resolve};
use tracing::info;

use super::{
    Client,
    address::is_public,
    content,
    fetch::{Failed, Http, System},
    kept::Places,
    turns::Turns,
};
use crate::caller;

/// Seconds after which it is worth to ask again for a document that cannot be had at the moment.
pub(crate) const LATER: u64 = super::kept::NONE.as_secs();

/// Fetches and keeps documents.
pub struct Documents {
    http: Http,
    places: Places,
    turns: Turns,
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is no document, or it is none of a client.
    Nobody,
    /// Nobody knows at the moment: its address does not answer, or too many others are waiting for theirs.
    NotNow,
    /// Nor here: whoever answers at its address does not show by TLS that he is the one.
    Untrusted,
}

impl Documents {
    /// With more authorities than those of the system, for tests.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        Self::dangerously_asking(authorities, Arc::new(System), is_public)
    }

    /// From private addresses too, where a stranger should not send us: for tests.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn dangerously_private(authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        Self::dangerously_asking(authorities, Arc::new(System), |_| true)
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
            places: Places::default(),
            turns: Turns::default(),
        })
    }

    /// Is this id the address of a document?
    #[must_use]
    pub fn is_address(id: &str) -> bool {
        id.starts_with("https://")
    }

    /// The client that this document describes.
    ///
    /// # Errors
    /// [`Missing`].
    pub async fn get(&self, id: &str) -> Result<Arc<Client>, Missing> {
        let told = |why: &dyn Display| info!("no client at {id:?}: {why}");
        let url = self.http.address(id).inspect_err(|why| told(why));
        let url = url.map_err(|_| Missing::Nobody)?;
        let place = self.places.place(id);
        if let Some(found) = place.believed() {
            return found;
        }
        let Some(_turn) = self.turns.turn(caller::site()).await else {
            told(&"there are too many others to be fetched");
            return place.last().ok_or(Missing::NotNow);
        };
        // the turn first: whoever waits for one must not hold others up who ask for the same
        let _fetching = place.fetching.lock().await;
        if let Some(found) = place.believed() {
            return found;
        }
        let fetched = self.http.get(url).await.and_then(|(body, cache_control)| {
            let client = content::read(id, &body).map_err(Failed::Gone)?;
            Ok((Arc::new(client), content::lifetime(&cache_control)))
        });
        match fetched.inspect_err(|why| told(why)) {
            Ok((client, lifetime)) => {
                place.good(&client, lifetime);
                Ok(client)
            }
            Err(Failed::Gone(_)) => Err(place.gone(Missing::Nobody)),
            // as for a name that leads nowhere: or anybody could ask us which names there are behind our walls
            Err(Failed::BehindWalls) => Err(place.gone(Missing::NotNow)),
            Err(Failed::Untrusted(_)) => place.unanswered(Missing::Untrusted),
            Err(Failed::Unanswered(_)) => place.unanswered(Missing::NotNow),
        }
    }
}
