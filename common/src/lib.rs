//! The MCP half of what the steps of the workshop share: an HTTP server that lives and dies well,
//! JSON-RPC in both protocol eras, tools and prompts. Nothing in here knows what a token is;
//! authorization is the crate `mcp-auth`, and the two meet in a step.

pub mod calls;
pub mod context;
pub mod jsonrpc;
pub mod legacy;
pub mod list;
mod log;
pub mod modern;
pub mod prompts;
pub mod public_url;
mod request_log;
pub mod server;
pub mod settings;
pub mod tools;
pub mod unread;

pub use context::{Context, Era, RequestId, ServerInfo};
pub use public_url::PublicUrl;
