//! The tests of the workshop: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod bad_tokens;
mod binaries;
mod contracts;
mod diffs;
mod process;
mod properties;
mod readme;
mod running;
mod settings;
mod spoil;
mod stopping;
mod wire;
