//! The settings of a guarded server, as groups for `clap`: flatten those that you use.

use std::time::Duration;

pub use crate::limits::Limits;
pub use crate::origin::Origins;

/// Parses a number of things of which there must be at least one.
pub(crate) fn count(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
    number.ok_or("a whole number from 1 to 1000000 is expected")
}

/// Parses a time limit.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().ok().filter(|n| (1..=3600).contains(n));
    number.map(Duration::from_secs).ok_or("whole seconds from 1 to 3600 are expected")
}
