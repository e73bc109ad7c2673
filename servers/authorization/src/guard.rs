//! What is refused before anybody looks at what it asks for? What is longer than anybody needs, what is sent under a foreign name
//! or by a page of others, and what comes too often.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use mcp_auth::refusal::refuse;

use crate::{Server, audit::Event, caller, rate::Kind, refused::Refused};

/// Letters that the address of a request may have, and bytes that its headers may have together.
const LONGEST_URL: usize = 16 * 1024;
const MOST_HEADERS: usize = 32 * 1024;

/// Refuses what is longer than anybody needs.
pub async fn length(request: Request, next: Next) -> Response {
    let url = request.uri().path_and_query().map_or(0, |all| all.as_str().len());
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if url > LONGEST_URL {
        let text = "the address of this request is too long";
        return refuse(StatusCode::URI_TOO_LONG, "invalid_request", text);
    }
    if headers > MOST_HEADERS {
        let text = "the headers of this request are too long";
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_request", text);
    }
    next.run(request).await
}

/// Refuses what is one too many of one address at the same moment: or one that sends forms letter by letter would have all places.
pub async fn share(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let of_one = server.rates.as_ref().zip(caller::site());
    let share = of_one.map(|(rates, address)| rates.at_once.of(address).try_acquire_owned());
    if let Some(Err(_)) = share {
        let why = "too many requests of this address are being answered";
        return Refused::NotNow { why, retry_after: 1 }.into_response();
    }
    next.run(request).await
}

/// That an answer is from behind the door: whoever was refused before has none.
#[derive(Clone)]
struct LetIn;

/// Marks what was let in, for [`knock`].
pub async fn let_in(mut answer: Response) -> Response {
    answer.extensions_mut().insert(LetIn);
    answer
}

/// Writes down that somebody was not let in by his `Host` or `Origin`. Which it was, and what it said, is in the log.
pub async fn knock(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let is_refused =
        answer.status() == StatusCode::FORBIDDEN && answer.extensions().get::<LetIn>().is_none();
    if is_refused && server.count(Kind::Knock).is_ok() {
        server.audit(&Event::refused("knock", "a foreign name, or a page of others"));
    }
    answer
}

impl Server {
    /// Counts a request, where requests are counted.
    pub(crate) fn count(&self, kind: Kind) -> Result<(), Refused> {
        let Some(rates) = &self.rates else { return Ok(()) };
        rates.count(kind).inspect_err(|_| {
            // a line for each would let whoever sends so many fill the disk
            if rates.is_news() {
                self.audit(&Event::refused("limit", kind.too_many()));
            }
        })
    }
}
