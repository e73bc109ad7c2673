//! What time is it? One answer for a whole server, which tests can give instead.

use std::{fmt, sync::Arc, time::SystemTime};

/// Tells the time in seconds since 1970 (UTC), as `exp` and `iat` count it. The default is the system's clock;
/// one that stands before 1970 tells the end of time, when every token has expired.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that asks this function.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| seconds(SystemTime::now()))
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(i64::MAX, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_wrong_lets_nobody_in() {
        let at =
            |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap();
        assert_eq!((seconds(at(0)), seconds(at(1_700_000_000))), (0, 1_700_000_000));
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1));
        if let Some(before) = before {
            assert_eq!(seconds(before), i64::MAX, "every token has expired");
        }
    }
}
