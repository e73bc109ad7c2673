//! Do the documents lead to the login? What the server and its issuer say of themselves.

use axum::http::Method;
use serde_json::{Value, json};

use super::{issuer, issuer_path, local, metadata, path};
use crate::{Kept, Promise, Target, challenge::Challenge, target::root_of};

/// The promises of lesson 7.
pub const PROMISES: &[Promise] = promises! {
    metadata_is_at_both_addresses, "A1 A2", "the metadata of the resource is at the path form and at the root, one and the same";
    metadata_names_us_to_the_letter, "A1 A12", "`resource` is the URL that clients use, whatever the Host says, and an issuer is named";
    metadata_asks_for_little, "A11", "scopes_supported are the three of the workshop, without offline_access";
    metadata_is_for_every_page, "A2", "any page may read the metadata, without a token, and may keep it";
    challenges_say_where_to_go, "A2 A4", "a 401 names the metadata and the scope mcp:read";
};

/// What is promised where the server is its own issuer.
pub const ISSUER: &[Promise] = promises! {
    issuers_document_is_for_every_page, "S2", "any page may read the issuer's document, without a token, and may keep it";
    issuers_name_is_exact, "S2 S3", "the issuer's document is where RFC 8414 has it, and says the name that the metadata says";
    issuer_says_what_works, "S2", "the issuer's document has what official clients ask for, and no more than works";
    nobody_logs_in_here, "S2", "the authorization endpoint is a page that says so, with 400";
};

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

async fn is_for_every_page(t: &Target, path: &str) -> Kept {
    let call = t.get(path).anonymous().header("origin", "https://elsewhere.example");
    let answer = call.with("a foreign Origin").send().await?;
    answer.is(200)?.json()?;
    let allowed = answer.header("access-control-allow-origin")?;
    demand!(allowed == Some("*"), "{}, {allowed:?}", answer.unlike("any page allowed"));
    let caching = answer.list("cache-control");
    let kept = caching.contains(&"public".into());
    demand!(kept, "{}, Cache-Control: {caching:?}", answer.unlike("Cache-Control: public"));
    Ok(())
}

async fn metadata_is_for_every_page(t: &Target) -> Kept {
    is_for_every_page(t, &path(t)).await
}

async fn issuers_document_is_for_every_page(t: &Target) -> Kept {
    is_for_every_page(t, &issuer_path(t)).await
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
