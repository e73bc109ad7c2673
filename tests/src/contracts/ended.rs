//! Which promises does a later lesson end? Each is kept up to a step, and must be broken from then on.

use axum::http::Method;
use serde_json::json;

use super::{step5, step7, step8};
use crate::{Kept, Promise, Target};

/// A promise with an end.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The promise.
    pub promise: Promise,
    /// Promises that say how it is kept, and end with it.
    pub with: &'static [&'static [Promise]],
    /// The step that makes it.
    pub from: u8,
    /// The step that ends it.
    pub until: u8,
    /// Why it ends it.
    pub why: &'static str,
}

const KEPT: &[Promise] = promises! {
    anonymous_may_call, "", "whoever can reach the server may use it";
    publishes_keys, "", "the server that takes tokens publishes the keys they are signed with";
    is_its_own_issuer, "", "the server that takes tokens gives them out too";
};

const SIGNED: &[Promise] = promises! {
    signs: true;
    any_token_lists, "", "a good token lists tools and prompts, whatever its scopes";
    role_admin_grants_all, "", "the role admin opens everything, without a scope";
};

/// The promises that end, in the order of their ends.
pub const PROMISES: &[Ended] = &[
    Ended {
        promise: KEPT[0],
        with: &[],
        from: 2,
        until: 6,
        why: "from step 6 on each request needs a token",
    },
    Ended {
        promise: SIGNED[0],
        with: &[],
        from: 6,
        until: 8,
        why: "from step 8 on a list needs a scope",
    },
    Ended {
        promise: KEPT[1],
        with: &[step5::PUBLISHED],
        from: 5,
        until: 9,
        why: "from step 9 on the identity provider is another server",
    },
    Ended {
        promise: KEPT[2],
        with: step7::ISSUER,
        from: 7,
        until: 9,
        why: "from step 9 on the tokens come from an identity provider",
    },
    Ended {
        promise: SIGNED[1],
        with: &[step8::ROLES],
        from: 8,
        until: 9,
        why: "from step 9 on the identity provider says which scopes a role has",
    },
];

/// Has this promise of a contract ended with another, for a server of this step?
#[must_use]
pub fn has_ended(step: u8, promise: &Promise) -> bool {
    let ended = PROMISES.iter().filter(|ended| ended.until <= step);
    ended.flat_map(|ended| ended.with).copied().flatten().any(|with| with.name == promise.name)
}

async fn anonymous_may_call(t: &Target) -> Kept {
    t.modern("server/discover", json!({})).anonymous().send().await?.result()?;
    t.legacy("ping", json!({})).anonymous().send().await?.result()?;
    let method = if t.step < 4 { "ping" } else { "tools/list" };
    t.legacy(method, json!({})).anonymous().send().await?.result()?;
    Ok(())
}

async fn publishes_keys(t: &Target) -> Kept {
    let answer = t.call(Method::GET, "/.well-known/jwks.json").anonymous().send().await?;
    let keys = answer.is(200)?.json()?;
    demand!(keys["keys"].is_array(), "{}", answer.unlike("a JSON Web Key Set"));
    Ok(())
}

async fn is_its_own_issuer(t: &Target) -> Kept {
    let answer = t.get("/.well-known/oauth-protected-resource").anonymous().send().await?;
    let metadata = answer.is(200)?.json()?;
    let own = metadata["authorization_servers"][0] == t.public_url();
    demand!(own, "{}", answer.unlike("this server as its own issuer"));
    Ok(())
}

/// A token of nobody in particular, but for these claims.
fn token(t: &Target, claims: serde_json::Value) -> Result<String, String> {
    let issuer = t.issuer().ok_or("this needs the keys that the server trusts")?;
    issuer.token(&claims)
}

async fn any_token_lists(t: &Target) -> Kept {
    let token = token(t, json!({"scope": ""}))?;
    for method in ["tools/list", "prompts/list"] {
        t.legacy(method, json!({})).token(&token).send().await?.result()?;
    }
    Ok(())
}

async fn role_admin_grants_all(t: &Target) -> Kept {
    let token = token(t, json!({"scope": "", "roles": ["admin"]}))?;
    for method in ["tools/list", "prompts/list"] {
        t.legacy(method, json!({})).token(&token).send().await?.result()?;
    }
    Ok(())
}
