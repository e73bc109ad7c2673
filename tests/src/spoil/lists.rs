//! Breakages of tools and prompts, listed and used.

use super::Breakage;

/// Breakages of what lessons 3 and 4 promise.
pub const BREAKAGES: &[Breakage] = &[];
