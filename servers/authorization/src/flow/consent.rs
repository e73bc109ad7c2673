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
        let scope = self.within_rights(ask, person)?;
        let had = self.remembered(ask, who).await?.intersection(&scope);
        if scope.is_subset(&had) {
            let why = "it was allowed before";
            self.decided("consent", Outcome::Allowed, why, Who::of(ask, Some(person)));
            return self.give_code(ask, who, scope).await;
        }
        let new = scope.iter().filter(|scope| !had.contains(scope));
        let new: Vec<_> = new.map(|scope| (scope, self.words(scope))).collect();
        let had: Vec<_> = had.iter().collect();
        let csrf = self.cookies.csrf(visit, &shown(ask, person, &scope), request);
        let action = format!("{}/consent", self.base);
        let form = pages::Form { action: &action, request, csrf: &csrf };
        let page = pages::consent(ask, &form, person, &new, &had);
        Ok(pages::answer(StatusCode::OK, page, Some(&ask.back.redirect)))
    }

    /// What of it the person may have at all; if that is nothing, the client is told.
    fn within_rights(&self, ask: &Ask, person: &str) -> Result<ScopeSet, Response> {
        let scope = ask.scope.intersection(&self.people.now().rights(person));
        if scope.is_empty() {
            let why = "this person may have none of these scopes";
            self.decided("consent", Outcome::Refused, why, Who::of(ask, Some(person)));
            return Err(self.refuse(&ask.client, &ask.back, "access_denied", why));
        }
        Ok(scope)
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
        self.audit(&Event {
            event: "code",
            client: Some(&ask.client.id),
            person: Some(person),
            resource: Some(&ask.resource),
            scope: Some(grant.allowed.scope.to_string()),
            grant: Some(&grant.id),
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
        let (person, about_it) = (who.name.as_str(), Who::of(&ask, Some(&who.name)));
        let scope = self.within_rights(&ask, person)?;
        if !self.cookies.is_ours(csrf, visit, &shown(&ask, person, &scope), asked) {
            return Err(self.anew("consent", &posted, about_it));
        }
        match form.one("decision") {
            Ok(Some("allow")) => {}
            Ok(Some("deny")) => {
                info!(client = ask.client.id, person, "denied");
                let why = "the person has said no";
                self.decided("consent", Outcome::Refused, why, about_it);
                return Ok(
                    self.back(&ask.back, &[("error", "access_denied"), ("error_description", why)])
                );
            }
            Ok(Some("leave")) => return self.leave(visit, asked, about_it).await,
            _ => return Err(stale()),
        }
        if !ask.client.can_be_anybody(&ask.back.redirect) {
            let mut all = self.remembered(&ask, &who).await?;
            all.extend(scope.iter());
            let until = self.clock.now() + GRANT;
            let kept = self.store.remember_consent(&about(&ask, &who), &all, until).await;
            kept.map_err(|error| broken(&error))?;
        }
        self.decided("consent", Outcome::Allowed, "the person has said yes", about_it);
        self.give_code(&ask, &who, scope).await
    }
}
