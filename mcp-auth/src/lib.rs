#![cfg_attr(all(feature = "jwt", feature = "remote", feature = "testing"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "jwt", feature = "remote", feature = "testing")),
    doc = "Authorization for MCP servers over HTTP: who may knock, whose token is good, what it allows."
)]
//!
//! Without its default features this crate has no cryptography: what is left decides who may
//! knock ([`origin`]) and how much a caller may ask for ([`limits`]).

#[cfg(feature = "jwt")]
pub mod algorithm;
pub mod bearer;
#[cfg(feature = "jwt")]
pub mod cache;
#[cfg(feature = "jwt")]
pub mod call;
pub mod challenge;
pub mod clock;
#[cfg(feature = "jwt")]
mod door;
#[cfg(feature = "jwt")]
mod envelope;
#[cfg(feature = "jwt")]
mod gate;
pub mod identity;
#[cfg(feature = "issuer")]
pub mod issuer;
#[cfg(feature = "jwt")]
pub mod issuers;
#[cfg(feature = "jwt")]
mod jwk;
#[cfg(feature = "jwt")]
pub mod jwks;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "jwt")]
pub mod layer;
pub mod limits;
pub mod members;
#[cfg(feature = "jwt")]
mod message;
pub mod metadata;
mod names;
pub mod origin;
#[cfg(feature = "jwt")]
mod policy;
pub mod refusal;
#[cfg(feature = "remote")]
pub mod remote;
pub mod scopes;
#[cfg(feature = "jwt")]
mod secret;
#[cfg(feature = "jwt")]
mod session;
#[cfg(feature = "clap")]
pub mod settings;
#[cfg(feature = "testing")]
pub mod testing;
mod unread;
#[cfg(feature = "jwt")]
mod unverified;
pub mod verify;

pub use clock::Clock;
pub use identity::Identity;
#[cfg(feature = "jwt")]
pub use layer::AuthLayer;
pub use scopes::{Needs, ScopeSet};
#[cfg(feature = "jwt")]
pub use secret::NoRandomness;
pub use verify::{Cause, VerifyError};
