//! What people and clients do again and again.

use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::{
    browser::Browser,
    world::{Answer, RESOURCE, SECRET, VERIFIER, World, request},
};

/// The page to allow what is asked for, after Alice has logged in at this browser.
pub async fn consent_page(world: &World, browser: &mut Browser, asked: &str) -> Answer {
    let page = browser.get(world, asked).await;
    assert_eq!(page.status, 200, "{}", page.text);
    browser.log_in(world, &page, "alice", "a good password").await
}

/// Alice logs in, and allows what this client asks for if she is asked; what the client is sent.
pub async fn allowed(world: &World, client: &str, redirect: &str) -> Answer {
    let mut browser = Browser::default();
    let page = consent_page(world, &mut browser, &request(client, redirect, &[])).await;
    if page.status == 303 { page } else { browser.decide(world, &page, "allow").await }
}

/// A code that Alice has allowed.
pub async fn code(world: &World, client: &str, redirect: &str) -> String {
    allowed(world, client, redirect).await.parameter("code").unwrap()
}

/// A token request with a code, with other values for some parameters; an empty one is left out.
pub async fn exchange_with(world: &World, code: &str, others: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "local"),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in others {
        fields.retain(|(other, _)| other != name);
        fields.push((name, value));
    }
    world.token(&fields).await
}

pub async fn exchange(world: &World, client: &str, redirect: &str, code: &str) -> Answer {
    exchange_with(world, code, &[("client_id", client), ("redirect_uri", redirect)]).await
}

pub async fn refresh(world: &World, client: &str, token: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
    world.token(&fields).await
}

/// The access token and the refresh token of an answer.
pub fn pair(answer: &Answer) -> (String, String) {
    let token = |name: &str| {
        let json = answer.json();
        json[name].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
    };
    (token("access_token"), token("refresh_token"))
}

/// The tokens of a client to whom Alice has allowed all.
pub async fn tokens(world: &World, client: &str, redirect: &str) -> (String, String) {
    pair(&exchange(world, client, redirect, &code(world, client, redirect).await).await)
}

/// What is told of a token to this resource server.
pub async fn introspected(world: &World, server: &str, token: &str) -> Answer {
    let fields = [("token", token), ("client_id", server), ("client_secret", SECRET)];
    world.form("/introspect", &fields).await
}

/// Is this token good, says the server, to the one that it is for?
pub async fn is_active(world: &World, token: &str) -> bool {
    introspected(world, RESOURCE, token).await.json()["active"].as_bool().unwrap()
}

pub async fn register(world: &World, metadata: &Value) -> Answer {
    let request = Request::post("/register").header("content-type", "application/json");
    world.send(request.body(Body::from(metadata.to_string())).unwrap()).await
}

/// A client that has registered itself: what it was told.
pub async fn registered(world: &World, metadata: &Value) -> Value {
    let answer = register(world, metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// Reads, changes or deletes a registration.
pub async fn manage(
    world: &World,
    method: &str,
    registered: &Value,
    token: &str,
    metadata: Option<&Value>,
) -> Answer {
    let uri = registered["registration_client_uri"].as_str().unwrap();
    let request = Request::builder().method(method).uri(&uri[uri.find("/register/").unwrap()..]);
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", "application/json");
    let body = metadata.map_or_else(Body::empty, |metadata| Body::from(metadata.to_string()));
    world.send(request.body(body).unwrap()).await
}

pub async fn managed(world: &World, method: &str, registered: &Value, token: &str) -> Answer {
    manage(world, method, registered, token, None).await
}
