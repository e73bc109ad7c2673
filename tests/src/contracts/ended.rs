//! Which promises does a later lesson end? Each is kept up to a step, and must be broken from then on.

use axum::http::Method;
use serde_json::json;

use crate::{Kept, Promise, Target};

/// A promise with an end.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The promise.
    pub promise: Promise,
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
};

/// The promises that end, in the order of their ends.
pub const PROMISES: &[Ended] = &[
    Ended { promise: KEPT[0], from: 2, until: 6, why: "from step 6 on each request needs a token" },
    Ended {
        promise: KEPT[1],
        from: 5,
        until: 9,
        why: "from step 9 on the identity provider is another server",
    },
];

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
