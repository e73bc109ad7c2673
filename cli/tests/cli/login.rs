//! `mcp-auth login`, `logout`, and `call` with a login that is kept.

mod browser;
mod world;

mod embedded;
