//! The command `mcp-auth` from outside: its results, its exit statuses, its secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // all of it is test

mod call;
mod refusals;
mod support;
mod wire;
