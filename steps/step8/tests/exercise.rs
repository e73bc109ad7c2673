//! The exercise of step 8: a token that opens one tool.
//!
//! `cargo test -p step8 --test exercise -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use axum::{Router, body::Body, http::Request};
use clap::Parser as _;
use common::PublicUrl;
use mcp_auth::{
    Clock,
    issuer::{files::KeyFiles, keys::SigningKey},
};
use serde_json::{Value, json};
use step8::{Settings, app};
use tower::ServiceExt as _;

/// The server, and the key of its issuer.
struct Server {
    app: Router,
    key: SigningKey,
    _keys: tempfile::TempDir,
}

fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = KeyFiles::new(folder.path()).ensure().unwrap();
    let settings = ["step8", "--keys-dir", folder.path().to_str().unwrap()];
    let url = PublicUrl::localhost(9000).on_loopback(9000);
    let app = app(&Settings::parse_from(settings), &url).unwrap();
    Server { app, key, _keys: folder }
}

impl Server {
    /// The status of a request of the old revision, with a token for these scopes, and the challenge.
    async fn ask(&self, scopes: &str, method: &str, params: Value, header: &str) -> (u16, String) {
        let claims = json!({
            "iss": "http://localhost:9000",
            "aud": "http://localhost:9000/mcp",
            "sub": "alice",
            "exp": Clock::default().now() + 60,
            "scope": scopes,
        });
        let token = self.key.token("at+jwt", &claims).unwrap();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = Request::post("/mcp")
            .header("host", "localhost:9000")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        if !header.is_empty() {
            request = request.header("mcp-name", header);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let challenge = response.headers().get("www-authenticate").cloned();
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge.unwrap_or_default())
    }

    /// The same for a call of this tool.
    async fn call(&self, scopes: &str, tool: &str) -> u16 {
        let params = json!({"name": tool, "arguments": {}});
        self.ask(scopes, "tools/call", params, "").await.0
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn mcp_time_opens_get_time_and_no_other_tool() {
    let server = server();
    assert_eq!(server.call("mcp:time", "get_time").await, 200);
    for tool in ["echo", "whoami", "no_such_tool", "get_time2", "GET_TIME", ""] {
        assert_eq!(server.call("mcp:time", tool).await, 403, "{tool}");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn mcp_time_opens_no_other_method_but_the_list() {
    let server = server();
    for (method, status) in [("tools/list", 200), ("prompts/list", 403), ("prompts/get", 403)] {
        let params = json!({"name": "get_time"});
        assert_eq!(server.ask("mcp:time", method, params, "").await.0, status, "{method}");
    }
}

#[tokio::test]
#[ignore = "exercise"]
async fn a_header_does_not_decide_which_tool_it_is() {
    let server = server();
    let params = json!({"name": "echo", "arguments": {"message": "hi"}});
    let (status, _) = server.ask("mcp:time", "tools/call", params, "get_time").await;
    assert_eq!(status, 403, "Mcp-Name: get_time, and the body says echo");
}

#[tokio::test]
#[ignore = "exercise"]
async fn what_was_open_and_closed_before_still_is() {
    let server = server();
    for (scopes, status) in [("mcp:tools", 200), ("mcp:read", 403), ("mcp:timex", 403), ("", 403)] {
        assert_eq!(server.call(scopes, "get_time").await, status, "{scopes}");
    }
    let params = json!({"name": "echo", "arguments": {"message": "hi"}});
    let (_, challenge) = server.ask("mcp:time", "tools/call", params, "").await;
    assert!(challenge.contains("scope=\"mcp:tools\""), "what echo needs: {challenge}");
}
