//! Contract 2: JSON-RPC in both eras, and who may knock.

use crate::Promise;

pub mod answers;
pub mod envelope;
pub mod headers;
pub mod legacy;
pub mod limits;
pub mod notifications;
pub mod origin;
pub mod versions;

/// The promises of lesson 2, by subject.
pub const PARTS: &[&[Promise]] = &[
    envelope::PROMISES,
    answers::PROMISES,
    versions::PROMISES,
    headers::PROMISES,
    legacy::PROMISES,
    notifications::PROMISES,
    limits::PROMISES,
    origin::PROMISES,
];
