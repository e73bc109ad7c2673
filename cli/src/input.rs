//! How does a token get in? As an argument or, so that no other user of the machine sees it, on stdin.

use std::io::Read as _;

use crate::exit::Failure;

/// More than this is no token.
const MAX: u64 = 1 << 20;

/// The token itself, or what stdin has if it is `-`; without blanks around it.
pub fn token(given: &str) -> Result<String, Failure> {
    let mut text = String::new();
    if given == "-" {
        std::io::stdin().lock().take(MAX).read_to_string(&mut text).map_err(|error| {
            Failure::usage(format!("the token cannot be read from stdin: {error}"))
        })?;
    } else {
        given.clone_into(&mut text);
    }
    Ok(text.trim().to_owned())
}
