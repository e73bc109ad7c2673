//! Why does a client not get what it asks for? (RFC 6749 §5.2)

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use mcp_auth::{issuer::form::Twice, refusal::refuse};
use tracing::{error, info, warn};

use crate::store::StoreError;

/// A request of a client that is not answered with what it wants.
#[derive(Debug)]
pub enum Refused {
    /// 400, with a code of RFC 6749.
    Request(&'static str, &'static str),
    /// 401: the client is unknown, or not who it says. Clients register anew when they hear this.
    Client {
        /// It sent `Authorization`, so it is told how to (RFC 6749 §5.2).
        in_header: bool,
    },
    /// 401: it does not say who it is.
    Nobody,
    /// 401: not the token of this registration (RFC 7592 §2).
    Registration,
    /// 429.
    TooMany {
        /// Seconds until it may try again.
        retry_after: u64,
    },
    /// 429: so many clients have registered at this address and got no token.
    TooManyClients(i64),
    /// 503: this cannot be done at the moment.
    NotNow {
        /// Why.
        why: &'static str,
        /// Seconds until it may try again.
        retry_after: u64,
    },
    /// 500: our fault; the log knows.
    Broken,
}

impl Refused {
    pub(crate) fn new(error: &'static str, why: &'static str) -> Self {
        Self::Request(error, why)
    }

    pub(crate) fn request(why: &'static str) -> Self {
        Self::Request("invalid_request", why)
    }

    pub(crate) fn broken(cause: impl std::fmt::Display) -> Self {
        error!("a request cannot be answered: {cause}");
        Self::Broken
    }

    /// For the log and the audit.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Request(_, why) => why,
            Self::Client { .. } => "an unknown client, or not its proof",
            Self::Nobody => "client_id is missing",
            Self::Registration => "not the registration's token",
            Self::TooMany { .. } => "too many requests",
            Self::TooManyClients(_) => "too many clients of this address have got no token",
            Self::NotNow { why, .. } => why,
            Self::Broken => "this server is broken",
        }
    }
}

impl From<Twice> for Refused {
    fn from(_: Twice) -> Self {
        Self::request("a parameter, or the client's id and secret, stand in the request twice")
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => {
                warn!("a request cannot be answered now: {error}");
                let why = "this server has too much to do";
                Self::NotNow { why, retry_after: 2 }
            }
            error => Self::broken(error),
        }
    }
}

/// To be tried again after so many seconds.
fn later(seconds: u64, refusal: Response) -> Response {
    ([(header::RETRY_AFTER, seconds.to_string())], refusal).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if !matches!(self, Self::TooMany { .. } | Self::Broken) {
            info!("refused: {}", self.reason());
        }
        let unauthorized = |error, text| refuse(StatusCode::UNAUTHORIZED, error, text);
        let slow_down = |text: &str| refuse(StatusCode::TOO_MANY_REQUESTS, "slow_down", text);
        match self {
            Self::Request(error, why) => refuse(StatusCode::BAD_REQUEST, error, why),
            Self::Client { in_header } => {
                let text = "the client is unknown, or has not shown that it is the one";
                let refusal = unauthorized("invalid_client", text);
                if !in_header {
                    return refusal;
                }
                ([(header::WWW_AUTHENTICATE, "Basic realm=\"clients\"")], refusal).into_response()
            }
            Self::Nobody => {
                let text = "client_id is missing; a client with a secret or a key shows that too";
                unauthorized("invalid_client", text)
            }
            Self::Registration => {
                let refusal =
                    unauthorized("invalid_token", "this is not the client's registration token");
                ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
            }
            Self::TooMany { retry_after } => {
                later(retry_after, slow_down("too many requests: wait for a while"))
            }
            Self::TooManyClients(number) => {
                let text = format!(
                    "this address has registered {number} clients, which have not been used; those that get no token are forgotten after a day"
                );
                later(3600, slow_down(&text))
            }
            Self::NotNow { why, retry_after } => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                later(retry_after, refuse(status, "temporarily_unavailable", why))
            }
            Self::Broken => {
                let text = "this cannot be answered at the moment";
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error", text)
            }
        }
    }
}
