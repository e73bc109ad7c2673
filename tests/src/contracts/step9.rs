//! Contract 9: who are the people? Somebody else knows, and gives the tokens out.

use axum::http::Method;
use serde_json::json;

use super::step8::{NOTHING, row};
use crate::{Kept, Promise, Target, target::root_of};

/// What a stranger is promised.
pub const PROMISES: &[Promise] = promises! {
    the_issuer_is_another_server, "A1 A2", "the metadata names one issuer, by a URL that is not this server's";
    nothing_is_given_out_here, "A1", "there are no keys, no documents of an issuer, no login and no tokens at this server";
};

/// What is tried with tokens of our own.
pub const SIGNED: &[Promise] = promises! {
    signs: true;
    roles_open_nothing, "A10", "no role opens anything: the scopes of a token are all that it may do";
};

async fn the_issuer_is_another_server(t: &Target) -> Kept {
    let answer = t.get("/.well-known/oauth-protected-resource").anonymous().send().await?;
    let metadata = answer.is(200)?.json()?;
    let issuers = metadata["authorization_servers"].as_array().cloned().unwrap_or_default();
    let [issuer] = &*issuers else { return Err(answer.unlike("one issuer")) };
    let root = root_of(issuer.as_str().unwrap_or_default());
    let elsewhere = root.is_some_and(|root| root != t.origin());
    demand!(elsewhere, "{}", answer.unlike("the URL of another server as issuer"));
    Ok(())
}

async fn nothing_is_given_out_here(t: &Target) -> Kept {
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/authorize",
        "/register",
    ] {
        t.get(path).anonymous().send().await?.refused(404)?;
    }
    let form = "grant_type=client_credentials&client_id=workshop&client_secret=x";
    let call = t.call(Method::POST, "/token").anonymous().body(form);
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    call.send().await?.refused(404)?;
    Ok(())
}

async fn roles_open_nothing(t: &Target) -> Kept {
    for role in ["admin", "mcp-admin", "mcp:tools", "*"] {
        row(t, json!({"scope": "", "roles": [role]}), NOTHING).await?;
        row(t, json!({"scope": "", "realm_access": {"roles": [role]}}), NOTHING).await?;
    }
    Ok(())
}
