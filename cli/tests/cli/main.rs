//! The command `mcp-auth` from outside: its results, its exit statuses, its secrets.

mod call;
mod refusals;
mod support;
mod wire;
