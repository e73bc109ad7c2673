//! The other party: who makes keys and signs tokens. A resource server needs none of this.

pub mod assertion;
pub mod client;
pub mod disk;
pub mod files;
pub mod form;
pub mod keys;
pub mod server;
