//! Authorization for MCP servers over HTTP: who may knock, whose token is good, what it allows.
//!
//! Without its default features this crate has no cryptography: what is left decides who may
//! knock ([`origin`]) and how much a caller may ask for ([`limits`]).

pub mod limits;
pub mod origin;
pub mod refusal;
#[cfg(feature = "clap")]
pub mod settings;
