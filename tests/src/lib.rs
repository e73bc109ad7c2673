//! Contracts that judge every step of the workshop, and anybody's server.
//!
//! A [`Promise`] is one sentence about a server, and a function that finds out whether it is true
//! of a [`Target`]: an axum router in this process, or a URL. There is one contract, a list of
//! promises, per lesson ([`contracts`]); step N keeps the contracts 1 to N.
//!
//! ```no_run
//! # async fn doc(router: axum::Router) -> Result<(), String> {
//! use workshop_tests::{Target, judge};
//!
//! let target = Target::app(router, "http://localhost:9000/mcp", 4)?;
//! let report = judge::contracts(&target).await;
//! assert!(report.is_kept(), "{report}");
//! # Ok(())
//! # }
//! ```

#[macro_use]
pub mod promise;

pub mod answer;
pub mod browser;
pub mod call;
pub mod challenge;
pub mod contracts;
pub mod guarded;
pub mod issuer;
pub mod judge;
mod reach;
pub mod spoil;
pub mod steps;
pub mod target;
pub mod wire;

pub use answer::Answer;
pub use call::Call;
pub use promise::{Kept, Promise};
pub use target::{Target, Token};
