//! What stands in files now? Whoever asks first after a second looks, and reads what has changed; all others go on with what was
//! there before, and wait for nobody.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tracing::error;

/// How often files are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// How old a value may be that is given to who does not wait.
const OLD: Duration = Duration::from_secs(3);

/// A value that is read again when it changes.
pub(crate) struct Watched<T> {
    /// With the time at which it was so.
    value: Mutex<(Arc<T>, Instant)>,
    is_broken: AtomicBool,
    source: Mutex<Source<T>>,
}

struct Source<T> {
    every: Duration,
    looked: Instant,
    read: Read<T>,
}

/// What is there now, if it is something else than this; or one sentence.
type Read<T> = Box<dyn FnMut(&T) -> Result<Option<T>, String> + Send>;

impl<T> Watched<T> {
    /// This value, until there is another one. The sentence of an error is for the log, once until it is mended.
    pub(crate) fn new(
        value: T,
        every: Duration,
        read: impl FnMut(&T) -> Result<Option<T>, String> + Send + 'static,
    ) -> Self {
        let source = Source { every, looked: Instant::now(), read: Box::new(read) };
        let value = Mutex::new((Arc::new(value), Instant::now()));
        Self { value, is_broken: AtomicBool::new(false), source: Mutex::new(source) }
    }

    /// The value as it is now; that of before while another one is being read, if it is not older than a few looks, and while it
    /// cannot be.
    pub(crate) fn now(&self) -> Arc<T> {
        let source = match self.source.try_lock() {
            Ok(source) => Some(source),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if self.kept().1.elapsed() > OLD => {
                // nobody has asked for a while: whoever has left since then must not come in beside him who looks at this moment
                Some(self.source.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Err(TryLockError::WouldBlock) => None,
        };
        if let Some(mut source) = source.filter(|source| source.looked.elapsed() >= source.every) {
            source.looked = Instant::now();
            let before = self.kept().0;
            let is_so = |value| {
                *self.value.lock().unwrap_or_else(PoisonError::into_inner) =
                    (value, Instant::now());
            };
            match (source.read)(&before) {
                Ok(new) => {
                    is_so(new.map_or(before, Arc::new));
                    self.is_broken.store(false, Relaxed);
                }
                Err(why) => {
                    is_so(before); // as far as anybody can know
                    if !self.is_broken.swap(true, Relaxed) {
                        error!("{why}");
                    }
                }
            }
        }
        self.kept().0
    }

    /// Is what it is read from as it should be?
    pub(crate) fn is_ready(&self) -> bool {
        self.now();
        !self.is_broken.load(Relaxed)
    }

    fn kept(&self) -> (Arc<T>, Instant) {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: fmt::Debug> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.kept().0).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, thread};

    use super::*;

    #[test]
    fn nobody_waits_while_another_one_reads() {
        let (begun, has_begun) = channel();
        let (free, is_free) = channel();
        let watched = Arc::new(Watched::new(1, Duration::ZERO, move |before: &i32| {
            begun.send(()).unwrap();
            is_free.recv().unwrap();
            Ok(Some(before + 1))
        }));
        let reading = watched.clone();
        let reader = thread::spawn(move || *reading.now());
        has_begun.recv().unwrap();
        assert_eq!(*watched.now(), 1, "what was there before");
        free.send(()).unwrap();
        assert_eq!(reader.join().unwrap(), 2);
        assert_eq!(*watched.kept().0, 2);
    }

    #[test]
    fn after_a_long_silence_everybody_waits_for_who_reads() {
        let (begun, has_begun) = channel();
        let (free, is_free) = channel();
        let mut first = true;
        let watched = Arc::new(Watched::new(1, Duration::ZERO, move |_: &i32| {
            if std::mem::take(&mut first) {
                begun.send(()).unwrap();
                is_free.recv().unwrap();
            }
            Ok(Some(2))
        }));
        watched.value.lock().unwrap().1 = Instant::now().checked_sub(OLD * 2).unwrap();
        let ask = |watched: &Arc<Watched<i32>>| {
            let watched = watched.clone();
            thread::spawn(move || *watched.now())
        };
        let reader = ask(&watched);
        has_begun.recv().unwrap();
        let other = ask(&watched);
        thread::sleep(Duration::from_millis(50)); // if it did not wait, it would have its answer by now
        assert!(!other.is_finished());
        free.send(()).unwrap();
        assert_eq!((reader.join().unwrap(), other.join().unwrap()), (2, 2));
    }

    #[test]
    fn what_cannot_be_read_changes_nothing_until_it_can() {
        let mut answers = [Err("broken".to_owned()), Ok(None), Ok(Some(2))].into_iter();
        let watched =
            Watched::new(1, Duration::ZERO, move |_: &i32| answers.next().unwrap_or(Ok(None)));
        assert!(!watched.is_ready());
        assert_eq!(*watched.kept().0, 1);
        assert!(watched.is_ready());
        assert_eq!(*watched.now(), 2);
    }

    #[test]
    fn it_is_looked_at_only_now_and_then() {
        let watched = Watched::new(1, LOOK, |_: &i32| Err("too early".to_owned()));
        assert!((0..1000).all(|_| watched.is_ready()));
    }
}
