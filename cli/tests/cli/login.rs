//! `mcp-auth login`, `logout`, and `call` with a login that is kept.

mod answers;
mod browser;
mod clients;
mod embedded;
mod fake;
mod kept;
mod metadata;
mod renewed;
mod stepping_up;
mod world;
