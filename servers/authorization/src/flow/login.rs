//! Who is at this browser? Name and password, and from then on a cookie.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use mcp_auth::issuer::disk::random;
use tracing::info;

use super::{
    Shown, Who, broken,
    posted::{Posted, stale},
    to,
};
use crate::{Server, audit::Outcome, authorize::Ask, caller, pages};

/// Seconds that a person stays logged in.
const SESSION: i64 = 8 * 3600;

impl Server {
    pub(super) fn login_page(
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
        let page = pages::login(ask, &form, name, error, self.demo);
        let mut answer = pages::answer(status, page, Some(&ask.back.redirect));
        if let Ok(cookie) = self.cookies.set(visit) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    pub(super) async fn log_in(&self, request: Request) -> Shown {
        let posted = self.posted("login", request).await?;
        let Posted { form, request: asked, csrf, visit } = &posted;
        if !self.cookies.is_ours(csrf, visit, "login", asked) {
            return Err(self.anew("login", &posted, Who::default()));
        }
        let ask = self.read(asked).await?;
        let text = |name| form.one(name).ok().flatten().unwrap_or_default().to_owned();
        let (name, password) = (text("username"), text("password"));
        let (address, people) = (caller::household(), self.people.now());
        let person = people.get(&name);
        // a name that nobody has may be a password in the wrong field
        let who = Who::of(&ask, person.map(|_| &*name));
        if let Err(wait) = self.throttle.attempt(&name, address) {
            self.decided("login", Outcome::Refused, "too many attempts", who);
            let text = format!("Too many attempts. Try again in {}.", for_people(wait));
            let page = self.login_page(&ask, asked, Some(visit), &name, Some(&text));
            let wait = [(header::RETRY_AFTER, wait.to_string())];
            return Ok((StatusCode::TOO_MANY_REQUESTS, wait, page).into_response());
        }
        let stamp = person.map(|person| person.stamp.clone()).unwrap_or_default();
        let kept = person.map(|person| person.password.clone());
        if !self.passwords.is(password, kept).await {
            info!("somebody could not log in");
            self.decided("login", Outcome::Refused, "name or password is wrong", who);
            let error = "Name or password is wrong.";
            return Ok(self.login_page(&ask, asked, Some(visit), &name, Some(error)));
        }
        self.throttle.succeeded(&name, address);
        self.decided("login", Outcome::Allowed, "a right password", who);
        // a new secret: whoever knew the one from before the login must not be logged in by it
        let session = random();
        let begun =
            self.store.begin_session(&session, &name, &stamp, self.clock.now() + SESSION).await;
        begun.map_err(|error| broken(&error))?;
        info!(person = name, "logged in");
        let again = format!("{}/authorize?{asked}", self.base);
        let (Ok(cookie), Ok(again)) = (self.cookies.set(&session), HeaderValue::from_str(&again))
        else {
            return Err(stale());
        };
        Ok(to(again, Some(cookie)))
    }

    /// Ends the session, and begins the request anew for whoever it is.
    pub(super) async fn leave(&self, visit: &str, asked: &str, who: Who<'_>) -> Shown {
        self.store.end_session(visit).await.map_err(|error| broken(&error))?;
        self.decided("logout", Outcome::Allowed, "the person has left", who);
        let again = HeaderValue::from_str(&format!("{}/authorize?{asked}", self.base));
        Ok(to(again.map_err(|_| stale())?, self.cookies.set(&random()).ok()))
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
