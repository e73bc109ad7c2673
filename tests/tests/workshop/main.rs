//! The tests of the workshop: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod bad_tokens;
mod binaries;
mod calls;
mod commands;
mod contracts;
mod diffs;
mod guarded;
mod keys;
mod lessons;
mod lists;
mod log;
mod notifications;
mod people;
mod process;
mod properties;
mod readme;
mod realms;
mod requirements;
mod running;
mod settings;
mod spoil;
mod stopping;
mod wire;
