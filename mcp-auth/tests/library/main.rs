//! The tests of the library: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod bad_tokens;
mod challenge;
mod client;
mod depth;
mod examples;
mod identity;
mod issuer;
mod jwks;
mod layer;
mod limits;
mod metadata;
mod origin;
mod policy;
mod properties;
mod remote;
mod scopes;
mod service;
mod token_endpoint;
