//! What is registered, and what is used.

use serde_json::json;

use super::ELSEWHERE;
use crate::{
    browser::Browser,
    documents::later,
    site::{Site, document},
    steps::{
        allowed, code, consent_page, exchange, is_active, manage, managed, pair, refresh, register,
        registered,
    },
    world::{LOCAL, WEB, World, request},
};

/// Flaw: what a client has registered is checked once, and something else is used later.
#[tokio::test]
async fn registration_is_bound_to_what_is_used_later() {
    let world = World::new().await;
    let mut metadata = json!({"client_name": "A tool", "redirect_uris": [WEB],
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]});
    let client = registered(&world, &metadata).await;
    let (id, token) = (client["client_id"].as_str().unwrap(), &client["registration_access_token"]);
    let token = token.as_str().unwrap();
    let change = async |metadata: &_| {
        let answer = manage(&world, "PUT", &client, token, Some(metadata)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    // Alice reads who it is; while she reads, it takes another name
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request(id, WEB, &[])).await;
    metadata["client_name"] = "Another tool".into();
    change(&metadata).await;
    let answer = browser.decide(&world, &page, "allow").await;
    assert!(answer.location().starts_with("/authorize?"), "{}", answer.location());
    let anew = browser.get(&world, answer.location()).await;
    assert_eq!(anew.status, 200, "she is asked anew");
    metadata["client_name"] = "A tool".into();
    change(&metadata).await;
    let answer = browser.decide(&world, &page, "allow").await;
    let tokens = exchange(&world, id, WEB, &answer.parameter("code").unwrap()).await;
    // what she has allowed is for answers to the place that she has seen
    metadata["redirect_uris"] = json!([ELSEWHERE]);
    change(&metadata).await;
    let answer = browser.get(&world, &request(id, ELSEWHERE, &[])).await;
    assert!(answer.status == 200 && answer.text.contains("elsewhere.example"), "{}", answer.text);
    let answer = browser.get(&world, &request(id, WEB, &[])).await;
    assert_eq!(answer.status, 400, "it is not registered any more");
    // what it does not want to do any more, it cannot
    metadata["grant_types"] = json!(["authorization_code"]);
    change(&metadata).await;
    assert_eq!(refresh(&world, id, &pair(&tokens).1).await.status, 400);
}

/// The same for a client that is a document: nobody asks its author before he changes it.
#[tokio::test]
async fn a_document_that_changes_gets_what_people_have_seen() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let describe = |scope: &str| {
        let mut said = document(&id);
        said["scope"] = scope.into();
        site.says_json(&said);
    };
    describe("mcp:read");
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let mut browser = Browser::default();
    let page = consent_page(&world, &mut browser, &request(&id, LOCAL, &[])).await;
    assert!(!page.text.contains("use its tools"), "{}", page.text);
    describe("mcp:read mcp:tools");
    later(301).await;
    let answer = browser.decide(&world, &page, "allow").await;
    let anew = browser.get(&world, answer.location()).await;
    assert!(anew.text.contains("use its tools"), "she is asked anew: {}", answer.location());
    let code = browser.decide(&world, &anew, "allow").await.parameter("code").unwrap();
    let tokens = exchange(&world, &id, LOCAL, &code).await;
    assert_eq!(tokens.json()["scope"], "mcp:read mcp:tools");
    // what it may not have any more, it does not get by a refresh either
    describe("mcp:read");
    later(301).await;
    let tokens = refresh(&world, &id, &pair(&tokens).1).await;
    assert_eq!(tokens.json()["scope"], "mcp:read", "{}", tokens.text);
}

/// Flaw: a right to refresh that was given up, or a client that was deleted, still counts.
#[tokio::test]
async fn what_a_client_gives_up_it_has_no_more() {
    let world = World::new().await;
    let mut metadata = json!({"redirect_uris": [WEB], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"]});
    let client = registered(&world, &metadata).await;
    let (id, token) = (client["client_id"].as_str().unwrap(), &client["registration_access_token"]);
    let token = token.as_str().unwrap();
    let first = pair(&exchange(&world, id, WEB, &code(&world, id, WEB).await).await);
    metadata["grant_types"] = json!(["authorization_code"]);
    assert_eq!(manage(&world, "PUT", &client, token, Some(&metadata)).await.status, 200);
    let refused = refresh(&world, id, &first.1).await;
    assert_eq!(refused.json()["error"], "unauthorized_client");
    let second = exchange(&world, id, WEB, &code(&world, id, WEB).await).await;
    assert!(second.status == 200 && second.json().get("refresh_token").is_none());
    assert!(is_active(&world, &first.0).await);
    assert_eq!(managed(&world, "DELETE", &client, token).await.status, 204);
    assert!(!is_active(&world, &first.0).await, "its tokens end with it");
}

/// Flaw: a client's name and address are shown, and believed, as if somebody had looked at them.
#[tokio::test]
async fn a_registered_name_and_address_are_not_trusted_blindly() {
    let world = World::new().await;
    let hostile = "<script>alert(1)</script>\"'&";
    let metadata = json!({"client_name": hostile, "redirect_uris": [ELSEWHERE, LOCAL]});
    let client = registered(&world, &metadata).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::default();
    for (redirect, host, warning) in [
        (ELSEWHERE, "elsewhere.example", "Its name is what it calls itself"),
        (LOCAL, "localhost", "any program there can call itself so"),
    ] {
        let page = browser.get(&world, &request(id, redirect, &[])).await;
        let page = match page.text.contains("name=\"password\"") {
            true => browser.log_in(&world, &page, "alice", "a good password").await,
            false => page,
        };
        assert!(page.text.contains("“&lt;script&gt;"), "{}", page.text);
        assert!(!page.text.contains("<script") && !page.text.contains("\"'&"), "{}", page.text);
        assert!(page.text.contains(&format!("<dd><strong>{host}</strong>")), "{}", page.text);
        assert!(page.text.contains(warning), "{}", page.text);
    }
    // the name of a client that she knows opens nothing
    let name = json!({"client_name": "The web program", "redirect_uris": [ELSEWHERE]});
    allowed(&world, "web", WEB).await;
    let usurper = registered(&world, &name).await;
    let asked = request(usurper["client_id"].as_str().unwrap(), ELSEWHERE, &[]);
    assert_eq!(browser.get(&world, &asked).await.status, 200, "she is asked");
    for uri in
        ["javascript:alert(1)", "data:text/html,x", "https://a.example;script-src *", "https://*/"]
    {
        let answer = register(&world, &json!({"redirect_uris": [uri]})).await;
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uri}");
    }
}
