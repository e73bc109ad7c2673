//! Contract 6: is this token genuine, current, and for us?

use axum::http::Method;
use serde_json::{Value, json};

use crate::{Answer, Call, Kept, Promise, Target, challenge::Challenge, issuer::Issuer};

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

/// The promises of lesson 6 that are tried with tokens of our own.
pub const SIGNED: &[Promise] = promises! {
    signs: true;
    bad_tokens_are_refused_alike, "A3 A6 A7", "a token of somebody else, for somebody else, or of another time is 401, with one and the same body";
    good_tokens_are_taken, "A6", "a token that a standard allows is taken: a list of audiences, a fraction of a second, typ JWT or none";
    leeway_is_a_few_seconds, "A6", "a token is taken a moment after its end, and not a minute after";
    whoami_shows_the_caller, "A6", "the tool whoami shows subject, name, client, scopes, roles and expiry of the token";
    each_request_is_asked_again, "A8 A13 B4 G9", "a good request opens nothing for the next one";
};

fn discover(t: &Target) -> Call<'_> {
    t.modern("server/discover", json!({}))
}

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

/// Expects 401 `invalid_token`, and gives what a caller can tell refusals apart by.
fn is_invalid_token(answer: &Answer) -> Result<(Value, Challenge), String> {
    let body = answer.refused(401)?;
    demand!(body["error"] == "invalid_token", "{}", answer.unlike("invalid_token"));
    let challenge = Challenge::of(answer)?;
    let told = challenge.get("error") == Some("invalid_token");
    demand!(told, "{}, {challenge:?}", answer.unlike("invalid_token in the challenge"));
    Ok((body, challenge))
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
