//! How often may strangers make us ask? A few times at once, then now and then.

use std::time::Duration;

use tokio::time::Instant;

/// Fetches that callers may cause at once.
const SIZE: u32 = 3;
/// The time after which one more is allowed.
pub(super) const REFILL: Duration = Duration::from_secs(30);

/// Three fetches, and one more every 30 s. A token may name any key it likes, without a signature: so whoever names keys
/// that are not there must not make us flood the issuer with questions.
#[derive(Debug)]
pub(super) struct Bucket {
    left: u32,
    filled: Instant,
}

impl Bucket {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: SIZE, filled: now }
    }

    /// Takes one, if one is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.filled).as_secs() / REFILL.as_secs();
        let due = u32::try_from(due).unwrap_or(u32::MAX).min(SIZE);
        if self.left.saturating_add(due) >= SIZE {
            (self.left, self.filled) = (SIZE, now);
        } else {
            self.left += due;
            self.filled += REFILL * due;
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_at_once_and_then_one_in_half_a_minute() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        let taken: Vec<_> =
            [0, 0, 0, 0, 29, 30, 30, 59, 60, 61, 89, 90, 119, 1000, 1000, 1000, 1000]
                .map(|seconds| bucket.take(at(seconds)))
                .to_vec();
        let (yes, no) = (true, false);
        let expected =
            [yes, yes, yes, no, no, yes, no, no, yes, no, no, yes, no, yes, yes, yes, no];
        assert_eq!(taken, expected);
    }
}
