//! Who may have us fetch a document now? A few at a time, and of one address fewer: or a stranger with slow documents would keep
//! everybody waiting.

use std::net::IpAddr;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

use super::fetch::TIME;
use crate::each::Each;

/// Documents that are fetched at a time: in all, and for one address.
const ALL: usize = 8;
const OF_ONE: usize = 2;

/// The turns that there are.
pub(super) struct Turns {
    all: Semaphore,
    of_one: Each,
}

/// A turn, until it is dropped.
pub(super) struct Turn<'a>(
    #[expect(dead_code, reason = "given back when it is dropped")]
    (SemaphorePermit<'a>, Option<OwnedSemaphorePermit>),
);

impl Default for Turns {
    fn default() -> Self {
        Self { all: Semaphore::new(ALL), of_one: Each::new(OF_ONE) }
    }
}

impl Turns {
    /// A turn for whoever asks from this address, if one is free soon. Where no address is known, nobody can be told from others.
    pub(super) async fn turn(&self, address: Option<IpAddr>) -> Option<Turn<'_>> {
        let turn = async {
            let of_one = match address.map(|address| self.of_one.of(address)) {
                Some(turns) => Some(turns.acquire_owned().await.ok()?),
                None => None,
            };
            Some(Turn((self.all.acquire().await.ok()?, of_one)))
        };
        timeout(TIME, turn).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_address_has_two_turns_and_all_have_eight() {
        let turns = Turns::default();
        let from = |last: u8| Some(IpAddr::from([10, 0, 0, last]));
        let mut held = Vec::new();
        for last in 1..=4 {
            held.push(turns.turn(from(last)).await.unwrap());
            let second = turns.turn(from(last)).await.unwrap();
            assert!(turns.turn(from(last)).await.is_none(), "a third one of {last}");
            held.push(second);
        }
        assert!(turns.turn(from(5)).await.is_none() && turns.turn(None).await.is_none());
        held.pop();
        assert!(turns.turn(from(5)).await.is_some());
    }
}
