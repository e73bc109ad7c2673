//! What do the benchmarks share? The servers side by side, and the tokens that they are asked with.

pub mod cases;
pub mod document;
pub mod figure;
pub mod handwritten;
#[allow(unreachable_pub)]
pub mod inside;
pub mod machine;
pub mod process;
pub mod sdk;
pub mod servers;
pub mod tokens;
pub mod wrk;

// where the files of `inside` look for them
use inside::secret;
use mcp_auth::Identity;
