//! What does a program get that embeds a place to log in?

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use mcp_auth::issuer::{client::Client, files::KeyFiles};
use mcp_auth_server::demo::{DEMO, demo};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{ISSUER, LOCAL, RESOURCE, SECRET, claims, encoded, request};

async fn ask(
    router: &Router,
    kind: &str,
    request: axum::http::request::Builder,
    body: String,
) -> String {
    let request = request.header("host", "localhost:9100").header("content-type", kind);
    let answer = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn people_whom_everybody_knows_log_in_under_a_name_of_this_machine_alone() {
    let folder = tempfile::tempdir().unwrap();
    let program = Client::new("program", SECRET).unwrap();
    let embedded = async |issuer: &str| {
        demo(issuer, [RESOURCE], KeyFiles::new(folder.path().join("keys")), &program).await
    };
    for issuer in ["https://as.example", "http://as.example:9100", "http://localhost.example"] {
        let error = embedded(issuer).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(issuer) && error.contains("everybody knows"), "{issuer}: {error}");
    }
    let router = embedded(ISSUER).await.unwrap().routes();
    let form = encoded(&[
        ("grant_type", "client_credentials"),
        ("client_id", "program"),
        ("client_secret", SECRET),
    ]);
    let kind = "application/x-www-form-urlencoded";
    let answer: Value =
        serde_json::from_str(&ask(&router, kind, Request::post("/token"), form).await).unwrap();
    let told = claims(answer["access_token"].as_str().unwrap());
    assert_eq!((&told["sub"], &told["aud"]), (&"program".into(), &RESOURCE.into()));
    let client =
        json!({"redirect_uris": [LOCAL], "token_endpoint_auth_method": "none"}).to_string();
    let client = ask(&router, "application/json", Request::post("/register"), client).await;
    let client: Value = serde_json::from_str(&client).unwrap();
    let asked = request(client["client_id"].as_str().unwrap(), LOCAL, &[]);
    let page = ask(&router, kind, Request::get(asked), String::new()).await;
    for (name, password, _) in DEMO {
        let shown = format!("<code>{name}</code> / <code>{password}</code>");
        assert!(page.contains(&shown), "{shown}: {page}");
    }
}
