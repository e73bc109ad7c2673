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
    audit::{Event, Outcome},
    authorize::{Ask, Back, Refused, client_id},
    caller,
    client::{Client, Origin},
    http::form_of,
    pages,
    rate::Kind,
    redirect,
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
    let shown = async {
        server.visited()?;
        server.put(&headers, &request).await
    };
    let (Ok(shown) | Err(shown)) = shown.await;
    shown
}

/// `POST /login`.
pub async fn login(State(server): State<Arc<Server>>, request: Request) -> Response {
    let shown = async {
        server.visited()?;
        server.log_in(request).await
    };
    let (Ok(shown) | Err(shown)) = shown.await;
    shown
}

/// `POST /consent`.
pub async fn consent(State(server): State<Arc<Server>>, request: Request) -> Response {
    let shown = async {
        server.visited()?;
        server.decide(request).await
    };
    let (Ok(shown) | Err(shown)) = shown.await;
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

/// What a page of ours has sent back.
struct Posted {
    form: Form,
    /// The client's request.
    request: String,
    /// By which we may know that the page was ours.
    csrf: String,
    /// The browser's cookie.
    visit: String,
}

/// What a page to allow shows beside the request. It is part of the proof that the page was ours: a client that changes its
/// registration while somebody reads would else get what nobody has seen.
fn shown(ask: &Ask, person: &str, scope: &ScopeSet) -> String {
    format!("consent {person:?} {:?} {:?}", scope.to_string(), ask.client.name)
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
        let form = Form::parse(request.as_bytes());
        let form =
            form.ok_or_else(|| here("The program that sent you here cannot be understood."))?;
        let id = client_id(&form).map_err(here)?;
        let client = self.find(id).await.map_err(|error| broken(&error))?;
        let client = client
            .ok_or_else(|| here("The program that sent you here is not known to this server."))?;
        Ask::read(client.clone(), &form, &self.offer).map_err(|refused| match refused {
            Refused::Here(text) => here(text),
            Refused::There(back, error, why) => {
                let who = Who { client: Some(&client.id), ..Who::default() };
                self.decided("authorize", Outcome::Refused, why, who);
                self.refuse(&client, &back, error, why)
            }
        })
    }

    /// Tells the client that there is nothing to ask the person. Where nobody here knows the client, the person goes there by himself
    /// or not at all: else a link to this server would lead anywhere that somebody has registered (RFC 9700 §4.11.2).
    fn refuse(&self, client: &Client, back: &Back, error: &str, why: &str) -> Response {
        let parameters = [("error", error), ("error_description", why)];
        if client.origin == Origin::File || redirect::is_loopback(&back.redirect) {
            return self.back(back, &parameters);
        }
        let page = pages::refused(client, why, &back.with(&self.issuer, &parameters));
        pages::answer(StatusCode::BAD_REQUEST, page, None)
    }

    /// Sends the person back to the client.
    fn back(&self, back: &Back, parameters: &[(&str, &str)]) -> Response {
        match HeaderValue::try_from(back.with(&self.issuer, parameters)) {
            Ok(uri) => to(uri, None),
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
        Ok(person.filter(|person| self.people.now().get(person).is_some()))
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
            return Ok(self.nothing_left(ask, person));
        };
        let had = self.remembered(ask, person).await?.intersection(&scope);
        if scope.is_subset(&had) {
            let why = "it was allowed before";
            self.decided("consent", Outcome::Allowed, why, Who::of(ask, Some(person)));
            return self.give_code(ask, person, scope).await;
        }
        let new: Vec<_> = scope.iter().filter(|scope| !had.contains(scope)).collect();
        let had: Vec<_> = had.iter().collect();
        let csrf = self.cookies.csrf(visit, &shown(ask, person, &scope), request);
        let action = format!("{}/consent", self.base);
        let form = pages::Form { action: &action, request, csrf: &csrf };
        let page = pages::consent(ask, &form, person, &new, &had, &|scope| self.words(scope));
        Ok(pages::answer(StatusCode::OK, page, Some(&ask.back.redirect)))
    }

    /// What of it the person may have at all.
    fn within_rights(&self, ask: &Ask, person: &str) -> Option<ScopeSet> {
        let scope = ask.scope.intersection(&self.people.now().rights(person));
        (!scope.is_empty()).then_some(scope)
    }

    fn nothing_left(&self, ask: &Ask, person: &str) -> Response {
        let why = "this person may have none of these scopes";
        self.decided("consent", Outcome::Refused, why, Who::of(ask, Some(person)));
        self.refuse(&ask.client, &ask.back, "access_denied", why)
    }

    /// What the person has allowed before, and need not be asked again.
    async fn remembered(&self, ask: &Ask, person: &str) -> Result<ScopeSet, Response> {
        if ask.client.can_be_anybody(&ask.back.redirect) {
            return Ok(ScopeSet::default());
        }
        // a client that has found another place to be answered at since is not what was allowed
        let place = redirect::place(&ask.back.redirect);
        let had = self.store.consent(person, &ask.client.id, &ask.resource, place).await;
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
        let (client, resource) = (Some(&*ask.client.id), Some(&*ask.resource));
        let (scope, grant) = (Some(grant.allowed.scope.to_string()), Some(&*grant.id));
        let person = Some(person);
        self.audit(&Event {
            event: "code",
            client,
            resource,
            scope,
            grant,
            person,
            ..Event::default()
        });
        Ok(self.back(&ask.back, &[("code", &code)]))
    }

    /// The parts of a form as a page of ours sends it, and the browser that it comes from.
    async fn posted(&self, request: Request) -> Result<Posted, Response> {
        let (parts, form) = form_of(request).await.map_err(|_| stale())?;
        let visit = self.cookies.read(&parts.headers).ok_or_else(stale)?;
        let (Ok(Some(request)), Ok(Some(csrf))) = (form.one("request"), form.one("csrf")) else {
            return Err(stale());
        };
        Ok(Posted { request: request.into(), csrf: csrf.into(), visit: visit.into(), form })
    }

    /// For a form that we have not made for this browser, or that shows what is so no longer: another tab has logged in, or the
    /// client has changed. Nothing is done; the person sees what a link to the request would show him.
    fn anew(&self, posted: &Posted) -> Response {
        warn!("a form was not made for this browser, or shows what is so no longer");
        let again = format!("{}/authorize?{}", self.base, posted.request);
        HeaderValue::try_from(again).map_or_else(|_| stale(), |again| to(again, None))
    }

    async fn log_in(&self, request: Request) -> Shown {
        let posted = self.posted(request).await?;
        let Posted { form, request: asked, csrf, visit } = &posted;
        if !self.cookies.is_ours(csrf, visit, "login", asked) {
            return Err(self.anew(&posted));
        }
        let ask = self.read(asked).await?;
        let text = |name| form.one(name).ok().flatten().unwrap_or_default().to_owned();
        let (name, password) = (text("username"), text("password"));
        let address = caller::household();
        // a name that nobody has may be a password in the wrong field
        let who =
            Who { person: self.people.now().get(&name).map(|_| &*name), ..Who::of(&ask, None) };
        if let Err(wait) = self.throttle.attempt(&name, address, self.clock.now()) {
            self.decided("login", Outcome::Refused, "too many attempts", who);
            let text = format!("Too many attempts. Try again in {}.", for_people(wait));
            let page = self.login_page(&ask, asked, Some(visit), &name, Some(&text));
            let wait = [(header::RETRY_AFTER, wait.to_string())];
            return Ok((StatusCode::TOO_MANY_REQUESTS, wait, page).into_response());
        }
        let people = self.people.now();
        let (typed, _turn) = (name.clone(), self.logins.acquire().await);
        let is_right = tokio::task::spawn_blocking(move || people.is(&typed, &password)).await;
        if !is_right.unwrap_or(false) {
            info!("somebody could not log in");
            self.decided("login", Outcome::Refused, "name or password is wrong", who);
            let error = "Name or password is wrong.";
            return Ok(self.login_page(&ask, asked, Some(visit), &name, Some(error)));
        }
        self.throttle.succeeded(&name, address);
        self.decided("login", Outcome::Allowed, "a right password", who);
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
        Ok(to(again, Some(cookie)))
    }

    async fn decide(&self, request: Request) -> Shown {
        let posted = self.posted(request).await?;
        let Posted { form, request: asked, csrf, visit } = &posted;
        let ask = self.read(asked).await?;
        let Some(person) = self.person(visit).await? else {
            return Ok(self.login_page(&ask, asked, Some(visit), "", None));
        };
        let Some(scope) = self.within_rights(&ask, &person) else {
            return Ok(self.nothing_left(&ask, &person));
        };
        if !self.cookies.is_ours(csrf, visit, &shown(&ask, &person, &scope), asked) {
            return Err(self.anew(&posted));
        }
        match form.one("decision") {
            Ok(Some("allow")) => {}
            Ok(Some("deny")) => {
                info!(client = ask.client.id, person, "denied");
                let why = "the person has said no";
                self.decided("consent", Outcome::Refused, why, Who::of(&ask, Some(&person)));
                return Ok(
                    self.back(&ask.back, &[("error", "access_denied"), ("error_description", why)])
                );
            }
            Ok(Some("leave")) => {
                return self.leave(visit, asked, Who::of(&ask, Some(&person))).await;
            }
            _ => return Err(stale()),
        }
        if !ask.client.can_be_anybody(&ask.back.redirect) {
            let mut all = self.remembered(&ask, &person).await?;
            all.extend(scope.iter().map(str::to_owned));
            let (client, place) = (&ask.client.id, redirect::place(&ask.back.redirect));
            let kept =
                self.store.remember_consent(&person, client, &ask.resource, place, &all).await;
            kept.map_err(|error| broken(&error))?;
        }
        self.decided(
            "consent",
            Outcome::Allowed,
            "the person has said yes",
            Who::of(&ask, Some(&person)),
        );
        self.give_code(&ask, &person, scope).await
    }
}

impl Server {
    /// Ends the session, and begins the request anew for whoever it is.
    async fn leave(&self, visit: &str, asked: &str, who: Who<'_>) -> Shown {
        self.store.end_session(visit).await.map_err(|error| broken(&error))?;
        self.decided("login", Outcome::Refused, "the person has left", who);
        let again = HeaderValue::try_from(format!("{}/authorize?{asked}", self.base));
        Ok(to(again.map_err(|_| stale())?, self.cookies.set(&random()).ok()))
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

/// A time in words.
fn for_people(seconds: i64) -> String {
    match seconds {
        ..=1 => "a second".into(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 59) / 60),
    }
}
