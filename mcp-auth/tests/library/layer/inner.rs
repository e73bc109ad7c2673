//! What passes between the layer and the server behind it?

use std::task::{Context, Poll};

use futures_util::{StreamExt as _, stream};
use mcp_auth::Needs;

use super::*;

#[tokio::test]
async fn a_server_may_ask_for_more_scope_itself() {
    let needs = |scopes: &str| Needs(scopes.parse().unwrap());
    let refuse = async move |Extension(caller): Extension<Identity>| {
        if caller.subject() == "bob" {
            return (StatusCode::FORBIDDEN, "the server's own words").into_response();
        }
        let mut refusal = StatusCode::FORBIDDEN.into_response();
        refusal.extensions_mut().insert(needs("files:read files:write"));
        refusal
    };
    let app = Router::new().fallback(refuse).layer(layer());
    let request = post(&token("alice", "mcp:read"), &json!({}));
    let (status, headers, body) = answer(app.clone(), request).await;
    let challenge = headers["www-authenticate"].to_str().unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(challenge.contains("scope=\"files:read files:write\""), "{challenge}");
    assert!(body.contains("insufficient_scope"), "{body}");
    let (status, headers, body) = answer(app, post(&token("bob", "mcp:read"), &json!({}))).await;
    assert_eq!((status, &*body), (StatusCode::FORBIDDEN, "the server's own words"));
    assert!(!headers.contains_key("www-authenticate"));
}

/// Whoever says what is needed has not been given it, whatever else he says.
#[tokio::test]
async fn an_answer_that_says_what_is_needed_is_a_refusal_whatever_its_status() {
    for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::FORBIDDEN] {
        let server = async move || {
            let mut answer = (status, [("x-secret", "secret")], "secret").into_response();
            answer.extensions_mut().insert(Needs("files:read".parse().unwrap()));
            answer
        };
        let app = Router::new().fallback(server).layer(layer());
        let request = post(&token("alice", "mcp:read"), &json!({}));
        let (answered, headers, body) = answer(app, request).await;
        assert_eq!(answered, StatusCode::FORBIDDEN, "{status}");
        let challenge = headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("scope=\"files:read\""), "{challenge}");
        assert!(!body.contains("secret") && !headers.contains_key("x-secret"), "{body}");
    }
}

#[tokio::test]
async fn a_stream_goes_through_as_it_comes() {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let receive = Arc::new(std::sync::Mutex::new(Some(receive)));
    let events = async move || {
        let receive = receive.lock().unwrap().take().unwrap();
        let events = stream::unfold(receive, async |mut receive| {
            let next = receive.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(next), receive))
        });
        ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
    };
    let app = Router::new().fallback(events).layer(layer().mcp_scopes(ScopeTable::new("mcp:read")));
    let request = post(&token("alice", "mcp:read"), &call("tools/call", "slow"));
    let mut answer = app.oneshot(request).await.unwrap().into_body().into_data_stream();
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        send.send(event.into()).unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap(), event, "before the next one is there");
    }
    drop(send);
    assert!(answer.next().await.is_none());
}

/// A service of tower may be called only after it said that it is ready, and its clone has not said so.
#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    #[derive(Default)]
    struct Careful(bool);
    impl Clone for Careful {
        fn clone(&self) -> Self {
            Self(false)
        }
    }
    impl tower::Service<Request> for Careful {
        type Response = axum::response::Response;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            self.0 = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request) -> Self::Future {
            assert!(std::mem::take(&mut self.0), "it was not asked whether it is ready");
            std::future::ready(Ok("in".into_response()))
        }
    }
    let mut guarded = layer().layer(Careful::default());
    for _ in 0..2 {
        let service = tower::ServiceExt::<Request>::ready(&mut guarded).await.unwrap();
        let request = post(&token("alice", "mcp:read"), &json!({}));
        let answer = tower::Service::call(service, request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
