//! What does the small authorization server say of itself, and is it there?

use super::*;

/// RFC 8414 §3.1: the well-known path comes before that of the issuer. What the metadata names is there.
#[tokio::test]
async fn the_well_known_path_stands_between_host_and_path_of_an_issuer() {
    let folder = folder();
    for (name, origin, path) in [
        (NAME, NAME, ""),
        ("https://a.example/", "https://a.example", ""),
        ("https://a.example/b", "https://a.example", "/b"),
        ("https://a.example/b/", "https://a.example", "/b"),
    ] {
        let server = named(name, &folder).unwrap().routes();
        let get = |path: String| Request::get(path).body(Body::empty()).unwrap();
        let metadata = get(format!("/.well-known/oauth-authorization-server{path}"));
        let metadata = server.clone().oneshot(metadata).await.unwrap().into_body();
        let metadata = to_bytes(metadata, 1 << 16).await.unwrap();
        let metadata: Value = serde_json::from_slice(&metadata).unwrap();
        assert_eq!(metadata["issuer"], name, "as it was given");
        assert_eq!(metadata["jwks_uri"], format!("{origin}/.well-known/jwks.json"));
        for (member, end) in
            [("token_endpoint", "/token"), ("authorization_endpoint", "/authorize")]
        {
            assert_eq!(metadata[member], format!("{origin}{path}{end}"), "{name}");
            let answer = server.clone().oneshot(get(format!("{path}{end}"))).await.unwrap();
            assert_ne!(answer.status().as_u16(), 404, "{name}: {end}");
        }
    }
    for bad in ["", "localhost:9000", "/b", "ftp://a.example", "https://a.example?b"] {
        let error = named(bad, &folder).unwrap_err().to_string();
        assert!(error.contains(&format!("{bad:?}")), "{error}");
    }
}

#[tokio::test]
async fn a_person_who_comes_is_told_that_nobody_logs_in_here() {
    let request = Request::get("/authorize").body(Body::empty()).unwrap();
    let (status, headers, page) = answer(&folder(), request).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (400, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.contains("Nobody logs in here"), "{page}");
}
