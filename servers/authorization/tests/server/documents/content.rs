//! What a document says, and what people get to see of it.

use serde_json::{Value, json};

use super::later;
use crate::{
    browser::Browser,
    site::{Site, document, json_answer},
    steps::consent_page,
    world::{LOCAL, VERIFIER, World, claims, request},
};

#[tokio::test]
async fn a_client_that_nobody_knows_is_its_document() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let mut browser = Browser::default();
    let page =
        consent_page(&world, &mut browser, &request(&id, "http://localhost:5000/callback", &[]))
            .await;
    for told in ["A described program", "localhost:5000", "your own machine", "client.example"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let code = browser.decide(&world, &page, "allow").await.parameter("code").unwrap();
    let fields = [("grant_type", "authorization_code"), ("code", &*code), ("client_id", &*id)];
    let answer = world.token(&[&fields[..], &[("code_verifier", VERIFIER)]].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["client_id"], *id);
    assert!(answer.json()["refresh_token"].is_string());
    assert_eq!(site.asked(), ["/client.json"], "five requests of ours, and one of its document");
}

#[tokio::test]
async fn a_document_that_is_not_one_is_no_client() {
    let site = Site::new().await;
    let documents = site.documents();
    let id = site.id("/client.json");
    let good = document(&id);
    let with = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document.to_string()
    };
    for (what, text) in [
        ("another's document", with("client_id", "https://client.example/client.json".into())),
        ("no id", with("client_id", Value::Null)),
        ("a secret", with("client_secret", "a secret that everybody can read".into())),
        ("basic", with("token_endpoint_auth_method", "client_secret_basic".into())),
        ("post", with("token_endpoint_auth_method", "client_secret_post".into())),
        ("jwt", with("token_endpoint_auth_method", "client_secret_jwt".into())),
        ("nowhere to go", with("redirect_uris", json!([]))),
        ("plain http", with("redirect_uris", json!([LOCAL, "http://client.example/cb"]))),
        ("a scheme of its own", with("redirect_uris", json!(["cursor://cb"]))),
        ("a script", with("redirect_uris", json!(["javascript:alert(1)"]))),
        ("a user", with("redirect_uris", json!(["https://localhost@client.example/cb"]))),
        ("no JSON", "<html>".into()),
        ("two ids", good.to_string().replacen('{', &format!("{{\"client_id\":{id:?},"), 1)),
    ] {
        site.says(move || json_answer(&text));
        assert!(documents.get(&id).await.is_err(), "{what}");
        later(11).await;
    }
    site.says_json(&good);
    assert!(documents.get(&id).await.is_ok());
}

#[tokio::test]
async fn people_see_where_the_answer_goes_and_no_pictures() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let mut said = document(&id);
    said["redirect_uris"] = json!(["https://elsewhere.example/callback"]);
    for name in ["logo_uri", "client_uri", "tos_uri", "policy_uri", "jwks_uri"] {
        said[name] = site.id(&format!("/{name}")).into();
    }
    site.says_json(&said);
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let mut browser = Browser::default();
    let page = consent_page(
        &world,
        &mut browser,
        &request(&id, "https://elsewhere.example/callback", &[]),
    )
    .await;
    assert!(page.text.contains("<dd><strong>elsewhere.example</strong>"), "{}", page.text);
    assert!(!page.text.contains("<img") && !page.text.contains("logo_uri"), "{}", page.text);
    assert_eq!(site.asked(), ["/client.json"]);
}

#[tokio::test]
async fn a_name_that_hides_something_is_not_shown() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    for name in [
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200b}b",
        "a\nb",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{feff}b",
        "a\u{e0041}b",
        "",
        " ",
        " a",
        "\u{3164}",
        &"a".repeat(101),
    ] {
        let mut said = document(&id);
        said["client_name"] = name.into();
        site.says_json(&said);
        let client = site.documents().get(&id).await.unwrap();
        assert_eq!(client.name, None, "{name:?}");
    }
    for name in ["Ünïcode \u{1f6e0}\u{fe0f}", "\u{0627}\u{0644} \u{5de5}\u{5177}", &"ä".repeat(100)]
    {
        let mut said = document(&id);
        said["client_name"] = name.into();
        site.says_json(&said);
        assert_eq!(site.documents().get(&id).await.unwrap().name.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn a_client_whose_name_hides_something_is_called_by_its_id() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let mut said = document(&id);
    said["client_name"] = "Trusted\u{202e}".into();
    site.says_json(&said);
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let page = Browser::default().get(&world, &request(&id, LOCAL, &[])).await;
    assert!(page.text.contains(&format!("“{id}” wants to use")), "{}", page.text);
    assert!(!page.text.contains("Trusted"));
}
