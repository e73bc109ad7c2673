//! Which tokens are bad, and which only look so? A table: what each tries, and what must come back.

use std::{fmt, str::FromStr};

use super::draft::{Draft, Made};
use crate::Cause;

mod algorithm;
mod audience;
mod header;
mod key;
mod kinds;
mod rights;
mod shape;
mod time;

/// The parts of the table, in its order.
const PARTS: [&[Row]; 8] = [
    shape::ROWS,
    algorithm::ROWS,
    key::ROWS,
    header::ROWS,
    kinds::ROWS,
    audience::ROWS,
    time::ROWS,
    rights::ROWS,
];

/// A row of the table.
struct Row {
    name: &'static str,
    tries: &'static str,
    expected: Expected,
    is_close: bool,
    make: fn(Draft<'_>) -> Made,
}

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// 401 `invalid_token`; the cause is for the log alone.
    Refused(Cause),
    /// What a good token gets.
    Taken,
    /// What a good token without any scope and role gets: it is genuine, and allows nothing.
    Powerless,
}

/// A kind of token from the table. Its name is stable and parses back: `alg-none`.
///
/// ```
/// use mcp_auth::testing::Kind;
/// let kind: Kind = "alg-none".parse()?;
/// assert!(Kind::all().any(|other| other == kind));
/// assert_eq!("alg-nine".parse::<Kind>().unwrap_err().to_string(), "there is no bad token called \"alg-nine\"");
/// # Ok::<(), mcp_auth::testing::UnknownKind>(())
/// ```
#[derive(Clone, Copy)]
pub struct Kind(&'static Row);

impl Kind {
    /// Every kind, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        PARTS.into_iter().flatten().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it tries, and what for: a sentence.
    #[must_use]
    pub fn tries(self) -> &'static str {
        self.0.tries
    }

    /// What must come back.
    #[must_use]
    pub fn expected(self) -> Expected {
        self.0.expected
    }

    /// Is it within a minute of a time limit? Then only a server whose clock is ours can be tried with it.
    #[must_use]
    pub fn is_close(self) -> bool {
        self.0.is_close
    }

    pub(super) fn make(self, draft: Draft<'_>) -> Made {
        (self.0.make)(draft)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kind {}

/// There is no such kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no bad token called {0:?}")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// A token that must be refused, for this cause.
const fn refused(
    name: &'static str,
    tries: &'static str,
    cause: Cause,
    make: fn(Draft<'_>) -> Made,
) -> Row {
    Row { name, tries, expected: Expected::Refused(cause), is_close: false, make }
}

/// A token that must be taken.
const fn taken(name: &'static str, tries: &'static str, make: fn(Draft<'_>) -> Made) -> Row {
    Row { name, tries, expected: Expected::Taken, is_close: false, make }
}

/// A token that must be taken for what it is: one that allows nothing.
const fn powerless(name: &'static str, tries: &'static str, make: fn(Draft<'_>) -> Made) -> Row {
    Row { name, tries, expected: Expected::Powerless, is_close: false, make }
}

/// The same, for a row within a minute of a time limit.
const fn close(row: Row) -> Row {
    Row { is_close: true, ..row }
}
