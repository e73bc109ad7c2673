//! Contract 5: which public keys are there?

use axum::http::Method;
use mcp_auth::jwks::thumbprint;
use serde_json::{Value, json};

use crate::{Answer, Kept, Promise, Target};

const JWKS: &str = "/.well-known/jwks.json";

/// The promises of lesson 5: those about the keys, and what is left where another server publishes them.
pub const PARTS: &[&[Promise]] = &[PUBLISHED, READY];

/// What is promised of published keys.
pub const PUBLISHED: &[Promise] = promises! {
    keys_are_public, "", "the key set has RSA keys for RS256 signatures, their public members and nothing else";
    keys_are_named_by_their_thumbprint, "", "kid is the thumbprint of RFC 7638, and no two keys share it";
    keys_are_strong, "", "an RSA key has 2048 bits or more and an odd exponent";
    keys_may_be_kept, "", "the key set may be kept for five minutes, by anybody";
    an_unchanged_key_set_is_304, "", "If-None-Match with the strong ETag gets 304 without a body";
    keys_answer_head, "", "HEAD on the key set says what GET says, without a body";
    keys_are_for_every_page, "", "any page may read the key set, without credentials";
};

const READY: &[Promise] = promises! {
    ready_says_that_there_are_keys, "", "GET /ready is 200 under any Host, without a token";
};

async fn keys(t: &Target) -> Result<(Answer, Vec<Value>), String> {
    let answer = t.get(JWKS).anonymous().send().await?;
    let document = answer.is(200)?.json()?;
    match document["keys"].as_array() {
        Some(keys) if !keys.is_empty() => Ok((answer, keys.clone())),
        _ => Err(answer.unlike("a JSON Web Key Set with a key")),
    }
}

async fn keys_are_public(t: &Target) -> Kept {
    let (answer, keys) = keys(t).await?;
    for key in keys {
        let names: Vec<_> = key.as_object().into_iter().flatten().map(|(name, _)| name).collect();
        let expected = ["alg", "e", "kid", "kty", "n", "use"];
        demand!(names == expected, "{}", answer.unlike(format!("the members {expected:?}")));
        let fits = key["kty"] == "RSA" && key["use"] == "sig" && key["alg"] == "RS256";
        demand!(fits, "{}", answer.unlike("kty RSA, use sig, alg RS256"));
    }
    Ok(())
}

async fn keys_are_named_by_their_thumbprint(t: &Target) -> Kept {
    let (answer, keys) = keys(t).await?;
    for (at, key) in keys.iter().enumerate() {
        let print = thumbprint(&json!({"e": key["e"], "kty": key["kty"], "n": key["n"]}));
        demand!(key["kid"] == *print, "{}", answer.unlike(format!("the kid {print}")));
        let alone = keys[..at].iter().all(|other| other["kid"] != key["kid"]);
        demand!(alone, "{}", answer.unlike("each kid once"));
    }
    Ok(())
}

async fn keys_are_strong(t: &Target) -> Kept {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let (answer, keys) = keys(t).await?;
    for key in keys {
        let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default());
        let (Ok(modulus), Ok(exponent)) = (number("n"), number("e")) else {
            return Err(answer.unlike("n and e in base64url without padding"));
        };
        let strong = modulus.len() >= 256 && modulus[0] != 0 && exponent != [1];
        demand!(strong, "{}", answer.unlike("a modulus of 2048 bits or more"));
        let odd = exponent.last().is_some_and(|last| last % 2 == 1);
        demand!(odd, "{}", answer.unlike("an odd exponent"));
    }
    Ok(())
}

async fn keys_may_be_kept(t: &Target) -> Kept {
    let (answer, _) = keys(t).await?;
    let mut caching = answer.list("cache-control");
    caching.sort();
    let fits = caching == ["max-age=300", "public"];
    demand!(fits, "{}, Cache-Control: {caching:?}", answer.unlike("public, max-age=300"));
    Ok(())
}

/// The strong ETag of the key set.
async fn etag(t: &Target) -> Result<String, String> {
    let (answer, _) = keys(t).await?;
    let tag = answer.header("etag")?.unwrap_or_default();
    let strong = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
    demand!(strong, "{}, ETag: {tag}", answer.unlike("a strong ETag"));
    Ok(tag.to_owned())
}

async fn an_unchanged_key_set_is_304(t: &Target) -> Kept {
    let tag = etag(t).await?;
    for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}")] {
        let call = t.get(JWKS).anonymous().header("if-none-match", &known);
        let answer = call.with(format!("If-None-Match: {known}")).send().await?;
        answer.is(304)?.empty()?;
        let same = answer.header("etag")? == Some(&tag);
        demand!(same, "{}", answer.unlike("the ETag again"));
    }
    for other in ["\"other\"", "x", ""] {
        let call = t.get(JWKS).anonymous().header("if-none-match", other);
        call.with(format!("If-None-Match: {other}")).send().await?.is(200)?;
    }
    Ok(())
}

async fn keys_answer_head(t: &Target) -> Kept {
    let tag = etag(t).await?;
    let answer = t.call(Method::HEAD, JWKS).anonymous().send().await?;
    answer.is(200)?.empty()?;
    demand!(answer.header("etag")? == Some(&tag), "{}", answer.unlike("the ETag of GET"));
    let post = t.call(Method::POST, JWKS).anonymous().send().await?;
    post.refused(405)?;
    let mut allowed = post.list("allow");
    allowed.sort();
    demand!(allowed == ["get", "head"], "{}, Allow: {allowed:?}", post.unlike("Allow: GET, HEAD"));
    Ok(())
}

async fn keys_are_for_every_page(t: &Target) -> Kept {
    for origin in ["https://elsewhere.example", "null", &t.origin()] {
        let call = t.get(JWKS).anonymous().header("origin", origin);
        let answer = call.with(format!("Origin: {origin}")).send().await?;
        let allowed = answer.is(200)?.header("access-control-allow-origin")?;
        demand!(allowed == Some("*"), "{}, {allowed:?}", answer.unlike("any page allowed"));
        let cookies = answer.headers.contains_key("access-control-allow-credentials");
        demand!(!cookies, "{}", answer.unlike("no credentials"));
    }
    Ok(())
}

async fn ready_says_that_there_are_keys(t: &Target) -> Kept {
    for host in [t.authority(), "10.0.0.1:9000".into()] {
        let call = t.get("/ready").anonymous().set("host", &host);
        let answer = call.with(format!("Host: {host}")).send().await?;
        answer.is(200)?.json()?;
    }
    Ok(())
}
