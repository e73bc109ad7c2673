//! Contract 7: where do I log in?

use serde_json::Value;

use crate::{Answer, Promise, Target};

pub mod documents;
pub mod tokens;

/// The promises of lesson 7, by subject.
pub const PARTS: &[&[Promise]] =
    &[documents::PROMISES, documents::ISSUER, tokens::PROMISES, tokens::SIGNED];

/// Those of them that are about the server as its own issuer.
pub const ISSUER: &[&[Promise]] = &[documents::ISSUER, tokens::PROMISES, tokens::SIGNED];

fn path(t: &Target) -> String {
    format!("/.well-known/oauth-protected-resource{}", t.endpoint_path())
}

async fn metadata(t: &Target) -> Result<(Answer, Value), String> {
    let answer = t.get(&path(t)).anonymous().send().await?;
    let document = answer.is(200)?.json()?;
    Ok((answer, document))
}

/// Where RFC 8414 §3.1 has the issuer's document: the well-known path stands between host and path.
fn issuer_path(t: &Target) -> String {
    let base = t.public_url().strip_prefix(&t.origin()).map(str::to_owned).unwrap_or_default();
    format!("/.well-known/oauth-authorization-server{base}")
}

async fn issuer(t: &Target) -> Result<(Answer, Value), String> {
    let answer = t.get(&issuer_path(t)).anonymous().send().await?;
    let document = answer.is(200)?.json()?;
    Ok((answer, document))
}

/// The path of one of our own URLs.
fn local(t: &Target, url: &Value) -> String {
    let url = url.as_str().unwrap_or_default();
    url.strip_prefix(&t.origin()).unwrap_or(url).to_owned()
}
