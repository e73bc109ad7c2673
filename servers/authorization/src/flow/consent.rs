//! What may this client have? What it asks for, the person may have, and he allows now or has allowed before.

use axum::{extract::Request, http::StatusCode, response::Response};
use mcp_auth::{ScopeSet, issuer::disk::random};
use tracing::info;

use super::{
    LoggedIn, Shown, Who, broken,
    posted::{Posted, stale},
};
use crate::{
    Server,
    audit::{Event, Outcome},
    authorize::Ask,
    pages, redirect,
    store::{About, Allowed, Binding, Grant},
    token::{CODE, GRANT},
};

/// What a page to allow shows beside the request. It is part of the proof that the page was ours: a client that changes its
/// registration while somebody reads would else get what nobody has seen.
fn shown(ask: &Ask, person: &str, scope: &ScopeSet) -> String {
    format!("consent {person:?} {:?} {:?}", scope.to_string(), ask.client.name)
}

/// What is remembered of a consent. A client that has found another place to be answered at since is not what was allowed.
fn about<'a>(ask: &'a Ask, LoggedIn { name, stamp }: &'a LoggedIn) -> About<'a> {
    let place = redirect::place(&ask.back.redirect);
    About { person: name, stamp, client: &ask.client.id, resource: &ask.resource, place }
}

impl Server {
    /// Asks the person, unless there is nothing to ask.
    pub(super) async fn ask_person(
        &self,
        ask: &Ask,
        request: &str,
        who: &LoggedIn,
        visit: &str,
    ) -> Shown {
        let person = who.name.as_str();
        let Some(scope) = self.within_rights(ask, person) else {
            return Ok(self.nothing_left(ask, person));
        };
        let had = self.remembered(ask, who).await?.intersection(&scope);
        if scope.is_subset(&had) {
            let why = "it was allowed before";
            self.decided("consent", Outcome::Allowed, why, Who::of(ask, Some(person)));
            return self.give_code(ask, who, scope).await;
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
    async fn remembered(&self, ask: &Ask, who: &LoggedIn) -> Result<ScopeSet, Response> {
        if ask.client.can_be_anybody(&ask.back.redirect) {
            return Ok(ScopeSet::default());
        }
        let had = self.store.consent(&about(ask, who), self.clock.now()).await;
        had.map_err(|error| broken(&error))
    }

    async fn give_code(&self, ask: &Ask, who: &LoggedIn, scope: ScopeSet) -> Shown {
        let LoggedIn { name: person, stamp } = who;
        let (now, code) = (self.clock.now(), random());
        let allowed = Allowed {
            client: ask.client.id.clone(),
            person: person.clone(),
            stamp: stamp.clone(),
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
        let person = Some(person.as_str());
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

    pub(super) async fn decide(&self, request: Request) -> Shown {
        let posted = self.posted("consent", request).await?;
        let Posted { form, request: asked, csrf, visit } = &posted;
        let ask = self.read(asked).await?;
        let Some(who) = self.person(visit).await? else {
            return Ok(self.login_page(&ask, asked, Some(visit), "", None));
        };
        let person = who.name.as_str();
        let Some(scope) = self.within_rights(&ask, person) else {
            return Ok(self.nothing_left(&ask, person));
        };
        if !self.cookies.is_ours(csrf, visit, &shown(&ask, person, &scope), asked) {
            return Err(self.anew("consent", &posted, Who::of(&ask, Some(person))));
        }
        match form.one("decision") {
            Ok(Some("allow")) => {}
            Ok(Some("deny")) => {
                info!(client = ask.client.id, person, "denied");
                let why = "the person has said no";
                self.decided("consent", Outcome::Refused, why, Who::of(&ask, Some(person)));
                return Ok(
                    self.back(&ask.back, &[("error", "access_denied"), ("error_description", why)])
                );
            }
            Ok(Some("leave")) => {
                return self.leave(visit, asked, Who::of(&ask, Some(person))).await;
            }
            _ => return Err(stale()),
        }
        if !ask.client.can_be_anybody(&ask.back.redirect) {
            let mut all = self.remembered(&ask, &who).await?;
            all.extend(scope.iter().map(str::to_owned));
            let until = self.clock.now() + GRANT;
            let kept = self.store.remember_consent(&about(&ask, &who), &all, until).await;
            kept.map_err(|error| broken(&error))?;
        }
        self.decided(
            "consent",
            Outcome::Allowed,
            "the person has said yes",
            Who::of(&ask, Some(person)),
        );
        self.give_code(&ask, &who, scope).await
    }
}
