//! What does a person see? Pages without a script: log in, allow or deny, what went wrong, and what this server is.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    authorize::Ask,
    client::{Client, Source},
    demo::Known,
    redirect,
};

const STYLE: &str = include_str!("style.css");

/// The one style that a page may have.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(digest(&SHA256, STYLE.as_bytes())));

/// What every form carries.
pub struct Form<'a> {
    /// Where it is sent.
    pub action: &'a str,
    /// The request of the client, as it came.
    pub request: &'a str,
    /// By which we know that it was we who made the form, for this browser.
    pub csrf: &'a str,
}

impl Form<'_> {
    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="request" value=(self.request);
            input type="hidden" name="csrf" value=(self.csrf);
        }
    }
}

/// The page to log in.
pub fn login(
    ask: &Ask,
    form: &Form<'_>,
    name: &str,
    error: Option<&str>,
    demo: &[Known],
) -> Markup {
    page(
        "Log in",
        html! {
            h1 { "Log in" }
            p { (who(&ask.client)) " wants to use " strong { (ask.resource) } " in your name." }
            @if let Some(error) = error { p.warn role="alert" { (error) } }
            form method="post" action=(form.action) {
                (form.hidden())
                label { "Name"
                    input type="text" name="username" value=(name) autocomplete="username" autocapitalize="none"
                        spellcheck="false" required autofocus[error.is_none()];
                }
                label { "Password"
                    input type="password" name="password" autocomplete="current-password" required
                        autofocus[error.is_some()];
                }
                button type="submit" { "Log in" }
            }
            @if !demo.is_empty() {
                p.warn { "This server is for development: everybody knows these people and their passwords." }
                ul { @for (name, password, _) in demo { li { code { (name) } " / " code { (password) } } } }
            }
        },
    )
}

/// The page to allow or deny these scopes, each with what it allows.
pub fn consent(
    ask: &Ask,
    form: &Form<'_>,
    person: &str,
    new: &[(&str, &str)],
    had: &[&str],
) -> Markup {
    let is_here = redirect::is_loopback(&ask.back.redirect);
    page(
        "Allow access?",
        html! {
            h1 { "Allow " (who(&ask.client)) " access?" }
            dl {
                dt { "You are" } dd { strong { (person) } }
                dt { "It wants to use" } dd { strong { (ask.resource) } }
                @if ask.client.source == Source::Document {
                    dt { "Its description is from" } dd { strong { (redirect::host(&ask.client.id)) } }
                }
                dt { "The answer goes to" } dd { strong { (redirect::host(&ask.back.redirect)) } }
            }
            p { "It could then:" }
            ul { @for (scope, words) in new { li { (words) " (" code { (scope) } ")" } } }
            @if !had.is_empty() {
                p.note { "You have allowed it already: " (had.join(", ")) "." }
            }
            @if is_here {
                p.warn {
                    "This is a program on your own machine, and any program there can call itself so. \
                     Go on only if you have just started it yourself."
                }
            } @else {
                p.note { "Its name is what it calls itself. Look at where the answer goes." }
            }
            form method="post" action=(form.action) {
                (form.hidden())
                button type="submit" name="decision" value="allow" { "Allow" }
                button.second type="submit" name="decision" value="deny" { "Deny" }
                p.note {
                    "Not " (person) "? "
                    button.link type="submit" name="decision" value="leave" { "Log in as somebody else" }
                }
            }
        },
    )
}

/// For somebody who has opened the address of the server itself.
pub fn front(issuer: &str, metadata: &str) -> Markup {
    page(
        "An authorization server for MCP",
        html! {
            h1 { "An authorization server for MCP" }
            p { "Programs send people to " strong { (issuer) } " to log in and to say what each program may do." }
            p { "Programs find everything else in its metadata: " a href=(metadata) { (metadata) } }
        },
    )
}

/// What went wrong, for somebody who cannot be sent back.
pub fn problem(text: &str) -> Markup {
    page(
        "This did not work",
        html! {
            h1 { "This did not work" }
            p { (text) }
            p.note { "Go back to the program that you came from and try again. Nothing was allowed." }
        },
    )
}

/// What a client asks for in vain, for a person who may not want to go there.
pub fn refused(client: &Client, why: &str, back: &str) -> Markup {
    page(
        "This did not work",
        html! {
            h1 { "This did not work" }
            p { (who(client)) " has sent you here, and cannot have what it asks for: " (why) "." }
            p { a href=(back) { "Tell " strong { (redirect::host(back)) } " and go there" } }
            p.note { "Go there only if you know that address. Nothing was allowed." }
        },
    )
}

fn who(client: &Client) -> Markup {
    html! { "“" (client.name.as_deref().unwrap_or(&client.id)) "”" }
}

fn page(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    }
}

/// A page as an answer that nobody may frame, keep, or learn the address of. `back` is the redirect URI that a form's answer may
/// lead to: browsers ask `form-action` about that too.
pub fn answer(status: StatusCode, page: Markup, back: Option<&str>) -> Response {
    let back = back.and_then(origin).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self' {back}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_HASH
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (status, headers, Html(page.into_string())).into_response()
}

/// How a policy names the origin of a redirect URI, which has been checked. It has no words for an address of IPv6, and browsers pass
/// over what they cannot read: the way back to `[::1]` would be shut.
fn origin(uri: &str) -> Option<String> {
    let (scheme, _) = uri.split_once("://")?;
    match redirect::host(uri) {
        v6 if v6.starts_with('[') => Some(format!("{scheme}:")),
        host => Some(format!("{scheme}://{host}")),
    }
}
