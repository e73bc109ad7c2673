//! Contract 7: where do I log in?

use axum::http::Method;
use serde_json::{Value, json};

use crate::{Answer, Kept, Promise, Target, challenge::Challenge, target::root_of};

/// The promises of lesson 7.
pub const PROMISES: &[Promise] = promises! {
    metadata_is_at_both_addresses, "A1 A2", "the metadata of the resource is at the path form and at the root, one and the same";
    metadata_names_us_to_the_letter, "A1 A12", "`resource` is the URL that clients use, whatever the Host says, and an issuer is named";
    metadata_asks_for_little, "A11", "scopes_supported are the three of the workshop, without offline_access";
    metadata_is_for_every_page, "A2", "any page may read both documents, without a token, and may keep them";
    challenges_say_where_to_go, "A2 A4", "a 401 names the metadata and the scope mcp:read";
    issuers_name_is_exact, "S2 S3", "the issuer's document is where RFC 8414 has it, and says the name that the metadata says";
    issuer_says_what_works, "S2", "the issuer's document has what official clients ask for, and no more than works";
    nobody_logs_in_here, "S2", "the authorization endpoint is a page that says so, with 400";
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

fn path(t: &Target) -> String {
    format!("/.well-known/oauth-protected-resource{}", t.endpoint_path())
}

async fn metadata(t: &Target) -> Result<(Answer, Value), String> {
    let answer = t.get(&path(t)).anonymous().send().await?;
    let document = answer.is(200)?.json()?;
    Ok((answer, document))
}

async fn metadata_is_at_both_addresses(t: &Target) -> Kept {
    let (_, document) = metadata(t).await?;
    let answer = t.get("/.well-known/oauth-protected-resource").anonymous().send().await?;
    demand!(
        answer.is(200)?.json()? == document,
        "{}",
        answer.unlike("the document of the path form")
    );
    for path in [path(t), "/.well-known/oauth-protected-resource".into()] {
        t.call(Method::HEAD, &path).anonymous().send().await?.is(200)?.empty()?;
        t.call(Method::POST, &path).anonymous().send().await?.refused(405)?;
    }
    t.get("/.well-known/oauth-protected-resource/other").anonymous().send().await?.refused(404)?;
    Ok(())
}

async fn metadata_names_us_to_the_letter(t: &Target) -> Kept {
    let (answer, document) = metadata(t).await?;
    demand!(document["resource"] == t.resource(), "{}", answer.unlike(t.resource()));
    let issuers = document["authorization_servers"].as_array().cloned().unwrap_or_default();
    let named = !issuers.is_empty() && issuers.iter().all(Value::is_string);
    demand!(named, "{}", answer.unlike("authorization_servers with one entry or more"));
    if let Some(port) = t.authority().strip_prefix("localhost:") {
        let host = format!("127.0.0.1:{port}");
        let call = t
            .get(&path(t))
            .anonymous()
            .set("host", &host)
            .header("x-forwarded-host", "evil.example");
        let answer = call.with(format!("Host: {host}")).send().await?;
        demand!(answer.is(200)?.json()? == document, "{}", answer.unlike("the same document"));
    }
    Ok(())
}

async fn metadata_asks_for_little(t: &Target) -> Kept {
    let (answer, document) = metadata(t).await?;
    let mut scopes = document["scopes_supported"].as_array().cloned().unwrap_or_default();
    scopes.sort_by_key(ToString::to_string);
    let all = [json!("mcp:prompts"), json!("mcp:read"), json!("mcp:tools")];
    demand!(scopes == all, "{}", answer.unlike("the three scopes of the workshop"));
    let methods = &document["bearer_methods_supported"];
    demand!(*methods == json!(["header"]), "{}", answer.unlike("tokens in the header alone"));
    Ok(())
}

async fn metadata_is_for_every_page(t: &Target) -> Kept {
    for path in [path(t), issuer_path(t)] {
        let call = t.get(&path).anonymous().header("origin", "https://elsewhere.example");
        let answer = call.with("a foreign Origin").send().await?;
        answer.is(200)?.json()?;
        let allowed = answer.header("access-control-allow-origin")?;
        demand!(allowed == Some("*"), "{}, {allowed:?}", answer.unlike("any page allowed"));
    }
    Ok(())
}

async fn challenges_say_where_to_go(t: &Target) -> Kept {
    let expected = format!("{}{}", t.origin(), path(t));
    for call in [
        t.modern("server/discover", json!({})).anonymous().with("no token"),
        t.legacy("tools/list", json!({})).anonymous().with("no token"),
        t.endpoint(Method::GET).anonymous(),
        t.modern("server/discover", json!({})).token("nonsense").with("a bad token"),
    ] {
        let answer = call.send().await?;
        answer.is(401)?;
        let challenge = Challenge::of(&answer)?;
        let told = challenge.get("resource_metadata") == Some(&expected);
        demand!(told, "{}, {challenge:?}", answer.unlike(format!("resource_metadata {expected}")));
        let scope = challenge.get("scope") == Some("mcp:read");
        demand!(scope, "{}, {challenge:?}", answer.unlike("scope=\"mcp:read\""));
    }
    Ok(())
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

async fn issuers_name_is_exact(t: &Target) -> Kept {
    let (_, resource) = metadata(t).await?;
    let (answer, document) = issuer(t).await?;
    let named = &resource["authorization_servers"][0];
    demand!(document["issuer"] == *named, "{}", answer.unlike(format!("the issuer {named}")));
    demand!(
        *named == t.public_url(),
        "{}",
        answer.unlike(format!("the issuer {}", t.public_url()))
    );
    Ok(())
}

async fn issuer_says_what_works(t: &Target) -> Kept {
    let (answer, document) = issuer(t).await?;
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let url = document[name].as_str().unwrap_or_default();
        let ours = root_of(url).as_deref() == Some(&*t.origin());
        demand!(ours, "{}", answer.unlike(format!("{name}, a URL of this server")));
    }
    let lists = [
        ("response_types_supported", json!([])),
        ("grant_types_supported", json!(["client_credentials"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
    ];
    for (name, expected) in lists {
        demand!(document[name] == expected, "{}", answer.unlike(format!("{name} {expected}")));
    }
    let scopes = document["scopes_supported"].as_array().map(Vec::len);
    demand!(scopes == Some(3), "{}", answer.unlike("scopes_supported, the three of the workshop"));
    let keys = t.get(&local(t, &document["jwks_uri"])).anonymous().send().await?;
    demand!(keys.is(200)?.json()?["keys"].is_array(), "{}", keys.unlike("a key set at jwks_uri"));
    Ok(())
}

/// The path of one of our own URLs.
fn local(t: &Target, url: &Value) -> String {
    let url = url.as_str().unwrap_or_default();
    url.strip_prefix(&t.origin()).unwrap_or(url).to_owned()
}

async fn nobody_logs_in_here(t: &Target) -> Kept {
    let (_, document) = issuer(t).await?;
    let query =
        "response_type=code&client_id=x&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&state=s";
    let call = t.get(&local(t, &document["authorization_endpoint"])).anonymous().query(query);
    let answer = call.send().await?;
    let kind = answer.is(400)?.header("content-type")?.unwrap_or_default();
    demand!(kind.starts_with("text/html"), "{}", answer.unlike("a page"));
    let redirects = answer.headers.contains_key("location");
    demand!(!redirects, "{}", answer.unlike("no redirection to an address of the caller's choice"));
    Ok(())
}

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
    t.get(&local(t, &document["token_endpoint"])).anonymous().send().await?.refused(405)?;
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
