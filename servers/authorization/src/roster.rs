//! Who is there now? The file of people, read again when it changes: whoever leaves must not stay until the next restart.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use tracing::{info, warn};

use crate::{
    people::{People, PeopleError},
    watched::{LOOK, Watched},
};

/// People that stay as they are, or those of a file.
#[derive(Debug)]
pub struct Roster(Watched<People>);

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
        Self(Watched::new(people, LOOK, |_| Ok(None)))
    }

    /// Those of this file, beside these and with their rights.
    ///
    /// # Errors
    /// [`PeopleError`], as the file is now.
    pub fn in_file(path: PathBuf, beside: People) -> Result<Self, PeopleError> {
        let mut last = seen(&path);
        let people = read(&path, &beside)?;
        Ok(Self(Watched::new(people, LOOK, move |_| {
            let now = seen(&path);
            if now.is_some() && now == last {
                return Ok(None);
            }
            let people = read(&path, &beside).map_err(|why| {
                format!("the people of before stay, because their file is broken: {why}")
            })?;
            last = now;
            info!("the file of people has changed and was read");
            Ok(Some(people))
        })))
    }

    /// The people as they are now. While the file is broken, those of before.
    pub fn now(&self) -> Arc<People> {
        self.0.now()
    }

    /// Is the file as it should be?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

/// Reads the file, and says which roles in it open nothing.
fn read(path: &Path, beside: &People) -> Result<People, PeopleError> {
    let people = beside.clone().read(path)?;
    for (role, name) in people.unknown_roles().collect::<BTreeMap<_, _>>() {
        warn!(
            "the role {role:?}, which {name} has in {}, opens nothing: there is none of this name under [roles] (--config FILE)",
            path.display()
        );
    }
    Ok(people)
}

fn seen(path: &Path) -> Option<Seen> {
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
