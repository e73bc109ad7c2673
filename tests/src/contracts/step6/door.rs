//! What is asked before the token is looked at? Where it stands, and that it is there at all.

use axum::http::Method;
use serde_json::json;

use super::{discover, is_invalid_token};
use crate::{Answer, Kept, Promise, Target, challenge::Challenge};

/// The promises of lesson 6.
pub const PROMISES: &[Promise] = promises! {
    every_request_needs_a_token, "A3 A6 A8 T3", "a request to the endpoint without a token is 401, whatever its method, type or body";
    without_credentials_there_is_no_error, "A5", "no credentials, or those of another scheme, are 401 without `error` in challenge and body";
    malformed_credentials_are_400, "A3 A5 A8", "credentials that can be read two ways, or not at all, are 400 invalid_request";
    a_token_in_the_url_is_400, "A8", "a query parameter access_token is 400, however it is spelled";
    the_scheme_counts_in_any_case, "A8", "Bearer may be written in any case, with any number of blanks";
    what_is_no_token_is_401, "A3 A5 A6", "a word that is no token is 401 invalid_token";
    open_paths_stay_open, "A6", "/health and paths where nothing is need no token";
};

async fn every_request_needs_a_token(t: &Target) -> Kept {
    let big = "x".repeat(2 << 20);
    let mut calls = vec![
        discover(t),
        t.legacy("initialize", json!({"protocolVersion": "2025-11-25"})),
        t.legacy("ping", json!({})),
        t.legacy("tools/list", json!({})),
        t.legacy_notification("notifications/initialized"),
        t.modern_notification("notifications/cancelled"),
        t.modern("no/such/method", json!({})),
        discover(t).body("{").named("broken JSON"),
        discover(t).body(big).named("a huge body"),
        discover(t).set("content-type", "text/plain").with("a wrong type"),
        discover(t).set("mcp-protocol-version", "1999-01-01").with("an unknown version"),
        discover(t).header("origin", t.origin()).with("our Origin"),
    ];
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::PUT, Method::OPTIONS] {
        calls.push(t.endpoint(method));
    }
    for call in calls {
        let answer = call.anonymous().send().await?;
        answer.is(401)?;
        Challenge::of(&answer)?;
    }
    Ok(())
}

async fn without_credentials_there_is_no_error(t: &Target) -> Kept {
    let mut calls = vec![discover(t).anonymous().with("no credentials")];
    for other in ["Basic YTpi", "DPoP a.b.c", "Digest x", "Basic", "BearerX a", "Negotiate a b c"] {
        calls.push(discover(t).set("authorization", other).with(format!("Authorization: {other}")));
    }
    for call in calls {
        let answer = call.send().await?;
        let body = answer.is(401)?.json()?;
        demand!(body.get("error").is_none(), "{}", answer.unlike("a body without `error`"));
        demand!(body.get("jsonrpc").is_none(), "{}", answer.unlike("a body that is not JSON-RPC"));
        let challenge = Challenge::of(&answer)?;
        for name in ["error", "error_description"] {
            let silent = challenge.get(name).is_none();
            demand!(
                silent,
                "{}, {challenge:?}",
                answer.unlike(format!("a challenge without {name}"))
            );
        }
    }
    Ok(())
}

/// Expects 400 `invalid_request`, in body and challenge.
fn is_invalid_request(answer: &Answer) -> Kept {
    let body = answer.refused(400)?;
    demand!(body["error"] == "invalid_request", "{}", answer.unlike("invalid_request"));
    let challenge = Challenge::of(answer)?;
    let told = challenge.get("error") == Some("invalid_request");
    demand!(told, "{}, {challenge:?}", answer.unlike("invalid_request in the challenge"));
    Ok(())
}

async fn malformed_credentials_are_400(t: &Target) -> Kept {
    let good = t.caller.clone().map(|token| token.0).unwrap_or_default();
    let long = format!("Bearer {}", "a".repeat(9000));
    let two_words = format!("Bearer {good} {good}");
    let values: [&[u8]; 10] = [
        b"",
        b"Bearer",
        b"Bearer ",
        two_words.as_bytes(),
        b"Bearer a b",
        b"Bearer a\tb",
        b"Bearer a,b c",
        "Bearer caf\u{e9}".as_bytes(),
        b"Bearer \xff",
        long.as_bytes(),
    ];
    for value in values {
        let shown: String = String::from_utf8_lossy(value).chars().take(40).collect();
        let call = discover(t).set("authorization", value);
        is_invalid_request(&call.with(format!("Authorization: {shown}")).send().await?)?;
    }
    for second in [format!("Bearer {good}"), "Basic YTpi".into(), "Bearer x".into()] {
        let call = discover(t).header("authorization", format!("Bearer {good}"));
        let call = call.header("authorization", &second).with("two headers Authorization");
        is_invalid_request(&call.send().await?)?;
    }
    Ok(())
}

async fn a_token_in_the_url_is_400(t: &Target) -> Kept {
    let good = t.caller.clone().map(|token| token.0).unwrap_or_default();
    for name in ["access_token", "access%5Ftoken", "%61ccess_token"] {
        for query in [format!("{name}={good}"), format!("a=b&{name}=x"), name.to_owned()] {
            for call in [discover(t), discover(t).anonymous(), t.endpoint(Method::GET)] {
                let call = call.query(&query).with(format!("{name} in the query"));
                is_invalid_request(&call.send().await?)?;
            }
        }
    }
    discover(t).query("my_access_token=x&a=access_token").send().await?.result()?;
    Ok(())
}

async fn the_scheme_counts_in_any_case(t: &Target) -> Kept {
    let good = t.caller.clone().map(|token| token.0).unwrap_or_default();
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  ", "bEaReR "] {
        let call = discover(t).set("authorization", format!("{scheme} {good}"));
        call.with(format!("the scheme {scheme:?}")).send().await?.result()?;
    }
    Ok(())
}

async fn what_is_no_token_is_401(t: &Target) -> Kept {
    let good = t.caller.clone().map(|token| token.0).unwrap_or_default();
    let unsigned = good.rsplit_once('.').map(|(parts, _)| format!("{parts}.")).unwrap_or_default();
    // {"alg":"none"} and {}
    let words = ["x", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "{}", &unsigned, &good[1..]];
    let mut first = None;
    for word in words {
        let answer = discover(t).token(word).with(format!("the token {word:.40}")).send().await?;
        let told = is_invalid_token(&answer)?;
        let same = *first.get_or_insert_with(|| told.clone()) == told;
        demand!(same, "{}", answer.unlike("the refusal that every bad token gets"));
    }
    Ok(())
}

async fn open_paths_stay_open(t: &Target) -> Kept {
    t.get("/health").anonymous().send().await?.is(200)?;
    t.get("/nothing-here").anonymous().send().await?.refused(404)?;
    t.get("/health").token("nonsense").send().await?.is(200)?;
    Ok(())
}
