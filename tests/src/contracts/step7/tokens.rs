//! How does a program get a token? Without the secret, and with that of the development client.

use axum::http::Method;
use serde_json::{Value, json};

use super::{issuer, local};
use crate::{Answer, Kept, Promise, Target, challenge::Challenge, target::root_of};

/// What a stranger is promised.
pub const PROMISES: &[Promise] = promises! {
    no_secret_no_token, "S1 S12", "a token request without or with a wrong secret is 401 invalid_client, not to be stored";
};

/// The promises of lesson 7 that are tried with the client of the development keys.
pub const SIGNED: &[Promise] = promises! {
    signs: true;
    a_client_finds_its_own_way, "A2 S2 S11", "from the bare URL, id and secret to a token that is taken";
    tokens_are_for_this_resource, "S11 A7", "`resource` is honoured, a foreign one is invalid_target";
    tokens_are_as_small_as_asked, "S12", "a token has the scopes asked for, all if none, and none beyond; its subject is the client";
    token_answers_are_not_stored, "S12", "a token answer is JSON, Bearer, with its lifetime, and not to be stored";
};

const FORM: &str = "application/x-www-form-urlencoded";

/// A token request with this form, and `Authorization: Basic` if there is any.
async fn token(t: &Target, form: &str, basic: Option<&str>) -> Result<Answer, String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (_, document) = issuer(t).await?;
    let call = t.call(Method::POST, &local(t, &document["token_endpoint"]));
    let call = call.anonymous().header("content-type", FORM).body(form);
    let call = match basic {
        Some(pair) => call.header("authorization", format!("Basic {}", STANDARD.encode(pair))),
        None => call,
    };
    call.named("POST to the token endpoint").send().await
}

fn not_stored(answer: &Answer) -> Kept {
    let no_store = answer.list("cache-control").contains(&"no-store".into());
    demand!(no_store, "{}", answer.unlike("Cache-Control: no-store"));
    Ok(())
}

async fn no_secret_no_token(t: &Target) -> Kept {
    let grant = "grant_type=client_credentials";
    for (form, basic) in [
        (grant.to_owned(), None),
        (grant.to_owned(), Some("workshop:")),
        (grant.to_owned(), Some("workshop:not the secret of it")),
        (grant.to_owned(), Some("workshop")),
        (format!("{grant}&client_id=workshop"), None),
        (format!("{grant}&client_id=workshop&client_secret=not+the+secret"), None),
        (format!("{grant}&client_id=workshop&client_secret="), None),
        (format!("{grant}&client_id=nobody&client_secret=x"), None),
    ] {
        let answer = token(t, &form, basic).await?;
        let body = answer.refused(401)?;
        demand!(body["error"] == "invalid_client", "{}", answer.unlike("invalid_client"));
        not_stored(&answer)?;
    }
    let (_, document) = issuer(t).await?;
    let endpoint = local(t, &document["token_endpoint"]);
    t.get(&endpoint).anonymous().send().await?.refused(405)?;
    // a client that lives in a page asks from the origin of its own
    let call = t.call(Method::POST, &endpoint).anonymous().header("content-type", FORM).body(grant);
    let call = call.header("origin", "https://elsewhere.example").with("a foreign Origin");
    let answer = call.send().await?;
    answer.refused(401)?;
    let allowed = answer.header("access-control-allow-origin")?;
    demand!(allowed == Some("*"), "{}, {allowed:?}", answer.unlike("any page allowed"));
    Ok(())
}

/// Id and secret of the development client.
fn client(t: &Target) -> Result<(String, String), String> {
    let Some(issuer) = t.issuer() else { return Err("this needs the folder of keys".into()) };
    let path = issuer.files().dir().join("client.json");
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    let client: Value = serde_json::from_str(&text).unwrap_or_default();
    match (client["client_id"].as_str(), client["client_secret"].as_str()) {
        (Some(id), Some(secret)) => Ok((id.to_owned(), secret.to_owned())),
        _ => Err(format!("{} has no client_id and client_secret", path.display())),
    }
}

/// A token answer for the development client, who says this beside the grant.
async fn granted(t: &Target, more: &str) -> Result<Answer, String> {
    let (id, secret) = client(t)?;
    token(t, &format!("grant_type=client_credentials{more}"), Some(&format!("{id}:{secret}"))).await
}

async fn a_client_finds_its_own_way(t: &Target) -> Kept {
    let refused = t.modern("server/discover", json!({})).anonymous().send().await?;
    let challenge = Challenge::of(&refused)?;
    let told = json!(challenge.get("resource_metadata"));
    let resource = t.get(&local(t, &told)).anonymous().send().await?.is(200)?.json()?;
    let issuer = resource["authorization_servers"][0].as_str().unwrap_or_default().to_owned();
    let root = root_of(&issuer).unwrap_or_default();
    let base = issuer.strip_prefix(&root).unwrap_or_default();
    let well_known = format!("/.well-known/oauth-authorization-server{base}");
    let document = t.get(&well_known).anonymous().send().await?.is(200)?.json()?;
    demand!(document["issuer"] == issuer, "{well_known}: expected the issuer {issuer}");
    let (id, secret) = client(t)?;
    let scope = challenge.get("scope").unwrap_or_default();
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}&resource={}",
        resource["resource"].as_str().unwrap_or_default()
    );
    let answer = token(t, &form, None).await?;
    let token = answer.is(200)?.json()?["access_token"].clone();
    let token = token.as_str().unwrap_or_default();
    t.modern("tools/list", json!({})).token(token).send().await?.result()?;
    t.legacy("tools/list", json!({})).token(token).send().await?.result()?;
    Ok(())
}

async fn tokens_are_for_this_resource(t: &Target) -> Kept {
    // a parameter without a value counts as left out (RFC 6749 §3.2)
    for ours in [format!("&resource={}", t.resource()), "&resource=".into(), String::new()] {
        let claims = claims(&granted(t, &ours).await?)?;
        demand!(
            claims["aud"] == t.resource(),
            "a token for {ours:?}: expected our resource as aud"
        );
    }
    let slash = format!("{}/", t.resource());
    for other in ["https://elsewhere.example/mcp", &slash, &t.public_url(), "x"] {
        for form in
            [format!("&resource={other}"), format!("&resource={}&resource={other}", t.resource())]
        {
            let answer = granted(t, &form).await?;
            let body = answer.refused(400)?;
            demand!(body["error"] == "invalid_target", "{}", answer.unlike("invalid_target"));
        }
    }
    Ok(())
}

/// The claims of a token that has just been granted.
fn claims(answer: &Answer) -> Result<Value, String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let body = answer.is(200)?.json()?;
    let part = body["access_token"].as_str().and_then(|token| token.split('.').nth(1));
    let claims = part.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    claims.ok_or_else(|| answer.unlike("a signed token"))
}

async fn tokens_are_as_small_as_asked(t: &Target) -> Kept {
    let (id, _) = client(t)?;
    for (asked, scopes) in [
        ("", "mcp:prompts mcp:read mcp:tools"),
        ("&scope=", "mcp:prompts mcp:read mcp:tools"),
        ("&scope=mcp:read", "mcp:read"),
        ("&scope=mcp%3Atools+mcp:read", "mcp:read mcp:tools"),
    ] {
        let answer = granted(t, asked).await?;
        let claims = claims(&answer)?;
        for told in [&claims["scope"], &answer.json()?["scope"]] {
            let mut words: Vec<_> = told.as_str().unwrap_or_default().split(' ').collect();
            words.sort_unstable();
            demand!(words.join(" ") == scopes, "{}", answer.unlike(format!("the scopes {scopes}")));
        }
        demand!(claims["sub"] == id, "{}", answer.unlike(format!("sub {id}")));
        demand!(claims["aud"] == t.resource(), "{}", answer.unlike("our resource as aud"));
        demand!(claims["iss"] == t.public_url(), "{}", answer.unlike("the issuer as iss"));
    }
    for asked in ["mcp:read admin", "offline_access", "mcp", "mcp:read%0Amcp:tools"] {
        let answer = granted(t, &format!("&scope={asked}")).await?;
        let body = answer.refused(400)?;
        demand!(body["error"] == "invalid_scope", "{}", answer.unlike("invalid_scope"));
    }
    Ok(())
}

async fn token_answers_are_not_stored(t: &Target) -> Kept {
    let answer = granted(t, "").await?;
    let body = answer.is(200)?.json()?;
    not_stored(&answer)?;
    let kind = body["token_type"].as_str().unwrap_or_default().to_ascii_lowercase();
    demand!(kind == "bearer", "{}", answer.unlike("token_type Bearer"));
    let life = body["expires_in"].as_i64().unwrap_or_default();
    let claims = claims(&answer)?;
    let told = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    demand!(told == Some(life), "{}", answer.unlike("the lifetime of the token as expires_in"));
    demand!((1..=3600).contains(&life), "{}", answer.unlike("a token for an hour at most"));
    Ok(())
}
