//! Clients that say to be others.

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    steps::code,
    world::{Answer, RESOURCE, SECRET, VERIFIER, WEB, World, encoded},
};

async fn token_request(world: &World, basic: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let mut request =
        Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(basic)));
    }
    world.send(request.body(Body::from(encoded(fields))).unwrap()).await
}

#[tokio::test]
async fn nobody_is_a_client_by_saying_so() {
    let world = World::with(|builder| builder.without_rates()).await;
    let good = format!("secret:{}", SECRET.replace(' ', "+"));
    let (id, secret) = (("client_id", "secret"), ("client_secret", SECRET));
    let wrong = format!("{SECRET}!");
    for (what, basic, fields, status, error) in [
        ("without its secret", None, &[id][..], 401, "invalid_client"),
        ("with a wrong secret", None, &[id, ("client_secret", &*wrong)], 401, "invalid_client"),
        ("with an empty secret", None, &[id, ("client_secret", "")], 401, "invalid_client"),
        ("with a wrong secret in the header", Some("secret:x"), &[], 401, "invalid_client"),
        ("with no secret in the header", Some("secret:"), &[], 401, "invalid_client"),
        ("with a header that cannot be read", Some("secret"), &[id], 401, "invalid_client"),
        (
            "with the secret of another",
            None,
            &[("client_id", "web"), secret],
            401,
            "invalid_client",
        ),
        ("a public client with a header", Some("local:"), &[], 401, "invalid_client"),
        ("nobody", None, &[], 401, "invalid_client"),
        ("an unknown one", None, &[("client_id", "nobody")], 401, "invalid_client"),
        (
            "an unknown one with a secret",
            None,
            &[("client_id", "nobody"), secret],
            401,
            "invalid_client",
        ),
        (
            "one in the header, one in the form",
            Some(&good),
            &[("client_id", "web")],
            401,
            "invalid_client",
        ),
        ("by both ways", Some(&good), &[id, secret], 400, "invalid_request"),
        ("with two ids", None, &[id, ("client_id", "web"), secret], 400, "invalid_request"),
        ("with two secrets", None, &[id, secret, ("client_secret", "x")], 400, "invalid_request"),
        (
            "by a signature that is none",
            None,
            &[
                id,
                ("client_assertion", "x"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ],
            401,
            "invalid_client",
        ),
        (
            "by a secret and a signature",
            None,
            &[
                id,
                secret,
                ("client_assertion", "x"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ],
            400,
            "invalid_request",
        ),
    ] {
        let code = code(&world, "secret", WEB).await;
        let grant =
            [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let answer = token_request(&world, basic, &[&grant[..], fields].concat()).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()), "{what}");
        let is_told_how = answer.headers.contains_key("www-authenticate");
        assert_eq!(is_told_how, basic.is_some() && status == 401, "{what}");
        let answer = token_request(&world, Some(&good), &grant).await;
        assert_eq!(
            answer.status, 200,
            "{what}: and the code is still the client's own: {}",
            answer.text
        );
    }
    // what stands in the address is in logs, and not read
    let code = code(&world, "secret", WEB).await;
    let fields =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let address = format!("/token?{}", encoded(&[id, secret]));
    assert_eq!(world.form(&address, &fields).await.status, 401);
}

#[tokio::test]
async fn clients_that_may_not_act_alone_do_not() {
    let world = World::new().await;
    for (client, secret) in [("local", ""), ("secret", SECRET), (RESOURCE, SECRET)] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
        ];
        assert_eq!(world.token(&fields).await.json()["error"], "unauthorized_client", "{client}");
    }
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "AUTHORIZATION_CODE",
    ] {
        let fields = [
            ("grant_type", grant),
            ("client_id", "local"),
            ("username", "alice"),
            ("password", "a good password"),
        ];
        assert_eq!(world.token(&fields).await.json()["error"], "unsupported_grant_type", "{grant}");
    }
}

/// A resource server that reads `sub` alone would take the program for the person (RFC 9068 §5).
#[tokio::test]
async fn no_program_acts_under_the_name_of_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.json");
    let entry = |id| json!({"client_id": id, "client_secret": SECRET, "grant_types": ["client_credentials"]});
    let entries = json!([entry("job"), entry("alice")]).to_string();
    mcp_auth::issuer::disk::write_new(&file, &entries, true).unwrap();
    let clients = mcp_auth_server::client::file::read(&file).unwrap();
    let world = World::with(|builder| builder.clients(clients)).await;
    for (client, status) in [("job", 200), ("alice", 400)] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", SECRET),
        ];
        assert_eq!(world.token(&fields).await.status, status, "{client}");
    }
}
