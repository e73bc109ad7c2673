//! Parts that the library keeps to itself: their files are compiled in here as they stand, so that each can be measured alone.

#![allow(dead_code, missing_docs)]

#[path = "../../mcp-auth/src/cache.rs"]
pub mod cache;
#[path = "../../mcp-auth/src/envelope.rs"]
pub mod envelope;
#[path = "../../mcp-auth/src/secret.rs"]
pub mod secret;
