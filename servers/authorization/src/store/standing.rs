//! Does an access token still stand? Resource servers ask about each call that they get, many at a time, and each question
//! takes longer to go to the database and back than to be answered there. So whoever comes while one is on its way waits
//! for the next, and goes with all others who have come by then. Each is answered from what the database says after he has asked.

use std::{
    collections::{HashMap, HashSet},
    iter::repeat,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{QueryBuilder, Row as _};
use tokio::sync::oneshot;

use super::{Store, StoreError};

/// Tokens that are asked about together.
const TOGETHER: usize = 32;

/// An access token, by what the database knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its name (`jti`).
    pub jti: String,
    /// The grant that it came of, and the person's stamp as it is now; none where a client acts for itself.
    pub grant: Option<(String, String)>,
}

/// Those who wait, and the turn of whoever goes for all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

type Waiting = (Token, oneshot::Sender<bool>);

impl Asked {
    fn ask(&self, token: Token) -> oneshot::Receiver<bool> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((token, answer));
        answered
    }

    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, answer)| !answer.is_closed()); // some have hung up
        let some = waiting.len().min(TOGETHER);
        waiting.drain(..some).collect()
    }
}

impl Store {
    /// Is this access token still what it was? It was not revoked, and its grant, if it came of one, still stands, and began
    /// under this stamp of the person.
    pub async fn is_good(&self, token: Token) -> Result<bool, StoreError> {
        let mut answered = self.asked.ask(token.clone());
        loop {
            let _turn = tokio::select! {
                biased;
                answer = &mut answered => match answer {
                    Ok(is_good) => return Ok(is_good),
                    // whoever went for us was stopped on the way, or heard that the database fails
                    Err(_) => {
                        answered = self.asked.ask(token.clone());
                        continue;
                    }
                },
                turn = self.asked.turn.lock() => turn,
            };
            // who is ready to ask does so now; else the thread of the database would be waited for with one question at a time
            tokio::task::yield_now().await;
            let asked = self.asked.take();
            let good = self.good(&asked).await?;
            for ((_, answer), is_good) in asked.into_iter().zip(good) {
                let _ = answer.send(is_good); // he may have hung up
            }
        }
    }

    /// Which of these are good?
    async fn good(&self, asked: &[Waiting]) -> Result<Vec<bool>, StoreError> {
        let tokens = || asked.iter().map(|(token, _)| token);
        let mut ask =
            QueryBuilder::new("SELECT jti AS name, NULL AS stamp FROM revoked WHERE jti IN (");
        // so many at a time, or twice as many: the database knows these questions, and need not read them each time
        let places = asked.len().next_power_of_two();
        let filled = |all: Vec<String>| all.into_iter().map(Some).chain(repeat(None)).take(places);
        let mut list = ask.separated(", ");
        for jti in filled(tokens().map(|token| token.jti.clone()).collect()) {
            list.push_bind(jti);
        }
        ask.push(") UNION ALL SELECT id, stamp FROM grants WHERE ended IS NULL AND id IN (");
        let mut list = ask.separated(", ");
        let grants = tokens().filter_map(|token| token.grant.as_ref().map(|(id, _)| id.clone()));
        for id in filled(grants.collect()) {
            list.push_bind(id);
        }
        ask.push(")");
        let (mut revoked, mut standing) = (HashSet::new(), HashMap::new());
        for row in ask.build().fetch_all(&self.reading).await? {
            let name: String = row.try_get("name")?;
            match row.try_get::<Option<String>, _>("stamp")? {
                None => drop(revoked.insert(name)),
                Some(stamp) => drop(standing.insert(name, stamp)),
            }
        }
        let is_good = |token: &Token| {
            let stands = |(id, stamp): &(String, String)| standing.get(id) == Some(stamp);
            !revoked.contains(&token.jti) && token.grant.as_ref().is_none_or(stands)
        };
        Ok(tokens().map(is_good).collect())
    }
}
