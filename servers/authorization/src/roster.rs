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
    changed: Option<SystemTime>,
    looked: Instant,
}

impl Roster {
    /// These people.
    #[must_use]
    pub fn fixed(people: People) -> Self {
        let read = Read { people: Arc::new(people), changed: None, looked: Instant::now() };
        Self { file: None, read: Mutex::new(read) }
    }

    /// Those of this file, beside these and with their rights.
    ///
    /// # Errors
    /// [`PeopleError`], as the file is now.
    pub fn in_file(path: PathBuf, beside: People) -> Result<Self, PeopleError> {
        let changed = changed(&path);
        let people = Arc::new(beside.clone().read(&path)?);
        let read = Read { people, changed, looked: Instant::now() };
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
        let changed = changed(path);
        if changed != read.changed {
            read.changed = changed;
            match beside.clone().read(path) {
                Ok(people) => {
                    info!("the file of people has changed and was read");
                    read.people = Arc::new(people);
                }
                Err(why) => {
                    error!("the people of before stay, because their file is broken: {why}")
                }
            }
        }
        read.people.clone()
    }
}

fn changed(path: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}
