//! Would my server take a bad token? An issuer in process, good tokens of it, and a table of bad ones.
//!
//! For everybody's test suite (feature `testing`, as a dev-dependency): [`Issuer::refuses_bad_tokens`] puts any tower
//! service through the table. It asks first whether the service takes a good token, so that a service that refuses
//! everybody does not pass. A server that fetches the keys of its issuer is tested with [`Issuer::start`].
//!
//! ```
//! use axum::{Router, extract::Request, middleware::{self, Next}, response::{IntoResponse, Response}, routing::post};
//! use mcp_auth::{bearer, challenge::Challenge, jwt::Verifier, testing::Issuer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let resource = "http://localhost:9000/mcp";
//! let issuer = Issuer::new("http://localhost:9000", resource)?;
//!
//! // the server under test: here a door of a few lines
//! let (keys, clock) = (issuer.key_set(), issuer.clock().clone());
//! let verifier = Verifier::new(keys, issuer.name().into(), resource.into(), issuer.leeway());
//! let door = move |request: Request, next: Next| {
//!     let token = bearer::token(request.uri(), request.headers(), 8192).map(str::to_owned);
//!     let checked = token.map(|token| verifier.verify(&token, clock.now()));
//!     async move {
//!         match checked {
//!             Ok(Ok(_)) => next.run(request).await,
//!             Ok(Err(error)) => Challenge::default().refused_token(&error),
//!             Err(error) => Challenge::default().refused_header(error),
//!         }
//!     }
//! };
//! let server = Router::new().route("/mcp", post(|| async { "in" })).layer(middleware::from_fn(door));
//!
//! let report = issuer.refuses_bad_tokens(server, resource).await;
//! assert!(report.is_clean(), "{report}");
//!
//! // a server without a door is found out
//! let open = Router::new().route("/mcp", post(|| async { "in" }));
//! let report = issuer.refuses_bad_tokens(open, resource).await;
//! assert!(report.failures().iter().any(|failure| failure.kind == "alg-none"));
//! # Ok(())
//! # }
//! ```

mod draft;
mod issuer;
mod report;
mod served;
mod table;
mod token;

pub use issuer::Issuer;
pub use report::{Failure, Report};
pub use served::StartError;
pub use table::{Expected, Kind, UnknownKind};
pub use token::Token;
