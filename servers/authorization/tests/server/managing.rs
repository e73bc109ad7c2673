//! A client that reads, changes and deletes what it has registered (RFC 7592).

use serde_json::{Value, json};

use crate::{
    steps::{manage, managed, registered},
    world::{WEB, World},
};

/// A client that has registered itself, and its token.
async fn one(world: &World) -> (Value, String) {
    let client = registered(world, &json!({"redirect_uris": [WEB]})).await;
    let token = client["registration_access_token"].as_str().unwrap().to_owned();
    (client, token)
}

#[tokio::test]
async fn whoever_reads_or_changes_a_registration_hears_where_and_by_which_token() {
    let world = World::new().await;
    let (client, token) = one(&world).await;
    let read = managed(&world, "GET", &client, &token).await;
    let changed = json!({"redirect_uris": [WEB], "client_name": "A new name"});
    let changed = manage(&world, "PUT", &client, &token, Some(&changed)).await;
    for answer in [read, changed] {
        assert_eq!(
            (answer.status, &answer.headers["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        for same in [
            "registration_access_token",
            "registration_client_uri",
            "client_id",
            "client_id_issued_at",
        ] {
            assert!(
                client[same] == answer.json()[same] && !client[same].is_null(),
                "{same}: {}",
                answer.text
            );
        }
        assert!(answer.json().get("client_secret").is_none(), "only its hash is kept");
    }
}

#[tokio::test]
async fn nobody_changes_a_registration_into_another_ones() {
    let world = World::new().await;
    let ((client, token), (other, _)) = (one(&world).await, one(&world).await);
    let changes =
        |id: &Value| json!({"client_id": id, "redirect_uris": [WEB], "client_name": "Changed"});
    for id in [&other["client_id"], &json!("nobody"), &json!("")] {
        let answer = manage(&world, "PUT", &client, &token, Some(&changes(id))).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &"invalid_client_metadata".into()),
            "{id}"
        );
    }
    let kept = managed(&world, "GET", &client, &token).await.json();
    assert!(kept.get("client_name").is_none(), "{kept}");
    let own = manage(&world, "PUT", &client, &token, Some(&changes(&client["client_id"]))).await;
    assert_eq!((own.status, &own.json()["client_name"]), (200, &"Changed".into()), "{}", own.text);
}

#[tokio::test]
async fn a_registration_says_what_can_be_done_with_it() {
    let world = World::new().await;
    let (client, token) = one(&world).await;
    for method in ["POST", "PATCH", "TRACE"] {
        let answer = managed(&world, method, &client, &token).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, PUT, DELETE", "{method}");
        assert_eq!(managed(&world, method, &client, "another").await.status, 401, "{method}");
    }
    assert_eq!(managed(&world, "GET", &client, &token).await.status, 200, "it is as it was");
}
