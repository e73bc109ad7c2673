//! The door: one layer, which does all that steps 6 to 8 did by hand. What is left to say is whose tokens count, for whom
//! they must be, and what each method needs.

use std::fmt;

use anyhow::bail;
use common::{
    PublicUrl,
    prompts::{self, Prompt},
    tools::{NoArguments, Tool},
};
use mcp_auth::{
    AuthLayer, Identity,
    algorithm::Algorithm,
    call::{Requirement, ScopeTable},
    jwt::Policy,
    metadata::ProtectedResource,
    remote::{Remote, RemoteVerifier},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{SCOPES, Settings};

/// What each method needs: the rights of step 8. No role opens anything here: roles decide at the issuer which scopes a
/// person can give to a program, so that a program that was given `mcp:read` has that alone, whoever gave it.
fn table() -> ScopeTable {
    ScopeTable::new(Requirement::token())
        .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
        .method("prompts/list", Requirement::all("mcp:read").or("mcp:prompts"))
        .method("tools/call", "mcp:tools")
        .method("prompts/get", "mcp:prompts")
}

/// Who checks tokens: with the keys of this issuer, which are fetched now, and again when they change.
pub async fn verifier(
    settings: &Settings,
    url: &PublicUrl,
    issuer: &str,
) -> anyhow::Result<RemoteVerifier> {
    first_scope(settings)?; // a typing error is told before anybody is waited for
    let audience = settings.issuer.audience.clone().unwrap_or_else(|| url.endpoint());
    let mut policy = Policy::new(issuer, audience).leeway(settings.tokens.leeway);
    policy = policy.algorithms([Algorithm::Es256, Algorithm::Rs256]); // neither lets who checks a token make one
    if !settings.issuer.roles.is_empty() {
        policy = policy.roles_at(settings.issuer.roles.clone());
    }
    let mut remote = Remote::new(policy).refresh(settings.issuer.issuer_refresh);
    if let Some(inside) = &settings.issuer.issuer_internal_url {
        remote = remote.internal_url(inside)?;
    }
    Ok(remote.connect().await?)
}

/// The door that this verifier keeps.
pub fn layer(
    settings: &Settings,
    metadata: &ProtectedResource,
    verifier: RemoteVerifier,
) -> anyhow::Result<AuthLayer> {
    let layer = AuthLayer::new(metadata.clone(), verifier)?.first_scope(first_scope(settings)?);
    let layer = layer.max_authorization(settings.tokens.max_authorization);
    Ok(layer.limits(settings.limits.clone()).clock(settings.clock.clone()).mcp_scopes(table()))
}

/// What a client without a token is told to ask for: the least that is good for anything (A4), or what the operator says.
fn first_scope(settings: &Settings) -> anyhow::Result<&str> {
    let first = settings.issuer.first_scope.as_deref().unwrap_or("mcp:read");
    if let Some(word) = first.split(' ').find(|word| !SCOPES.split(' ').any(|known| known == *word))
    {
        bail!("--first-scope: {word:?} is none of the scopes {SCOPES}");
    }
    Ok(first)
}

#[derive(Serialize, JsonSchema)]
struct Caller {
    /// Whom the token is about
    subject: String,
    /// A name for people
    name: Option<String>,
    /// The program that the token was given to
    client: Option<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    /// When the token ends, in seconds since 1970
    expires: i64,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, name, scopes, roles, .. } = self;
        let who = name.as_ref().unwrap_or(subject); // an issuer's subject may be a number that nobody knows
        write!(f, "{who}, scopes [{}], roles [{}]", scopes.join(" "), roles.join(" "))
    }
}

/// The tool `whoami`: shows the caller what the server knows of him.
pub fn whoami() -> Tool {
    Tool::new("whoami", "Who am I", "Shows who is calling", |cx, _: NoArguments| async move {
        let who = cx.extensions.get::<Identity>().ok_or("nobody is known to be calling")?;
        Ok(Caller {
            subject: who.subject().into(),
            name: who.name().map(str::to_owned),
            client: who.client().map(str::to_owned),
            scopes: who.scopes().iter().map(str::to_owned).collect(),
            roles: who.roles().map(str::to_owned).collect(),
            expires: who.expires(),
        })
    })
}

/// The prompt `greeting`: the greeting is from the caller.
pub fn greeting() -> Prompt {
    prompts::greeting_from(|cx| {
        let who = cx.extensions.get::<Identity>()?;
        Some(who.name().unwrap_or(who.subject()).to_owned())
    })
}
