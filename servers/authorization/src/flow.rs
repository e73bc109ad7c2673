//! How does a person come from a client's request to a code? Log in, allow, and back.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use mcp_auth::{
    ScopeSet,
    issuer::{disk::random, form::Form},
};
use tracing::{error, info, warn};

use crate::{
    Server,
    authorize::{Ask, Back, Refused, client_id},
    http::form_of,
    pages,
    store::{Allowed, Binding, Grant, StoreError},
    token::{CODE, GRANT},
};

/// Letters that a client's request may have.
const LONGEST_REQUEST: usize = 8192;
/// Seconds that a person stays logged in.
const SESSION: i64 = 8 * 3600;

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
    error!("{error}");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something is wrong with this server. Try again later.",
    )
}

fn stale() -> Response {
    problem(StatusCode::BAD_REQUEST, "This page was not made for your browser, or it is too old.")
}

impl Server {
    /// The request of a client, believed as far as it can be.
    async fn read(&self, request: &str) -> Result<Ask, Response> {
        let here = |text| problem(StatusCode::BAD_REQUEST, text);
        if request.len() > LONGEST_REQUEST {
            return Err(here(
                "The program that sent you here said more than anybody wants to know.",
            ));
        }
        let form = Form::parse(request.as_bytes());
        let form =
            form.ok_or_else(|| here("The program that sent you here cannot be understood."))?;
        let refused = |refused: Refused| match refused {
            Refused::Here(text) => here(text),
            Refused::There(back, error, why) => {
                self.back(&back, &[("error", error), ("error_description", why)])
            }
        };
        let id = client_id(&form).map_err(refused)?;
        let client = self.find(id).await.map_err(|error| broken(&error))?;
        let client = client
            .ok_or_else(|| here("The program that sent you here is not known to this server."))?;
        Ask::read(client, &form, &self.offer).map_err(refused)
    }

    /// Sends the person back to the client. After a form this must be a 303: a 307 would send the password along.
    fn back(&self, back: &Back, parameters: &[(&str, &str)]) -> Response {
        let uri = back.with(&self.issuer, parameters);
        match HeaderValue::try_from(uri) {
            Ok(uri) => {
                let headers = [
                    (header::LOCATION, uri),
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
                ];
                (StatusCode::SEE_OTHER, headers).into_response()
            }
            Err(_) => {
                problem(StatusCode::BAD_REQUEST, "You cannot be sent back to where you came from.")
            }
        }
    }

    /// Puts a request to the person at this browser.
    async fn put(&self, headers: &HeaderMap, request: &str) -> Shown {
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
    async fn person(&self, visit: &str) -> Result<Option<String>, Response> {
        let person = self.store.session(visit, self.clock.now()).await;
        let person = person.map_err(|error| broken(&error))?;
        Ok(person.filter(|person| self.people.get(person).is_some()))
    }

    fn login_page(
        &self,
        ask: &Ask,
        request: &str,
        visit: Option<&str>,
        name: &str,
        error: Option<&str>,
    ) -> Response {
        let new = random();
        let visit = visit.unwrap_or(&new);
        let csrf = self.cookies.csrf(visit, "login", request);
        let action = format!("{}/login", self.base);
        let form = pages::Form { action: &action, request, csrf: &csrf };
        let status = if error.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        let page = pages::login(ask, &form, name, error, &self.demo);
        let mut answer = pages::answer(status, page, Some(&ask.back.redirect));
        if let Ok(cookie) = self.cookies.set(visit) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    /// Asks the person, unless there is nothing to ask.
    async fn ask_person(&self, ask: &Ask, request: &str, person: &str, visit: &str) -> Shown {
        let Some(scope) = self.within_rights(ask, person) else {
            return Ok(self.nothing_left(ask));
        };
        let had = self.remembered(ask, person).await?.intersection(&scope);
        if scope.is_subset(&had) {
            return self.give_code(ask, person, scope).await;
        }
        let new: Vec<_> = scope.iter().filter(|scope| !had.contains(scope)).collect();
        let had: Vec<_> = had.iter().collect();
        let csrf = self.cookies.csrf(visit, "consent", request);
        let action = format!("{}/consent", self.base);
        let form = pages::Form { action: &action, request, csrf: &csrf };
        let page = pages::consent(ask, &form, person, &new, &had, &|scope| self.words(scope));
        Ok(pages::answer(StatusCode::OK, page, Some(&ask.back.redirect)))
    }

    /// What of it the person may have at all.
    fn within_rights(&self, ask: &Ask, person: &str) -> Option<ScopeSet> {
        let scope = ask.scope.intersection(&self.people.rights(person));
        (!scope.is_empty()).then_some(scope)
    }

    fn nothing_left(&self, ask: &Ask) -> Response {
        let why = "this person may have none of these scopes";
        self.back(&ask.back, &[("error", "access_denied"), ("error_description", why)])
    }

    /// What the person has allowed before, and need not be asked again.
    async fn remembered(&self, ask: &Ask, person: &str) -> Result<ScopeSet, Response> {
        if ask.client.can_be_anybody(&ask.back.redirect) {
            return Ok(ScopeSet::default());
        }
        let had = self.store.consent(person, &ask.client.id, &ask.resource).await;
        had.map_err(|error| broken(&error))
    }

    async fn give_code(&self, ask: &Ask, person: &str, scope: ScopeSet) -> Shown {
        let (now, code) = (self.clock.now(), random());
        let allowed = Allowed {
            client: ask.client.id.clone(),
            person: person.to_owned(),
            resource: ask.resource.clone(),
            scope,
        };
        let grant = Grant { id: random(), allowed };
        let binding =
            Binding { redirect: ask.back.redirect.clone(), challenge: ask.challenge.clone() };
        let kept = self.store.keep_code(&grant, &code, &binding, now + CODE, now + GRANT).await;
        kept.map_err(|error| broken(&error))?;
        info!(client = ask.client.id, person, scope = %grant.allowed.scope, "code given");
        Ok(self.back(&ask.back, &[("code", &code)]))
    }

    /// The parts of a form that a page of ours has sent, and the browser that it was made for.
    async fn ours(
        &self,
        request: Request,
        purpose: &str,
    ) -> Result<(Form, String, String), Response> {
        let (parts, form) = form_of(request).await.map_err(|refused| refused.into_response())?;
        let visit = self.cookies.read(&parts.headers).ok_or_else(stale)?;
        let (Ok(Some(asked)), Ok(Some(csrf))) = (form.one("request"), form.one("csrf")) else {
            return Err(stale());
        };
        if !self.cookies.is_ours(csrf, visit, purpose, asked) {
            warn!("a form for {purpose} was not made for this browser");
            return Err(stale());
        }
        let (asked, visit) = (asked.to_owned(), visit.to_owned());
        Ok((form, asked, visit))
    }

    async fn log_in(&self, request: Request) -> Shown {
        let (form, asked, visit) = self.ours(request, "login").await?;
        let ask = self.read(&asked).await?;
        let text = |name| form.one(name).ok().flatten().unwrap_or_default().to_owned();
        let (name, password) = (text("username"), text("password"));
        let people = self.people.clone();
        let (who, _turn) = (name.clone(), self.logins.acquire().await);
        let is_right = tokio::task::spawn_blocking(move || people.is(&who, &password)).await;
        if !is_right.unwrap_or(false) {
            info!("somebody could not log in");
            let error = "Name or password is wrong.";
            return Ok(self.login_page(&ask, &asked, Some(&visit), &name, Some(error)));
        }
        // a new secret: whoever knew the one from before the login must not be logged in by it
        let session = random();
        let begun = self.store.begin_session(&session, &name, self.clock.now() + SESSION).await;
        begun.map_err(|error| broken(&error))?;
        info!(person = name, "logged in");
        let again = format!("{}/authorize?{asked}", self.base);
        let (Ok(cookie), Ok(again)) = (self.cookies.set(&session), HeaderValue::try_from(again))
        else {
            return Err(stale());
        };
        Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, again)])
            .into_response())
    }

    async fn decide(&self, request: Request) -> Shown {
        let (form, asked, visit) = self.ours(request, "consent").await?;
        let ask = self.read(&asked).await?;
        let Some(person) = self.person(&visit).await? else {
            return Ok(self.login_page(&ask, &asked, Some(&visit), "", None));
        };
        match form.one("decision") {
            Ok(Some("allow")) => {}
            Ok(Some("deny")) => {
                info!(client = ask.client.id, person, "denied");
                let why = "the person has said no";
                return Ok(
                    self.back(&ask.back, &[("error", "access_denied"), ("error_description", why)])
                );
            }
            _ => return Err(stale()),
        }
        let Some(scope) = self.within_rights(&ask, &person) else {
            return Ok(self.nothing_left(&ask));
        };
        if !ask.client.can_be_anybody(&ask.back.redirect) {
            let mut all = self.remembered(&ask, &person).await?;
            all.extend(scope.iter().map(str::to_owned));
            let kept =
                self.store.remember_consent(&person, &ask.client.id, &ask.resource, &all).await;
            kept.map_err(|error| broken(&error))?;
        }
        self.give_code(&ask, &person, scope).await
    }
}
