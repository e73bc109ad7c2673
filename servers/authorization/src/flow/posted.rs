//! Is this form one of ours, made for this browser?

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use mcp_auth::issuer::form::Form;
use tracing::warn;

use super::{Who, is_query, problem, to};
use crate::{Server, audit::Outcome, http::form_of};

/// Why nothing is done with a form.
const FOREIGN: &str = "the form was not made for this browser, or shows what is so no longer";

/// What a page of ours has sent back.
pub(super) struct Posted {
    pub(super) form: Form,
    /// The client's request.
    pub(super) request: String,
    /// By which we may know that the page was ours.
    pub(super) csrf: String,
    /// The browser's cookie.
    pub(super) visit: String,
}

pub(super) fn stale() -> Response {
    problem(StatusCode::BAD_REQUEST, "This page was not made for your browser, or it is too old.")
}

impl Server {
    /// The parts of a form as a page of ours sends it, and the browser that it comes from.
    pub(super) async fn posted(
        &self,
        event: &'static str,
        request: Request,
    ) -> Result<Posted, Response> {
        self.visited()?;
        let foreign = || {
            self.decided(event, Outcome::Refused, FOREIGN, Who::default());
            stale()
        };
        let (parts, form) = form_of(request).await.map_err(|_| foreign())?;
        let visit = self.cookies.read(&parts.headers).ok_or_else(foreign)?;
        let (Ok(Some(request)), Ok(Some(csrf))) = (form.one("request"), form.one("csrf")) else {
            return Err(foreign());
        };
        if !is_query(request) {
            return Err(foreign());
        }
        Ok(Posted { request: request.into(), csrf: csrf.into(), visit: visit.into(), form })
    }

    /// For a form that we have not made for this browser, or that shows what is so no longer: another tab has logged in, or the
    /// client has changed. Nothing is done; the person sees what a link to the request would show him.
    pub(super) fn anew(&self, event: &'static str, posted: &Posted, who: Who<'_>) -> Response {
        warn!("{FOREIGN}");
        self.decided(event, Outcome::Refused, FOREIGN, who);
        let again = format!("{}/authorize?{}", self.base, posted.request);
        HeaderValue::from_str(&again).map_or_else(|_| stale(), |again| to(again, None))
    }
}
