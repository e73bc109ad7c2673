//! Why did nobody answer? What the libraries say, in a sentence.

use std::{error::Error as _, io::ErrorKind};

use super::target::Target;
use crate::exit::Failure;

/// Why is there no answer at all?
pub fn unreachable(error: &reqwest::Error, target: &Target) -> Failure {
    let (origin, mut cause) = (target.origin(), error.source());
    while let Some(error) = cause {
        let refused = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if refused == Some(ErrorKind::ConnectionRefused) {
            return Failure::unreachable(format!(
                "nobody listens at {origin}: is the server running, and is this its port?"
            ));
        }
        cause = error.source();
    }
    let what = if error.is_connect() { "cannot be reached" } else { "gave no answer" };
    let reason = root(error);
    let is_plain = reason.contains("InvalidContentType"); // what rustls says of an answer that is not TLS
    let hint = if is_plain { "; it does not speak TLS: is http:// meant?" } else { "" };
    Failure::unreachable(format!("{origin} {what}: {reason}{hint}"))
}

/// The innermost reason: the outer ones say only that there is an inner one.
pub fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
