//! Clients that are documents at their own address (S5). Whoever asks for a code chooses what we fetch.

mod content;
mod fetching;
mod lasting;
mod untrusted;
mod walls;

use std::time::Duration;

/// Lets so many seconds pass for what waits.
pub async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}
