//! Programs that ask in their own name: by a secret, by a key; and servers that ask about tokens.

use std::path::Path;

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_auth::issuer::{
    assertion,
    keys::{Alg, SigningKey},
};
use mcp_auth_server::client::file;
use serde_json::{Value, json};

use crate::world::{Answer, ISSUER, NOW, RESOURCE, World, claims, encoded};

const SECRET: &str = "a secret of a good length";

/// A file of clients that nobody else can read.
fn write(path: &Path, clients: &Value) {
    mcp_auth::issuer::disk::write_new(path, &clients.to_string(), true).unwrap();
}

async fn world(jwk: &Value) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clients.json");
    write(
        &path,
        &json!([
            {"client_id": "job", "client_secret": SECRET, "grant_types": ["client_credentials"], "scope": "mcp:read"},
            {"client_id": "signer", "jwks": {"keys": [jwk]}, "grant_types": ["client_credentials"]},
            {"client_id": "app", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"]},
            {"client_id": RESOURCE, "client_secret": SECRET, "grant_types": []},
            {"client_id": "http://localhost:9001/mcp", "client_secret": SECRET, "grant_types": []},
        ]),
    );
    let clients = file::read(&path).unwrap();
    World::with(|builder| builder.clients(clients)).await
}

fn key() -> (SigningKey, Value) {
    let key = SigningKey::generate(Alg::Es256, 0).unwrap();
    let jwk = key.jwk().unwrap();
    (key, jwk)
}

async fn asked(
    world: &World,
    path: &str,
    id: &str,
    secret: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let basic = STANDARD.encode(format!("{}:{secret}", id.replace(':', "%3A")));
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Basic {basic}"))
        .body(Body::from(encoded(fields)));
    world.send(request.unwrap()).await
}

fn assertion(key: &SigningKey, jti: &str, audience: &str) -> String {
    let claims =
        json!({"iss": "signer", "sub": "signer", "aud": audience, "exp": NOW + 60, "jti": jti});
    key.token("JWT", &claims).unwrap()
}

async fn signed(world: &World, assertion: &str) -> Answer {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", assertion::TYPE),
        ("client_assertion", assertion),
    ];
    world.token(&fields).await
}

#[tokio::test]
async fn a_program_gets_a_token_in_its_own_name_with_what_it_may_have() {
    let world = world(&key().1).await;
    let alone = ("grant_type", "client_credentials");
    let by_header = asked(&world, "/token", "job", SECRET, &[alone]).await;
    let by_form = world
        .token(&[alone, ("client_id", "job"), ("client_secret", SECRET), ("resource", RESOURCE)])
        .await;
    for answer in [by_header, by_form] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        assert_eq!((&body["scope"], body.get("refresh_token")), (&"mcp:read".into(), None));
        let caller = world.verifier().verify(body["access_token"].as_str().unwrap(), NOW).unwrap();
        assert_eq!((caller.subject(), caller.client()), ("job", Some("job")));
    }
    for (fields, error) in [
        (&[alone, ("scope", "mcp:tools")][..], "invalid_scope"),
        (&[alone, ("resource", "https://other.example/mcp")], "invalid_target"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "")], "invalid_request"),
    ] {
        let answer = asked(&world, "/token", "job", SECRET, fields).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &error.into()), "{fields:?}");
    }
    for (id, secret) in [("job", "a secret of a bad length!"), ("nobody", SECRET), ("signer", "")] {
        let answer = asked(&world, "/token", id, secret, &[alone]).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (401, &"invalid_client".into()),
            "{id}"
        );
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    }
    let person = asked(&world, "/token", "app", SECRET, &[alone]).await;
    assert_eq!((person.status, &person.json()["error"]), (400, &"unauthorized_client".into()));
}

#[tokio::test]
async fn a_program_that_signs_is_believed_once() {
    let (key, jwk) = key();
    let world = world(&jwk).await;
    let one = assertion(&key, "one", ISSUER);
    let answer = signed(&world, &one).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["sub"], "signer");
    let again = signed(&world, &one).await;
    assert_eq!((again.status, &again.json()["error"]), (401, &"invalid_client".into()), "replayed");
    let endpoint = format!("{ISSUER}/token");
    assert_eq!(signed(&world, &assertion(&key, "two", &endpoint)).await.status, 200);
    let elsewhere = assertion(&key, "three", "https://other.example");
    assert_eq!(signed(&world, &elsewhere).await.status, 401, "meant for somebody else");
    let other = SigningKey::generate(Alg::Es256, 0).unwrap();
    assert_eq!(signed(&world, &assertion(&other, "four", ISSUER)).await.status, 401, "another key");
    let all = (0..50).map(|_| async {
        let five = assertion(&key, "five", ISSUER);
        signed(&world, &five).await.status
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_server_learns_about_tokens_that_are_meant_for_it_and_no_other() {
    let world = world(&key().1).await;
    let token =
        asked(&world, "/token", "job", SECRET, &[("grant_type", "client_credentials")]).await;
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    let about = async |server: &str| {
        let answer = asked(&world, "/introspect", server, SECRET, &[("token", &token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let known = about(RESOURCE).await;
    assert_eq!(known["active"], true);
    for (name, value) in [
        ("sub", "job"),
        ("client_id", "job"),
        ("scope", "mcp:read"),
        ("aud", RESOURCE),
        ("iss", ISSUER),
    ] {
        assert_eq!(known[name], value, "{name}");
    }
    assert!(known.get("roles").is_none(), "a program has none: {known}");
    for other in ["http://localhost:9001/mcp", "job", "app"] {
        assert_eq!(about(other).await, json!({"active": false}), "{other}");
    }
    for nobody in [
        world.form("/introspect", &[("token", &token)]).await,
        world.form("/introspect", &[("token", &token), ("client_id", RESOURCE)]).await,
        asked(&world, "/introspect", RESOURCE, "wrong", &[("token", &token)]).await,
    ] {
        assert_eq!(nobody.status, 401, "{}", nobody.text);
    }
    // its client gives it back, and from that moment it is nothing
    let others = asked(&world, "/revoke", "app", SECRET, &[("token", &token)]).await;
    assert_eq!((others.status, about(RESOURCE).await["active"].clone()), (200, true.into()));
    let own = asked(&world, "/revoke", "job", SECRET, &[("token", &token)]).await;
    assert_eq!((own.status, about(RESOURCE).await), (200, json!({"active": false})));
}

#[test]
fn a_file_of_clients_is_read_strictly() {
    let folder = tempfile::tempdir().unwrap();
    let (_, jwk) = key();
    for (number, (bad, why)) in [
        (json!({"client_id": "a"}), "list"),
        (json!([{"client_id": "a", "clientsecret": "x"}]), "clientsecret"),
        (json!([{"client_id": "a b"}]), "visible ASCII"),
        (json!([{"client_id": "a", "redirect_uris": ["http://a.example/"]}]), "redirect"),
        (json!([{"client_id": "a"}]), "redirect_uris"),
        (json!([{"client_id": "a", "client_secret": "short", "grant_types": []}]), "too short"),
        (json!([{"client_id": "a", "grant_types": ["client_credentials"]}]), "needs a client_secret"),
        (json!([{"client_id": "a", "grant_types": ["password"]}]), "password"),
        (json!([{"client_id": "a", "client_secret": SECRET, "jwks": {"keys": [jwk]}, "grant_types": []}]), "not both"),
        (json!([{"client_id": "a", "jwks": {"keys": []}, "grant_types": []}]), "jwks"),
        (json!([{"client_id": "a", "grant_types": []}, {"client_id": "a", "grant_types": []}]), "twice"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(number.to_string());
        write(&path, &bad);
        let error = file::read(&path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(why), "{bad}: {error:?}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join("open");
        write(&path, &json!([{"client_id": "a", "client_secret": SECRET, "grant_types": []}]));
        assert!(file::read(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file::read(&path).is_err(), "others can read a secret");
    }
}
