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

/// A value that is read again when it changes.
pub(crate) struct Watched<T> {
    value: Mutex<Arc<T>>,
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
        let (value, source) = (Mutex::new(Arc::new(value)), Mutex::new(source));
        Self { value, is_broken: AtomicBool::new(false), source }
    }

    /// The value as it is now; that of before while another one is being read, and while it cannot be.
    pub(crate) fn now(&self) -> Arc<T> {
        let source = match self.source.try_lock() {
            Ok(source) => Some(source),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None, // somebody looks at this moment
        };
        if let Some(mut source) = source.filter(|source| source.looked.elapsed() >= source.every) {
            source.looked = Instant::now();
            match (source.read)(&self.kept()) {
                Ok(new) => {
                    if let Some(new) = new {
                        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                    }
                    self.is_broken.store(false, Relaxed);
                }
                Err(why) if !self.is_broken.swap(true, Relaxed) => error!("{why}"),
                Err(_) => {}
            }
        }
        self.kept()
    }

    /// Is what it is read from as it should be?
    pub(crate) fn is_ready(&self) -> bool {
        self.now();
        !self.is_broken.load(Relaxed)
    }

    fn kept(&self) -> Arc<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: fmt::Debug> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.kept()).finish()
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
        assert_eq!(*watched.kept(), 2);
    }

    #[test]
    fn what_cannot_be_read_changes_nothing_until_it_can() {
        let mut answers = [Err("broken".to_owned()), Ok(None), Ok(Some(2))].into_iter();
        let watched =
            Watched::new(1, Duration::ZERO, move |_: &i32| answers.next().unwrap_or(Ok(None)));
        assert!(!watched.is_ready());
        assert_eq!(*watched.kept(), 1);
        assert!(watched.is_ready());
        assert_eq!(*watched.now(), 2);
    }

    #[test]
    fn it_is_looked_at_only_now_and_then() {
        let watched = Watched::new(1, LOOK, |_: &i32| Err("too early".to_owned()));
        assert!((0..1000).all(|_| watched.is_ready()));
    }
}
