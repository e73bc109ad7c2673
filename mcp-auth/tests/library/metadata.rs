//! Where do I log in? One document about a resource, at its two addresses.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use mcp_auth::metadata::ProtectedResource;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const ISSUER: &str = "https://login.example.com";

fn of(resource: &str) -> ProtectedResource {
    ProtectedResource::new(resource, ISSUER, "mcp:tools mcp:read".parse().unwrap()).unwrap()
}

#[test]
fn the_well_known_path_stands_between_host_and_path() {
    let well_known = "/.well-known/oauth-protected-resource";
    for (resource, origin, path) in [
        ("http://localhost:9000/mcp", "http://localhost:9000", "/mcp"),
        ("https://mcp.example.com/a/b", "https://mcp.example.com", "/a/b"),
        ("https://mcp.example.com/a/", "https://mcp.example.com", "/a"),
        ("https://mcp.example.com", "https://mcp.example.com", ""),
    ] {
        assert_eq!(of(resource).url(), format!("{origin}{well_known}{path}"), "{resource}");
    }
}

#[test]
fn what_is_no_resource_has_no_metadata() {
    for bad in [
        "",
        "/mcp",
        "mcp.example.com",
        "ftp://mcp.example.com/mcp",
        "https://mcp.example.com/mcp?a=b",
        "https://mcp.example.com/mcp#a",
    ] {
        let error = ProtectedResource::new(bad, ISSUER, "mcp:read".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains(&format!("{bad:?}")), "{bad:?}: {error}");
    }
}

/// Status, `Cache-Control` and document at a path.
async fn get(metadata: &ProtectedResource, path: &str) -> (u16, String, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (parts, body) = metadata.routes().oneshot(request).await.unwrap().into_parts();
    let cached = parts.headers.get("cache-control").map(|value| value.to_str().unwrap().to_owned());
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let document = serde_json::from_slice(&body).unwrap_or_default();
    (parts.status.as_u16(), cached.unwrap_or_default(), document)
}

#[tokio::test]
async fn the_document_is_at_the_path_of_the_resource_and_at_the_root() {
    let root = "/.well-known/oauth-protected-resource";
    for (resource, path) in
        [("http://localhost:9000/mcp", "/mcp"), ("https://a.example/x/mcp", "/x/mcp")]
    {
        let document = json!({
            "resource": resource,
            "authorization_servers": [ISSUER],
            "scopes_supported": ["mcp:read", "mcp:tools"],
            "bearer_methods_supported": ["header"],
        });
        let expected = (200, "public, max-age=300".to_owned(), document);
        for path in [root.to_owned(), format!("{root}{path}")] {
            assert_eq!(get(&of(resource), &path).await, expected, "{path} of {resource}");
        }
        assert_eq!(get(&of(resource), &format!("{root}/other")).await.0, 404);
    }
    let bare = get(&of("https://a.example/"), root).await;
    assert_eq!((bare.0, &bare.2["resource"]), (200, &json!("https://a.example/")));
}

#[test]
fn several_issuers_are_named_in_the_order_in_which_they_were_given() {
    let metadata = of("https://a.example/mcp").authorization_server("https://b.example/");
    let metadata = metadata.authorization_server("https://a.example");
    let expected = json!([ISSUER, "https://b.example/", "https://a.example"]);
    assert_eq!(metadata.document()["authorization_servers"], expected);
}

/// Pages of every origin read it, and nobody else's document is at its addresses.
#[tokio::test]
async fn every_page_may_read_the_document() {
    let metadata = of("https://a.example/mcp");
    let answer = metadata.response();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let root = "/.well-known/oauth-protected-resource";
    for (path, is_there) in [
        ("", true),
        ("/mcp", true),
        ("/mcp/", false),
        ("/mcp/b", false),
        ("/mcpx", false),
        ("/", false),
    ] {
        assert_eq!(metadata.is_at(&format!("{root}{path}")), is_there, "{path:?}");
    }
    assert!(!metadata.is_at("/mcp") && !metadata.is_at("/.well-known/oauth-authorization-server"));
    let request = Request::post(root).body(Body::empty()).unwrap();
    let answer = metadata.routes().oneshot(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 405);
}
