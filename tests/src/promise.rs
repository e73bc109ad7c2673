//! What is a promise? One sentence about a server, and the function that finds out if it is true.

use std::{future::Future, pin::Pin};

use crate::Target;

/// Nothing, or a sentence: what was expected and what came.
pub type Kept = Result<(), String>;

type Checking<'a> = Pin<Box<dyn Future<Output = Kept> + Send + 'a>>;

/// A promise of a contract.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// A name for programs and tables: `unknown_paths_are_404`.
    pub name: &'static str,
    /// The requirements of `docs/requirements.md` that it proves, separated by blanks.
    pub proves: &'static str,
    /// The promise itself, for people.
    pub says: &'static str,
    /// Does it need tokens that no server gives out, signed with the keys that the server trusts?
    pub signs: bool,
    /// Finds out.
    pub check: fn(&Target) -> Checking<'_>,
}

/// Lists async functions `fn(&Target) -> Kept` as promises: name, requirements, sentence. Those that sign
/// tokens are listed apart, after `signs: true;`.
#[macro_export]
macro_rules! promises {
    ($($name:ident, $proves:literal, $says:literal;)*) => {
        $crate::promises!(signs: false; $($name, $proves, $says;)*)
    };
    (signs: $signs:literal; $($name:ident, $proves:literal, $says:literal;)*) => {
        &[$($crate::Promise {
            name: stringify!($name),
            proves: $proves,
            says: $says,
            signs: $signs,
            check: |target| Box::pin($name(target)),
        }),*]
    };
}

/// Ends a check with a sentence if something does not hold.
#[macro_export]
macro_rules! demand {
    ($holds:expr, $($sentence:tt)+) => {
        if !$holds {
            return Err(format!($($sentence)+));
        }
    };
}
