//! The other party: who makes keys and signs tokens. A resource server needs none of this.

pub mod files;
pub mod keys;
