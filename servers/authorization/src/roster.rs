//! Who is there now? The file of people, read again when it changes: whoever leaves must not stay until the next restart.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tracing::{error, info};

use crate::people::{People, PeopleError};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// People that stay as they are, or those of a file.
#[derive(Debug)]
pub struct Roster {
    /// The file, and those whom it does not know of.
    file: Option<(PathBuf, People)>,
    read: Mutex<Read>,
}

#[derive(Debug)]
struct Read {
    people: Arc<People>,
    /// What it was like when it was read well.
    seen: Option<Seen>,
    looked: Instant,
    is_broken: bool,
}

/// By what a file is known again: one that is put in another's place may be as old.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    changed: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    place: (u64, i64, i64),
}

impl Roster {
    /// These people.
    #[must_use]
    pub fn fixed(people: People) -> Self {
        let looked = Instant::now();
        let read = Read { people: Arc::new(people), seen: None, looked, is_broken: false };
        Self { file: None, read: Mutex::new(read) }
    }

    /// Those of this file, beside these and with their rights.
    ///
    /// # Errors
    /// [`PeopleError`], as the file is now.
    pub fn in_file(path: PathBuf, beside: People) -> Result<Self, PeopleError> {
        let seen = seen(&path);
        let people = Arc::new(beside.clone().read(&path)?);
        let read = Read { people, seen, looked: Instant::now(), is_broken: false };
        Ok(Self { file: Some((path, beside)), read: Mutex::new(read) })
    }

    /// The people as they are now. While the file is broken, those of before.
    pub fn now(&self) -> Arc<People> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((path, beside)) = &self.file else { return read.people.clone() };
        if read.looked.elapsed() < LOOK {
            return read.people.clone();
        }
        read.looked = Instant::now();
        let seen = seen(path);
        if seen != read.seen || read.is_broken {
            match beside.clone().read(path) {
                Ok(people) => {
                    info!("the file of people has changed and was read");
                    (read.people, read.seen, read.is_broken) = (Arc::new(people), seen, false);
                }
                Err(why) => {
                    if !read.is_broken {
                        error!("the people of before stay, because their file is broken: {why}");
                    }
                    read.is_broken = true;
                }
            }
        }
        read.people.clone()
    }

    /// Is the file as it should be?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.now();
        !self.read.lock().unwrap_or_else(PoisonError::into_inner).is_broken
    }
}

fn seen(path: &std::path::Path) -> Option<Seen> {
    let file = std::fs::metadata(path).ok()?;
    Some(Seen {
        changed: file.modified().ok(),
        length: file.len(),
        #[cfg(unix)]
        place: {
            use std::os::unix::fs::MetadataExt as _;
            (file.ino(), file.ctime(), file.ctime_nsec())
        },
    })
}
