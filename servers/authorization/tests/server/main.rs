//! Does the authorization server do what it should, asked as clients and people ask it?
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod attacks;
mod audit;
#[path = "../../../../mcp-auth/tests/library/remote/authority.rs"]
mod authority;
mod browser;
mod changes;
mod crowded;
mod database;
mod decisions;
mod demo;
mod documents;
mod flaws;
mod flow;
mod front;
mod hanging_up;
mod keys;
mod knocking;
mod managing;
mod process;
mod programs;
mod registration;
mod site;
mod steps;
mod store;
mod world;
