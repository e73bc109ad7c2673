//! What is kept of documents, and which make room for others?

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Client, document::Missing};

/// Documents that are kept.
const MOST: usize = 1000;
/// How long it is believed that there is none: or everybody could have us ask again and again.
pub(super) const NONE: Duration = Duration::from_secs(10);
/// How long a document can be used that has run out, while its address does not answer: its author may have a bad day.
const RUN_OUT: Duration = Duration::from_secs(24 * 3600);

/// What was found at an address.
#[derive(Clone)]
struct Found {
    client: Result<Arc<Client>, Missing>,
    /// Until when nobody asks again.
    until: Instant,
    /// Until when it can be used when nobody answers.
    usable: Instant,
}

/// An address, and what was found there last.
#[derive(Default)]
pub(super) struct Place {
    found: Mutex<Option<Found>>,
    /// Held by whoever fetches it, so that nobody fetches it beside.
    pub(super) fetching: tokio::sync::Mutex<()>,
}

impl Place {
    fn found(&self) -> Option<Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, client: Result<Arc<Client>, Missing>, lifetime: Duration, usable: Instant) {
        let found = Found { client, until: Instant::now() + lifetime, usable };
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// What need not be asked for again.
    pub(super) fn believed(&self) -> Option<Result<Arc<Client>, Missing>> {
        self.found().filter(|found| found.until > Instant::now()).map(|found| found.client)
    }

    /// What was good, and can be used as long as its address does not answer.
    pub(super) fn last(&self) -> Option<Arc<Client>> {
        self.found().filter(|found| found.usable > Instant::now())?.client.ok()
    }

    /// It is this one.
    pub(super) fn good(&self, client: &Arc<Client>, lifetime: Duration) {
        self.keep(Ok(client.clone()), lifetime, Instant::now() + lifetime + RUN_OUT);
    }

    /// There is none, whatever there was before; what is told of that.
    pub(super) fn gone(&self, told: Missing) -> Missing {
        self.keep(Err(told), NONE, Instant::now());
        told
    }

    /// It cannot be had at the moment: what was good stays; else what is told of that.
    pub(super) fn unanswered(&self, told: Missing) -> Result<Arc<Client>, Missing> {
        let usable = self.found().map_or_else(Instant::now, |found| found.usable);
        let client = self.last().ok_or(told);
        self.keep(client.clone(), NONE, usable);
        client
    }

    /// What is forgotten first: what is of no use, then what has run out.
    fn worth(&self) -> u8 {
        match (self.last(), self.believed()) {
            (None, None) => 0,
            (None, Some(_)) => 1,
            (Some(_), None) => 2,
            (Some(_), Some(_)) => 3,
        }
    }
}

/// All places.
#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<String, Arc<Place>>>);

impl Places {
    /// Where the document of this id is kept. When there are too many, one makes room that nobody is asking about.
    pub(super) fn place(&self, id: &str) -> Arc<Place> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.get(id) {
            return place.clone();
        }
        if kept.len() >= MOST {
            let is_in_use = |place: &Arc<Place>| Arc::strong_count(place) > 1;
            kept.retain(|_, place| is_in_use(place) || place.worth() > 0);
            let idle = kept.iter().filter(|(_, place)| !is_in_use(place));
            let least = idle.min_by_key(|(_, place)| place.worth()).map(|(id, _)| id.clone());
            if kept.len() >= MOST {
                least.and_then(|least| kept.remove(&least));
            }
        }
        kept.entry(id.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::content::read;

    fn somebody() -> Arc<Client> {
        let text =
            r#"{"client_id": "https://a.example/c", "redirect_uris": ["https://a.example/"]}"#;
        Arc::new(read("https://a.example/c", text.as_bytes()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn documents_that_are_kept_have_an_end_and_make_room() {
        let kept = Places::default();
        let is_kept = |id: &str| kept.0.lock().unwrap().contains_key(id);
        kept.place("good").good(&somebody(), Duration::from_secs(600));
        kept.place("run out").good(&somebody(), Duration::from_secs(1));
        for n in 2..MOST {
            kept.place(&n.to_string()).gone(Missing::Nobody);
        }
        tokio::time::advance(NONE).await;
        let in_use = kept.place("2");
        kept.place("new").gone(Missing::Nobody);
        assert!(is_kept("good") && is_kept("run out") && is_kept("2") && is_kept("new"));
        assert!(!is_kept("3"), "it is believed no longer");
        for n in 0..2 * MOST {
            kept.place(&format!("nobody {n}")).gone(Missing::Nobody);
        }
        assert!(
            is_kept("good") && is_kept("run out"),
            "what is none pushes out nothing that is one"
        );
        for n in 0..2 * MOST {
            kept.place(&format!("somebody {n}")).good(&somebody(), Duration::from_secs(60));
        }
        assert!(kept.0.lock().unwrap().len() <= MOST && is_kept("2") && !is_kept("run out"));
        drop(in_use);
    }
}
