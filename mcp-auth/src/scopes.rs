//! What may a caller do? Sets of scopes, by whole words (RFC 6749 §3.3).

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// Scopes: whole words, compared exactly. `mcp:tools` is in `mcp:read mcp:tools`, and not in `xmcp:toolsy`.
///
/// ```
/// use mcp_auth::ScopeSet;
/// let granted: ScopeSet = "mcp:read mcp:tools".parse()?;
/// assert!(granted.contains("mcp:read"));
/// assert!(!granted.contains("mcp"));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<String>);

impl ScopeSet {
    /// Is this scope among them?
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in the order of the alphabet.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|scope| other.contains(scope)).collect()
    }

    /// Adds all of the other set.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Are all of them in the other set?
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Reads the scopes of a claim: a string of words between blanks, or a list of words.
    /// `None` when it is anything else: a value that could be read two ways is read by nobody.
    #[must_use]
    pub fn from_claim(claim: &Value) -> Option<Self> {
        match claim {
            Value::String(words) => words.parse().ok(),
            Value::Array(list) => {
                let word =
                    |value: &Value| value.as_str().filter(|w| !w.contains(' ')).map(str::to_owned);
                let words: Option<BTreeSet<_>> = list.iter().map(word).collect();
                words.map(|mut words| {
                    words.remove("");
                    Self(words)
                })
            }
            _ => None,
        }
    }
}

impl std::str::FromStr for ScopeSet {
    type Err = std::convert::Infallible;

    fn from_str(words: &str) -> Result<Self, Self::Err> {
        Ok(words.split(' ').collect())
    }
}

impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self(words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

impl<'a> Extend<&'a str> for ScopeSet {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, words: I) {
        self.append(words.into_iter().collect());
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if place == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What a caller would need. A service leaves it in the extensions of its answer, a 403, and whoever guards the
/// service writes the challenge (A9). The rest of that answer is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs(pub ScopeSet);
