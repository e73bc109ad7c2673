//! Who reads the log? Perhaps nobody: a pipe that is full must not hold up a server. So one thread writes, and no request waits for it.

use std::{
    io::{IsTerminal as _, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, Thread, ThreadId},
    time::{Duration, Instant},
};

use tracing::{level_filters::LevelFilter, warn};
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Lines that may wait for whoever reads slowly.
const WAITING: usize = 10_000;
/// Bytes that are written in one piece.
const PIECE: usize = 8 << 10;
/// How long lines gather after some were written: to be woken for each would cost more than to write it.
const REST: Duration = Duration::from_millis(2);
/// How long the thread that started the log waits until what it said is written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Log lines go to stderr. `RUST_LOG` is a level, such as `debug`, or levels of parts, such as `step8=debug`; what it does not
/// name is at `info`.
pub(crate) fn start() -> std::io::Result<Lines> {
    let said = std::env::var("RUST_LOG").unwrap_or_default();
    let read = if said.is_empty() { Ok(Targets::new()) } else { said.parse() };
    let levels = read.as_ref().cloned().unwrap_or_default();
    let otherwise = levels.default_level().unwrap_or(LevelFilter::INFO);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = Lines::to(std::io::stderr())?;
    let layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(colour)
        .with_writer(lines.clone())
        .with_filter(levels.with_default(otherwise));
    tracing_subscriber::registry().with(layer).init();
    if let Err(error) = read {
        warn!("RUST_LOG is {said:?}, which cannot be read, so it is info: {error}");
    }
    Ok(lines)
}

/// Takes lines at once. What the thread says that made it is written when it goes on, so that it stands in order with what that
/// thread prints itself; of the others a line is lost when too many wait, and the log says how many are missing.
#[derive(Clone)]
pub(crate) struct Lines {
    queue: SyncSender<Message>,
    missing: Arc<AtomicU64>,
    writer: Thread,
    starter: ThreadId,
}

enum Message {
    Line {
        missing: u64,
        line: Vec<u8>,
    },
    /// All before this is written: whoever waits for it may go on.
    Settled(SyncSender<()>),
}

impl Lines {
    fn to(out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(WAITING);
        let writer = thread::Builder::new().name("log".into());
        let writer = writer.spawn(move || write(&messages, out))?.thread().clone();
        Ok(Self { queue, missing: Arc::default(), writer, starter: thread::current().id() })
    }

    /// Waits until all is written that was said so far; not for long, where nobody reads.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + PATIENCE;
        let (settled, is_settled) = sync_channel(1);
        while self.queue.try_send(Message::Settled(settled.clone())).is_err() {
            if Instant::now() > end {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.writer.unpark();
        let _ = is_settled.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// Writes the lines, those that wait together in one piece. Who reads may be gone: that is no reason to stop, and there is nobody
/// to tell.
fn write(messages: &Receiver<Message>, mut out: impl Write) {
    let (mut text, mut waiting) = (Vec::new(), Vec::new());
    while let Ok(first) = messages.recv() {
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Line { missing, line } => {
                    if missing > 0 {
                        let gap = format!(
                            "{missing} lines are missing here: they came faster than they were read\n"
                        );
                        text.extend_from_slice(gap.as_bytes());
                    }
                    text.extend_from_slice(&line);
                }
                Message::Settled(until) => waiting.push(until),
            }
            if text.len() > PIECE {
                break;
            }
        }
        let _ = out.write_all(&text);
        let is_all = text.len() <= PIECE;
        text.clear();
        for until in waiting.drain(..) {
            let _ = until.send(()); // perhaps he has gone on already
        }
        if is_all {
            thread::park_timeout(REST);
        }
    }
}

impl Write for &Lines {
    /// The subscriber writes each line in one piece.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let missing = self.missing.swap(0, Relaxed);
        let message = Message::Line { missing, line: line.to_vec() };
        if self.queue.try_send(message).is_err() {
            self.missing.fetch_add(missing + 1, Relaxed);
        }
        if thread::current().id() == self.starter {
            self.settle();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{Sender, channel},
    };

    use super::*;

    /// What is written, and who waits until it is let.
    #[derive(Clone)]
    struct Paper(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Receiver<()>>>);

    impl Write for Paper {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            let _ = self.1.lock().unwrap().recv(); // or whoever could let us has gone
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn new() -> (Self, Sender<()>) {
            let (lets, is_let) = channel();
            (Self(Arc::default(), Arc::new(Mutex::new(is_let))), lets)
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn nobody_waits_for_who_does_not_read_and_what_is_missing_is_counted_where_it_is_missing() {
        let (paper, stuck) = Paper::new();
        let log = Lines::to(paper.clone()).unwrap();
        let worker = log.clone();
        // another thread than that which began, as those that answer requests
        let worker = thread::spawn(move || {
            for number in 0..2 * WAITING {
                (&worker).write_all(format!("{number}\n").as_bytes()).unwrap();
            }
        });
        worker.join().unwrap();
        assert!(paper.text().is_empty(), "nobody has read");
        // the one that began waits, but not for ever
        let begun = Instant::now();
        log.settle();
        assert!((PATIENCE..PATIENCE * 5).contains(&begun.elapsed()));
        drop(stuck);
        log.settle();
        (&log).write_all(b"the next\n").unwrap();
        let (text, mut next, mut gaps) = (paper.text(), 0, 0);
        let said = text.strip_suffix("the next\n").unwrap();
        for line in said.lines() {
            if let Some((missing, _)) = line.split_once(" lines are missing here: ") {
                // where the gap is depends on when the thread that writes was first let run
                next += missing.parse::<usize>().unwrap();
                gaps += 1;
            } else {
                assert_eq!(line, next.to_string());
                next += 1;
            }
        }
        assert!(next == 2 * WAITING && gaps > 0, "{gaps} gaps, {next} lines");
    }

    #[test]
    fn what_the_one_who_began_says_is_written_when_he_goes_on() {
        let (paper, _) = Paper::new();
        let log = Lines::to(paper.clone()).unwrap();
        let mut expected = String::new();
        for number in 0..100 {
            (&log).write_all(format!("{number}\n").as_bytes()).unwrap();
            expected += &format!("{number}\n");
            assert_eq!(paper.text(), expected);
        }
    }
}
