//! What may this caller do?
//!
//! A good token says who is calling, and that he may come in; it does not say that he may do everything. Scopes say what
//! this token is for: a program that somebody lets read his lists need not be able to call his tools.

use axum::{http::StatusCode, response::IntoResponse};
use common::{Context, jsonrpc::Refusal};
use mcp_auth::{Identity, Needs, ScopeSet};
use tracing::info;

const READ: &str = "mcp:read";
const TOOLS: &str = "mcp:tools";
const PROMPTS: &str = "mcp:prompts";

/// What each role grants. A role allows nothing by itself, and none opens everything: `admin` is a line in this
/// table like any other, and a method that is added tomorrow is closed to it until somebody decides.
const ROLES: [(&str, &[&str]); 1] = [("admin", &[READ, TOOLS, PROMPTS])];

/// What a method needs: one of these scopes. The first is the one to ask for. A method that is not here needs a token and
/// nothing more.
fn needed(method: &str) -> &'static [&'static str] {
    match method {
        "tools/list" => &[READ, TOOLS],
        "prompts/list" => &[READ, PROMPTS],
        "tools/call" => &[TOOLS],
        "prompts/get" => &[PROMPTS],
        _ => &[],
    }
}

/// All that the caller may do: by the scopes of his token, and by his roles. Whole words: `mcp:tools` is not in
/// `xmcp:toolsy`, nor in `mcp`.
fn granted(caller: &Identity) -> ScopeSet {
    let by_role = ROLES.iter().filter(|(role, _)| caller.roles().any(|his| his == *role));
    caller.scopes().iter().chain(by_role.flat_map(|(_, scopes)| scopes.iter().copied())).collect()
}

/// The scope that the caller lacks for this method. The one place where it is decided: whoever lists, calls or writes a
/// challenge asks here, so that they cannot disagree.
fn missing(caller: &Identity, method: &str) -> Option<&'static str> {
    let (needed, granted) = (needed(method), granted(caller));
    let first = needed.first()?;
    let has_one = needed.iter().any(|scope| granted.contains(scope));
    if has_one { None } else { Some(*first) }
}

/// Lets the caller of this method pass, or refuses with 403. That is an answer of HTTP, not of JSON-RPC: the client can do
/// something about it, namely ask the issuer for more scope and try again (A9).
pub fn require(cx: &Context, method: &str) -> Result<(), Refusal> {
    let Some(caller) = cx.extensions.get::<Identity>() else {
        return Err(forbidden(needed(method).first().copied().unwrap_or_default())); // no door, no entry
    };
    match missing(caller, method) {
        None => Ok(()),
        Some(scope) => {
            info!(
                "refused: {method} needs {scope}, the caller has {:?}",
                granted(caller).to_string()
            );
            Err(forbidden(scope))
        }
    }
}

/// 403, and beside it the scope that is needed: the door writes the challenge from it.
fn forbidden(scope: &str) -> Refusal {
    let mut response = StatusCode::FORBIDDEN.into_response();
    response.extensions_mut().insert(Needs([scope].into_iter().collect()));
    Refusal::Response(Box::new(response))
}
