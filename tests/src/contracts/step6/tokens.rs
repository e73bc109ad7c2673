//! Which tokens are good? Tried with tokens of our own.

use serde_json::{Value, json};

use super::{discover, is_invalid_token};
use crate::{Kept, Promise, Target, issuer::Issuer};

/// The promises of lesson 6 that are tried with tokens of our own.
pub const PROMISES: &[Promise] = promises! {
    signs: true;
    bad_tokens_are_refused_alike, "A3 A6 A7", "a token of somebody else, for somebody else, or of another time is 401, with one and the same body";
    good_tokens_are_taken, "A6", "a token that a standard allows is taken: a list of audiences, a fraction of a second, typ JWT or none";
    leeway_is_a_few_seconds, "A6", "a token is taken a moment after its end, and not a minute after";
    whoami_shows_the_caller, "A6", "the tool whoami shows subject, name, client, scopes, roles and expiry of the token";
    each_request_is_asked_again, "A8 A13 B4 G9", "a good request opens nothing for the next one";
};

fn issuer(t: &Target) -> Result<&Issuer, String> {
    t.issuer().ok_or_else(|| "this needs the keys that the server trusts".to_owned())
}

async fn bad_tokens_are_refused_alike(t: &Target) -> Kept {
    let ours = issuer(t)?;
    let (iss, aud) = (ours.name(), t.resource());
    let now = ours.claims()["iat"].as_i64().unwrap_or_default();
    let mut tokens = Vec::new();
    for changed in [
        json!({"iss": null}),
        json!({"iss": ""}),
        json!({"iss": format!("{iss}/")}),
        json!({"iss": [iss]}),
        json!({"iss": "https://elsewhere.example"}),
        json!({"aud": null}),
        json!({"aud": ""}),
        json!({"aud": []}),
        json!({"aud": iss}),
        json!({"aud": format!("{aud}/")}),
        json!({"aud": aud.to_uppercase()}),
        json!({"aud": &aud[..aud.len() - 1]}),
        json!({"aud": [format!("{aud}x")]}),
        json!({"aud": [aud, 1]}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 5}),
        json!({"exp": null}),
        json!({"exp": now - 60}),
        json!({"exp": (now + 60).to_string()}),
        json!({"exp": -1}),
        json!({"exp": true}),
        json!({"exp": 1e300}),
        json!({"nbf": now + 60}),
        json!({"nbf": "now"}),
        json!({"iat": now + 60}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"cnf": {"jkt": "x"}}),
    ] {
        tokens.push((changed.to_string(), ours.token(&changed)?));
    }
    let kid = ours.kid();
    for header in [
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "HS256", "kid": kid}),
        json!({"alg": "rs256", "kid": kid}),
        json!({"alg": "PS256", "kid": kid}),
        json!({"alg": "RS256"}),
        json!({"alg": "RS256", "kid": "another"}),
        json!({"alg": "RS256", "kid": kid, "typ": "dpop+jwt"}),
        json!({"alg": "RS256", "kid": kid, "crit": ["exp"]}),
        json!({"alg": "RS256", "kid": kid, "jku": "https://elsewhere.example/jwks.json"}),
        json!({"alg": "RS256", "kid": kid, "jwk": {}}),
    ] {
        tokens.push((format!("header {header}"), ours.odd_token(&header, &ours.claims())?));
    }
    let other = Issuer::new(iss, &aud)?; // other keys under our name
    tokens.push(("another key".into(), other.token(&json!({}))?));
    let stolen = json!({"alg": "RS256", "kid": kid, "typ": "at+jwt"});
    tokens.push(("another key under our kid".into(), other.odd_token(&stolen, &ours.claims())?));
    let mut first = None;
    for (what, token) in tokens {
        let answer = discover(t).token(&token).with(what).send().await?;
        let told = is_invalid_token(&answer)?;
        let same = *first.get_or_insert_with(|| told.clone()) == told;
        demand!(same, "{}", answer.unlike("the refusal that every bad token gets"));
    }
    Ok(())
}

async fn good_tokens_are_taken(t: &Target) -> Kept {
    let (ours, aud) = (issuer(t)?, t.resource());
    let soon = ours.claims()["exp"].as_f64().unwrap_or_default() + 0.5;
    for changed in [
        json!({}),
        json!({"aud": [aud]}),
        json!({"aud": ["https://elsewhere.example", aud]}),
        json!({"exp": soon}),
        json!({"iat": null}),
        json!({"nbf": 0}),
        json!({"typ": "Bearer"}),
        json!({"jti": "x", "email": "a@b.example"}),
        json!({"scope": null, "scopes": null}),
    ] {
        let call = discover(t).token(&ours.token(&changed)?).with(format!("{changed}"));
        call.send().await?.result()?;
    }
    for typ in
        [json!(null), json!("JWT"), json!("jwt"), json!("AT+JWT"), json!("application/at+jwt")]
    {
        let mut header = json!({"alg": "RS256", "kid": ours.kid()});
        if !typ.is_null() {
            header["typ"] = typ;
        }
        let token = ours.odd_token(&header, &ours.claims())?;
        discover(t).token(&token).with(format!("header {header}")).send().await?.result()?;
    }
    Ok(())
}

async fn leeway_is_a_few_seconds(t: &Target) -> Kept {
    let ours = issuer(t)?;
    let now = ours.claims()["iat"].as_i64().unwrap_or_default();
    let token = ours.token(&json!({"exp": now}))?;
    discover(t).token(&token).with("a token that ends now").send().await?.result()?;
    let token = ours.token(&json!({"exp": now - 30}))?;
    is_invalid_token(&discover(t).token(&token).with("one that ended 30 s ago").send().await?)?;
    Ok(())
}

async fn whoami_shows_the_caller(t: &Target) -> Kept {
    let ours = issuer(t)?;
    let exp = ours.claims()["exp"].clone();
    let claims = json!({
        "sub": "alice", "preferred_username": "Alice", "client_id": "app", "exp": exp,
        "scope": "mcp:tools mcp:read", "roles": ["writer"], "realm_access": {"roles": ["reader"]},
    });
    let params = json!({"name": "whoami", "arguments": {}});
    for call in [t.modern("tools/call", params.clone()), t.legacy("tools/call", params)] {
        let answer = call.token(&ours.token(&claims)?).with("whoami").send().await?;
        let shown = answer.result()?["structuredContent"].clone();
        let expected = json!({
            "subject": "alice", "name": "Alice", "client": "app", "expires": exp,
            "scopes": ["mcp:read", "mcp:tools"], "roles": ["reader", "writer"],
        });
        demand!(sorted(&shown) == expected, "{}", answer.unlike(format!("{expected}")));
    }
    Ok(())
}

/// The same object with its lists in order: which order they come in is nobody's promise.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    for (_, member) in value.as_object_mut().into_iter().flatten() {
        if let Some(list) = member.as_array_mut() {
            list.sort_by_key(ToString::to_string);
        }
    }
    value
}

async fn each_request_is_asked_again(t: &Target) -> Kept {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
    t.legacy("initialize", params).send().await?.result()?;
    t.legacy("ping", json!({})).anonymous().send().await?.is(401)?;
    let call = t.legacy("ping", json!({})).anonymous().header("mcp-session-id", "s-1");
    call.with("a session id and no token").send().await?.is(401)?;
    let cookie = t.caller.clone().map(|token| format!("access_token={}", token.0));
    let call = discover(t).anonymous().header("cookie", cookie.unwrap_or_default());
    call.with("the token in a cookie").send().await?.is(401)?;
    Ok(())
}
