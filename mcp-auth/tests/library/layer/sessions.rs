//! An old-era session belongs to whom it was given.

use super::*;

/// A server that opens one session, and says which one it was asked for.
fn app() -> Router {
    let sessions = async |headers: HeaderMap| match headers.get("mcp-session-id") {
        None => ([("mcp-session-id", "session-1")], "opened").into_response(),
        Some(id) if id == "session-1" => "known".into_response(),
        Some(_) => (StatusCode::NOT_FOUND, "unknown").into_response(),
    };
    Router::new().fallback(sessions).layer(layer())
}

async fn ask(method: &str, token: &str, ids: &[&str]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri("/mcp");
    request = request.header("authorization", format!("Bearer {token}"));
    for id in ids {
        request = request.header("mcp-session-id", *id);
    }
    answer(APP.with(Clone::clone), request.body(Body::empty()).unwrap()).await
}

thread_local! {
    static APP: Router = app();
}

#[tokio::test]
async fn a_session_is_known_to_its_owner_alone() {
    let alice = token("alice", "mcp:read");
    let (_, headers, _) = ask("POST", &alice, &[]).await;
    let id = headers["mcp-session-id"].to_str().unwrap().to_owned();
    assert!(id != "session-1" && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    let next_token = shared().token("alice").scope("mcp:tools").lifetime(7200).mint().unwrap();
    let other_client = shared().token("alice").client("another").mint().unwrap();
    let bob = token("bob", "mcp:read mcp:tools");
    let unsealed = id.split('.').next().unwrap();
    for method in ["POST", "GET", "DELETE"] {
        for (token, ids, expected) in [
            (&alice, &[&*id][..], "known"),
            (&next_token, &[&id], "known"),
            (&bob, &[&id], "unknown"),
            (&other_client, &[&id], "unknown"),
            (&alice, &["session-1"], "unknown"),
            (&alice, &[unsealed], "unknown"),
            (&alice, &[&id, &id], "unknown"),
            (&alice, &[""], "unknown"),
        ] {
            let (status, _, body) = ask(method, token, ids).await;
            assert_eq!(body, expected, "{method} {ids:?}");
            assert_eq!(status.as_u16(), if expected == "known" { 200 } else { 404 });
        }
    }
}

#[tokio::test]
async fn servers_that_share_a_key_share_their_sessions() {
    let server = || async { ([("mcp-session-id", "session-1")], "opened").into_response() };
    let opens = |key: u8| Router::new().fallback(server).layer(layer().session_key(&[key; 32]));
    let alice = token("alice", "mcp:read");
    let id = |app: Router, token: String| async move {
        answer(app, post(&token, &json!({}))).await.1["mcp-session-id"].clone()
    };
    let first = id(opens(1), alice.clone()).await;
    assert_eq!(first, id(opens(1), alice.clone()).await);
    assert_ne!(first, id(opens(2), alice).await);
    assert_ne!(first, id(opens(1), token("bob", "mcp:read")).await);
}
