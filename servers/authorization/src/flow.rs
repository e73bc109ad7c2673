//! How does a person come from a client's request to a code? Log in, allow, and back.

mod consent;
mod login;
mod posted;

use std::sync::Arc;

use axum::{
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use mcp_auth::issuer::form::Form;
use tracing::{error, info, warn};

use crate::{
    Server,
    audit::{Event, Outcome},
    authorize::{Ask, Back, Problem, client_id},
    caller,
    client::{Client, Source},
    pages,
    rate::Kind,
    redirect,
    refused::Refused,
    store::StoreError,
};

/// Letters that a client's request may have.
const LONGEST_REQUEST: usize = 8192;

/// What a person or his client gets to see.
type Shown = Result<Response, Response>;

/// `GET /authorize`.
pub async fn authorize(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let request = query.unwrap_or_default();
    let (Ok(shown) | Err(shown)) = server.put(&headers, &request).await;
    shown
}

/// `POST /login`.
pub async fn login(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (Ok(shown) | Err(shown)) = server.log_in(request).await;
    shown
}

/// `POST /consent`.
pub async fn consent(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (Ok(shown) | Err(shown)) = server.decide(request).await;
    shown
}

fn problem(status: StatusCode, text: &str) -> Response {
    info!("shown to a person: {text}");
    pages::answer(status, pages::problem(text), None)
}

fn broken(error: &StoreError) -> Response {
    if let StoreError::Busy = error {
        warn!("a page cannot be shown now: {error}");
        let text = "This server is busy. Try again in a moment.";
        let page = problem(StatusCode::SERVICE_UNAVAILABLE, text);
        return ([(header::RETRY_AFTER, "2")], page).into_response();
    }
    error!("{error}");
    sorry()
}

fn sorry() -> Response {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something is wrong with this server. Try again later.",
    )
}

/// A person at a browser, under the stamp that he had when he logged in: what he allows now ends with that one too.
struct LoggedIn {
    name: String,
    stamp: String,
}

/// Can this stand in an address, as it did when it came? It goes into one again.
fn is_query(request: &str) -> bool {
    request.bytes().all(|byte| byte.is_ascii_graphic())
}

/// On to this page, with a GET: a 307 would send the password along.
fn to(location: HeaderValue, cookie: Option<HeaderValue>) -> Response {
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    let mut answer = (StatusCode::SEE_OTHER, headers).into_response();
    if let Some(cookie) = cookie {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

impl Server {
    fn visited(&self) -> Result<(), Response> {
        self.count(Kind::Page).map_err(|_| {
            let text = "Too many pages were asked for from where you are. Wait a minute.";
            let page = problem(StatusCode::TOO_MANY_REQUESTS, text);
            ([(header::RETRY_AFTER, "60")], page).into_response()
        })
    }

    fn decided(&self, event: &'static str, outcome: Outcome, reason: &str, about: Who<'_>) {
        let Who { client, person, resource } = about;
        let reason = Some(reason);
        self.audit(&Event { event, outcome, reason, client, person, resource, ..Event::default() });
    }

    /// The request of a client, believed as far as it can be.
    async fn read(&self, request: &str) -> Result<Ask, Response> {
        let here = |text| {
            self.decided("authorize", Outcome::Refused, text, Who::default());
            problem(StatusCode::BAD_REQUEST, text)
        };
        if request.len() > LONGEST_REQUEST {
            return Err(here(
                "The program that sent you here said more than anybody wants to know.",
            ));
        }
        let form = Form::parse(request.as_bytes()).filter(|_| is_query(request));
        let form =
            form.ok_or_else(|| here("The program that sent you here cannot be understood."))?;
        let id = client_id(&form).map_err(here)?;
        let client = self.find(id).await.map_err(|refused| self.unfound(&refused))?;
        let client = client
            .ok_or_else(|| here("The program that sent you here is not known to this server."))?;
        Ask::read(client.clone(), &form, &self.offer).map_err(|problem| match problem {
            Problem::Here(text) => {
                caller::is(caller::Named::Claimed(client.id.clone()));
                here(text)
            }
            Problem::There(back, error, why) => {
                let who = Who { client: Some(&client.id), ..Who::default() };
                self.decided("authorize", Outcome::Refused, why, who);
                self.refuse(&client, &back, error, why)
            }
        })
    }

    /// For a request of whom nobody knows at the moment who sends it.
    fn unfound(&self, refused: &Refused) -> Response {
        let Refused::NotNow { why, retry_after } = refused else { return sorry() };
        self.decided("authorize", Outcome::Refused, why, Who::default());
        let text = format!(
            "The program that sent you here cannot be looked up now: {why}. Try again in a moment."
        );
        let page = problem(StatusCode::SERVICE_UNAVAILABLE, &text);
        ([(header::RETRY_AFTER, retry_after.to_string())], page).into_response()
    }

    /// Tells the client that there is nothing to ask the person. Where nobody here knows the client, the person goes there by himself
    /// or not at all: else a link to this server would lead anywhere that somebody has registered (RFC 9700 §4.11.2).
    fn refuse(&self, client: &Client, back: &Back, error: &str, why: &str) -> Response {
        let parameters = [("error", error), ("error_description", why)];
        if client.source == Source::File || redirect::is_loopback(&back.redirect) {
            return self.back(back, &parameters);
        }
        let page = pages::refused(client, why, &back.with(&self.issuer, &parameters));
        pages::answer(StatusCode::BAD_REQUEST, page, None)
    }

    /// Sends the person back to the client.
    fn back(&self, back: &Back, parameters: &[(&str, &str)]) -> Response {
        match HeaderValue::from_str(&back.with(&self.issuer, parameters)) {
            Ok(uri) => to(uri, None),
            Err(_) => {
                problem(StatusCode::BAD_REQUEST, "You cannot be sent back to where you came from.")
            }
        }
    }

    /// Puts a request to the person at this browser.
    async fn put(&self, headers: &HeaderMap, request: &str) -> Shown {
        self.visited()?;
        let ask = self.read(request).await?;
        let visit = self.cookies.read(headers);
        let person = match visit {
            Some(visit) => self.person(visit).await?,
            None => None,
        };
        match (person, visit) {
            (Some(person), Some(visit)) => self.ask_person(&ask, request, &person, visit).await,
            _ => Ok(self.login_page(&ask, request, visit, "", None)),
        }
    }

    /// Who is logged in at this browser?
    async fn person(&self, visit: &str) -> Result<Option<LoggedIn>, Response> {
        let person = self.store.session(visit, self.clock.now()).await;
        let person = person.map_err(|error| broken(&error))?;
        let people = self.people.now();
        let person = person.filter(|(name, stamp)| people.under(name, stamp).is_some());
        Ok(person.map(|(name, stamp)| LoggedIn { name, stamp }))
    }
}

/// Whom a decision is about.
#[derive(Clone, Copy, Default)]
struct Who<'a> {
    client: Option<&'a str>,
    person: Option<&'a str>,
    resource: Option<&'a str>,
}

impl<'a> Who<'a> {
    fn of(ask: &'a Ask, person: Option<&'a str>) -> Self {
        Self { client: Some(&ask.client.id), person, resource: Some(&ask.resource) }
    }
}
