//! Starts the authorization server.

fn main() {}
