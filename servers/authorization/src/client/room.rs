//! How many clients may register themselves?

/// How many clients there may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// In all.
    pub most: i64,
    /// From one address, without a token yet.
    pub from_one: i64,
    /// Seconds that a client has for its first token before it may have to make room.
    pub spared: i64,
}

impl Default for Room {
    fn default() -> Self {
        Self { most: 10_000, from_one: 100, spared: 600 }
    }
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Yes,
    /// There are as many as may be, and each is in use or new.
    Full,
    /// So many are from its address and have got no token yet.
    TooManyFromOne(i64),
}
