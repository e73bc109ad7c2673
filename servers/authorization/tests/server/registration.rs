//! Clients that register themselves.

use serde_json::json;

use crate::{
    browser::Browser,
    steps::{allowed, exchange, managed, register},
    world::{LOCAL, NOW, World, request},
};

#[tokio::test]
async fn a_client_registers_is_used_read_and_deleted() {
    let world = World::new().await;
    let answer = register(&world, &json!({
        "client_name": "A tool", "redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        "software_id": "whatever", "scope": "mcp:read",
    }))
    .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let client = answer.json();
    assert!(client.get("client_secret").is_none() && client.get("software_id").is_none());
    assert!(client.get("scope").is_none(), "none is kept, so none is promised");
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::default();
    let page = browser.get(&world, &request(id, "http://127.0.0.1:5555/cb", &[])).await;
    assert!(page.status == 200 && page.text.contains("A tool"), "{}", page.text);
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
    assert!(page.text.contains("mcp:tools"), "it can ask for more than it named: {}", page.text);
    let token = client["registration_access_token"].as_str().unwrap();
    assert_eq!(managed(&world, "GET", &client, token).await.json()["client_id"], id);
    assert_eq!(managed(&world, "DELETE", &client, "another").await.status, 401);
    assert_eq!(managed(&world, "DELETE", &client, token).await.status, 204);
    assert_eq!(managed(&world, "GET", &client, token).await.status, 401);
    let page = browser.get(&world, &request(id, "http://127.0.0.1:5555/cb", &[])).await;
    assert_eq!(page.status, 400, "it is gone");
}

#[tokio::test]
async fn what_a_client_may_not_say_is_refused() {
    let world = World::new().await;
    for (name, value, error) in [
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://evil.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["cursor://cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://app.example/cb?code=x"]), "invalid_redirect_uri"),
        ("redirect_uris", json!("https://a.example/cb"), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "invalid_client_metadata"),
        ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
        ("application_type", json!("other"), "invalid_client_metadata"),
        ("client_name", json!("a\u{202e}b"), "invalid_client_metadata"),
        ("client_name", json!("a\nb"), "invalid_client_metadata"),
        ("client_name", json!("a".repeat(101)), "invalid_client_metadata"),
    ] {
        let mut metadata = json!({"redirect_uris": ["https://app.example/cb"]});
        metadata[name] = value.clone();
        let answer = register(&world, &metadata).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &error.into()),
            "{name} {value}"
        );
    }
    let good = register(&world, &json!({"redirect_uris": ["https://app.example/cb"]})).await;
    assert!(good.json()["client_secret"].is_string(), "basic is the default (RFC 7591 §2)");
}

#[tokio::test]
async fn a_client_that_gets_a_token_is_in_use_and_one_that_only_asks_is_not() {
    let world = World::new().await;
    let metadata = json!({"redirect_uris": [LOCAL], "token_endpoint_auth_method": "none"});
    let client = register(&world, &metadata).await.json();
    let id = client["client_id"].as_str().unwrap();
    let store = world.store().await;
    let used = async || store.registered(id).await.unwrap().unwrap().used;
    let code = allowed(&world, id, LOCAL).await.parameter("code").unwrap();
    assert_eq!(used().await, None);
    assert_eq!(exchange(&world, id, LOCAL, "another code").await.status, 400);
    assert_eq!(used().await, None, "nor one that asks in vain");
    assert_eq!(exchange(&world, id, LOCAL, &code).await.status, 200);
    assert_eq!(used().await, Some(NOW));
}

/// As one does it who wants the stack of the server to overflow: each text begins to count its levels anew.
#[tokio::test]
async fn no_json_is_hidden_in_a_text_of_a_registration() {
    let world = World::new().await;
    let hidden =
        json!({"redirect_uris": [LOCAL], "jwks": {"$serde_json::private::RawValue": "{}"}});
    let answer = register(&world, &hidden).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_client_metadata".into()));
}
