//! `mcp-auth login`, `logout`, and `call` with a login that is kept.

mod answers;
mod browser;
mod clients;
mod embedded;
mod fake;
mod issuers;
mod kept;
mod metadata;
mod printed;
mod programs;
mod renewed;
mod stepping_up;
mod waiting;
mod world;
