//! The command `mcp-auth`.

fn main() {}
