//! Authorization for MCP servers over HTTP: who may knock, whose token is good, what it allows.
//!
//! Without its default features this crate has no cryptography: what is left decides who may
//! knock ([`origin`]) and how much a caller may ask for ([`limits`]).

pub mod bearer;
pub mod challenge;
pub mod clock;
pub mod identity;
#[cfg(feature = "issuer")]
pub mod issuer;
#[cfg(feature = "jwt")]
pub mod jwks;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod limits;
pub mod members;
pub mod metadata;
pub mod origin;
pub mod refusal;
pub mod scopes;
#[cfg(feature = "clap")]
pub mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;

pub use clock::Clock;
pub use identity::Identity;
pub use scopes::{Needs, ScopeSet};
pub use verify::{Cause, VerifyError};
