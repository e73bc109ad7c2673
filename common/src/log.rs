//! Who reads the log? Perhaps nobody: a pipe that is full must not hold up a server. So a thread of its own writes, and no request
//! waits for it; of those that come while too many wait, lines are lost.

use std::io::IsTerminal as _;

use tracing::{level_filters::LevelFilter, warn};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Lines that may wait for whoever reads slowly.
const WAITING: usize = 10_000;

/// What is written until this value goes; not for long, where nobody reads.
pub(crate) struct Log {
    lost: ErrorCounter,
    _written: WorkerGuard,
}

/// Log lines go to stderr. `RUST_LOG` is a level, such as `debug`, or levels of parts, such as `step8=debug`; what it does not
/// name is at `info`.
pub(crate) fn start() -> Log {
    let said = std::env::var("RUST_LOG").unwrap_or_default();
    let read = if said.is_empty() { Ok(Targets::new()) } else { said.parse() };
    let levels = read.as_ref().cloned().unwrap_or_default();
    let otherwise = levels.default_level().unwrap_or(LevelFilter::INFO);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING);
    let (lines, written) = builder.thread_name("log").finish(std::io::stderr());
    let lost = lines.error_counter();
    let layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(colour)
        .with_writer(lines)
        .with_filter(levels.with_default(otherwise));
    tracing_subscriber::registry().with(layer).init();
    if let Err(error) = read {
        warn!("RUST_LOG is {said:?}, which cannot be read, so it is info: {error}");
    }
    Log { lost, _written: written }
}

impl Drop for Log {
    fn drop(&mut self) {
        match self.lost.dropped_lines() {
            0 => {}
            lost => {
                warn!("{lost} lines of this log were lost: they came faster than they were read")
            }
        }
    }
}
