//! What do people find who open the address of the server itself, and what do programs hear that forget something?

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::{
    steps::{self, registered},
    world::{Answer, LOCAL, WEB, World},
};

async fn ask(world: &World, method: &str, host: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("host", host);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn whoever_opens_the_issuer_reads_what_it_is_and_where_its_metadata_is() {
    for (host, base, paths) in [
        ("http://localhost:9100", "", &["/"][..]),
        ("https://as.example", "/team/a", &["/team/a", "/team/a/"]),
    ] {
        let issuer = format!("{host}{base}");
        let name = host.split_once("://").unwrap().1;
        let world = World::called(&issuer, |builder| builder).await;
        // another page that is for nobody to be sent back from
        let other = ask(&world, "GET", name, &format!("{base}/authorize")).await;
        for path in paths {
            let page = ask(&world, "GET", name, path).await;
            assert_eq!(page.status, 200, "{path}");
            let metadata = format!("{host}/.well-known/oauth-authorization-server{base}");
            assert!(page.text.contains(&format!("<strong>{issuer}</strong>")), "{}", page.text);
            assert!(page.text.contains(&format!("<a href=\"{metadata}\">")), "{}", page.text);
            let found = ask(&world, "GET", name, metadata.strip_prefix(host).unwrap()).await;
            assert_eq!(found.json()["issuer"], *issuer, "it leads there");
            let headers = |answer: &Answer| {
                let mut headers = answer.headers.clone();
                headers.remove("content-length");
                headers
            };
            assert!(headers(&page).contains_key("content-security-policy"));
            assert_eq!(headers(&page), headers(&other), "as the other pages");
        }
        if !base.is_empty() {
            assert_eq!(ask(&world, "GET", name, "/").await.status, 404, "that is somebody else's");
        }
        assert_eq!(ask(&world, "GET", "evil.example", paths[0]).await.status, 403);
        assert_eq!(ask(&world, "POST", name, paths[0]).await.status, 405);
    }
}

#[tokio::test]
async fn a_client_that_does_not_say_who_it_is_hears_that() {
    let world = World::new().await;
    for (fields, is_missing) in [
        (&[][..], true),
        (&[("client_secret", "a secret of nobody")], true),
        (&[("client_id", "nobody")], false),
        (&[("client_id", "")], true), // RFC 6749 §3.1
    ] {
        let fields = [&[("grant_type", "authorization_code"), ("code", "x")], fields].concat();
        let answer = world.token(&fields).await;
        assert_eq!((answer.status, &answer.json()["error"]), (401, &"invalid_client".into()));
        let text = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert_eq!(text.starts_with("client_id is missing"), is_missing, "{fields:?}: {text}");
    }
}

#[tokio::test]
async fn a_registration_promises_the_grants_that_can_be_used() {
    let world = World::new().await;
    let (code, refresh) = ("authorization_code", "refresh_token");
    for (asked, promised) in [
        (json!(null), &[code][..]),
        (json!([code]), &[code]),
        (json!([refresh, code]), &[code, refresh]),
        (json!([code, code, refresh, refresh]), &[code, refresh]),
        (json!([code, "client_credentials", "implicit", "password"]), &[code]),
    ] {
        let mut metadata = json!({"redirect_uris": [LOCAL], "token_endpoint_auth_method": "none"});
        if !asked.is_null() {
            metadata["grant_types"] = asked.clone();
        }
        let client = registered(&world, &metadata).await;
        assert_eq!(client["grant_types"], json!(promised), "{asked}");
        let id = client["client_id"].as_str().unwrap();
        let given = steps::code(&world, id, LOCAL).await;
        let answer = steps::exchange(&world, id, LOCAL, &given).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let is_given = answer.json()["refresh_token"].is_string();
        assert_eq!(is_given, promised.contains(&refresh), "{asked}: as it was promised");
    }
    let alone = json!({"redirect_uris": [WEB], "grant_types": [refresh]});
    assert_eq!(steps::register(&world, &alone).await.status, 400);
}
