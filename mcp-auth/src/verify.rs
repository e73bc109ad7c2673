//! Is a token good, and if not, why? The log learns the cause; the caller never does.

use std::{future::Future, pin::Pin, time::Duration};

use crate::Identity;

/// Checks tokens: with keys that are at hand, with keys that are fetched, or by asking the issuer.
pub trait Verify: Send + Sync {
    /// Who is calling with this token, at a time in seconds since 1970?
    ///
    /// # Errors
    /// [`VerifyError::Invalid`] for a token that is not taken, [`VerifyError::Unavailable`] when that cannot be told now.
    fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a>;

    /// A number that is raised when verdicts of the past may be wrong: keys or rules have changed, tokens were revoked.
    /// Whoever keeps verdicts forgets them then. Defaults to 0: never.
    fn generation(&self) -> u64 {
        0
    }
}

/// What [`Verify::verify`] finds, when it is awaited.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Identity, VerifyError>> + Send + 'a>>;

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is a bad token: 401, whatever the cause.
    #[error("{0}")]
    Invalid(#[from] Cause),
    /// We cannot tell at the moment, because we have no keys or too much to do: 503.
    #[error("the token cannot be checked now; try again in {} s", retry_after.as_secs())]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What is wrong with a token. For the log and for metrics, not for the caller: an attacker who learns the
/// cause learns what to try next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Not three parts of base64url, or not an object of JSON in which each member stands once.
    #[error("it is not a signed token: {0}")]
    Malformed(&'static str),
    /// `alg` is not the algorithm that this server takes.
    #[error("its algorithm is not the one that this server takes")]
    Algorithm,
    /// The header has a member that would let the token choose how it is checked.
    #[error("its header has `{0}`, by which a token would choose how it is checked")]
    Header(&'static str),
    /// `typ` is that of another kind of token.
    #[error("it is another kind of token than an access token, says `typ` of its {0}")]
    Type(&'static str),
    /// `kid` is missing, or names no key of the issuer.
    #[error("its `kid` names none of the issuer's keys")]
    Key,
    /// The signature is not that of the key.
    #[error("its signature is wrong: somebody else made it, or it was changed")]
    Signature,
    /// `iss` is not our issuer.
    #[error("it is from another issuer (`iss`)")]
    Issuer,
    /// `aud` does not name us.
    #[error("it is for another server (`aud`)")]
    Audience,
    /// `exp` is over.
    #[error("it has expired (`exp`)")]
    Expired,
    /// `nbf` or `iat` is still to come.
    #[error("it is not valid yet (`{0}`)")]
    Early(&'static str),
    /// It is bound to a key of the client, which we cannot check.
    #[error("it is bound to a key of its client (`cnf`), which this server cannot check")]
    Bound,
    /// The client that it was given to is not one of ours.
    #[error("it was given to a client that this server does not know (`client_id`, `azp`)")]
    Client,
    /// A claim is missing, empty or of the wrong type.
    #[error("its claim `{0}` is missing, or not one that is taken here")]
    Claim(&'static str),
}

impl VerifyError {
    /// A word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.reason(),
            Self::Unavailable { .. } => "unavailable",
        }
    }
}

impl Cause {
    /// A word for metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Algorithm => "algorithm",
            Self::Header(_) => "header",
            Self::Type(_) => "type",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::Early(_) => "early",
            Self::Bound => "bound",
            Self::Client => "client",
            Self::Claim(_) => "claim",
        }
    }
}
