//! Is it so? Asks promises of a target, one after the other, and reports.

use std::{fmt, time::Duration};

use crate::{Kept, Promise, Target, contracts};

/// How long a promise may take to be found out.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was found out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// A line per promise, in the order of asking.
    pub lines: Vec<Line>,
}

/// One promise, found out.
#[derive(Clone, Debug)]
pub struct Line {
    /// The promise.
    pub promise: &'static Promise,
    /// Whether it was kept.
    pub kept: Kept,
}

impl Report {
    /// The promises that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.kept.is_err())
    }

    /// Was something asked, and all of it kept?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.lines.is_empty() && self.broken().next().is_none()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kept {
            Ok(()) => write!(f, "ok      {}", self.promise.name),
            Err(sentence) => write!(f, "BROKEN  {}: {sentence}", self.promise.name),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.broken() {
            writeln!(f, "{line}")?;
        }
        write!(f, "{} promises, {} broken", self.lines.len(), self.broken().count())
    }
}

/// Asks one promise.
pub async fn ask(target: &Target, promise: &'static Promise) -> Line {
    let kept = tokio::time::timeout(PATIENCE, (promise.check)(target)).await;
    let late = || Err(format!("nothing was found out within {} s", PATIENCE.as_secs()));
    Line { promise, kept: kept.unwrap_or_else(|_| late()) }
}

/// Asks these promises.
pub async fn all(target: &Target, promises: impl IntoIterator<Item = &'static Promise>) -> Report {
    let mut report = Report::default();
    for promise in promises {
        report.lines.push(ask(target, promise).await);
    }
    report
}

/// Asks the contracts 1 to the target's step.
pub async fn contracts(target: &Target) -> Report {
    all(target, (1..=target.step).flat_map(contracts::of)).await
}
