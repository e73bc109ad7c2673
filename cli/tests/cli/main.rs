//! The command `mcp-auth` from outside: its results, its exit statuses, its secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // all of it is test

mod bad;
mod call;
mod dotenv;
mod inspect;
mod keys;
mod login;
mod odd;
mod refusals;
mod support;
mod token;
mod wire;
mod workshop;
