//! Too much of everything, and everything twice.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::{
    browser::Browser,
    steps::{code, consent_page, exchange_with, register},
    world::{Answer, LOCAL, RESOURCE, SECRET, VERIFIER, World, encoded, request},
};

/// Is this a refusal with one of these statuses, soon, in few words and without a cause?
fn is_refused(what: &str, answer: &Answer, statuses: &[u16], begun: Instant) {
    assert!(statuses.contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    assert!(begun.elapsed() < Duration::from_secs(2), "{what}: {:?}", begun.elapsed());
    assert!(answer.text.len() < 4000, "{what}: {} bytes", answer.text.len());
    for cause in ["panicked", "src/", "sqlx", "serde", "line 1"] {
        assert!(!answer.text.contains(cause), "{what}: {}", answer.text);
    }
}

#[tokio::test]
async fn requests_of_clients_have_an_end() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let (words, some) = ("s ".repeat(10_000), "s ".repeat(2000));
    let many = (0..1000).map(|n| format!("&p{n}=1")).collect::<String>();
    let long = "x".repeat(10_000);
    for (what, asked, statuses) in [
        ("scope", request("local", LOCAL, &[("scope", &words)]), &[414][..]),
        ("scope", request("local", LOCAL, &[("scope", &some)]), &[400]),
        ("client_id", request(&long, LOCAL, &[]), &[400]),
        ("redirect_uri", request("local", &format!("{LOCAL}{long}"), &[]), &[400]),
        ("code_challenge", request("local", LOCAL, &[("code_challenge", &long)]), &[400]),
        ("address", format!("/authorize?{}", "x".repeat(17_000)), &[414]),
        ("path", format!("/{}", "x".repeat(17_000)), &[414]),
    ] {
        let begun = Instant::now();
        is_refused(what, &browser.get(&world, &asked).await, statuses, begun);
    }
    let answer = browser.get(&world, &(request("local", LOCAL, &[]) + &many)).await;
    assert_eq!(answer.status, 200, "a thousand that nobody knows are passed over");
    let answer =
        browser.get(&world, &request("local", LOCAL, &[("state", &"s".repeat(4097))])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(answer.parameter("state"), None, "it is not carried about");
}

#[tokio::test]
async fn headers_have_an_end() {
    let world = World::new().await;
    for (name, value) in [
        ("cookie", "x".repeat(40_000)),
        ("authorization", format!("Basic {}", "x".repeat(40_000))),
        ("x-any", "x".repeat(40_000)),
    ] {
        for path in ["/authorize", "/token", "/introspect", "/register", "/login"] {
            let begun = Instant::now();
            let request = Request::post(path).header(name, &value).body(Body::empty()).unwrap();
            is_refused(name, &world.send(request).await, &[431], begun);
        }
    }
    // as much as is let in, and none of it ours
    for (name, value) in [
        ("cookie", "visit=x;".repeat(3000)),
        ("cookie", format!("visit={}", "x".repeat(20_000))),
        ("authorization", format!("Basic {}", "eA==".repeat(5000))),
    ] {
        let begun = Instant::now();
        let request = Request::post("/token").header(name, &value);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer =
            world.send(request.body(Body::from("grant_type=refresh_token")).unwrap()).await;
        is_refused(name, &answer, &[401], begun);
    }
}

#[tokio::test]
async fn forms_have_an_end() {
    let world = World::new().await;
    for path in ["/token", "/introspect", "/revoke", "/login", "/consent", "/register"] {
        for size in [17_000, 1_000_000] {
            let begun = Instant::now();
            is_refused(
                path,
                &world.form(path, &[("x", &"x".repeat(size))]).await,
                &[400, 413],
                begun,
            );
        }
        for kind in ["", "application/json", "text/plain"] {
            let request = Request::post(path).header("content-type", kind);
            let request = request.body(Body::from("grant_type=client_credentials&{")).unwrap();
            is_refused(path, &world.send(request).await, &[400], Instant::now());
        }
    }
    // what another reader would unpack
    for (encoding, status) in [(None, 200), (Some("gzip"), 400), (Some("identity"), 400)] {
        let mut request =
            Request::post("/revoke").header("content-type", "application/x-www-form-urlencoded");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let request = request.body(Body::from("token=x&client_id=local")).unwrap();
        assert_eq!(world.send(request).await.status, status, "{encoding:?}");
    }
    // as long as is let in: nothing about it is slow
    let words = (0..2000).map(|n| format!("s{n} ")).collect::<String>();
    let many = (0..1000).map(|n| format!("p{n}=1&")).collect::<String>();
    for fields in [
        encoded(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", "x"),
            ("client_id", "local"),
            ("scope", &words),
        ]),
        many + "grant_type=refresh_token&refresh_token=x&client_id=local",
        format!("grant_type=authorization_code&client_id=local&code={}", "x".repeat(12_000)),
    ] {
        let begun = Instant::now();
        let request =
            Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        let answer = world.send(request.body(Body::from(fields)).unwrap()).await;
        is_refused("token", &answer, &[400], begun);
        assert_eq!(answer.json()["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn registrations_have_an_end() {
    let world = World::new().await;
    let good = "https://app.example/callback";
    for (what, metadata) in [
        ("bytes", json!({"redirect_uris": [good], "x": "x".repeat(20_000)})),
        ("addresses", json!({"redirect_uris": vec![good; 21]})),
        ("an address", json!({"redirect_uris": [format!("{good}{}", "x".repeat(2000))]})),
        ("a name", json!({"redirect_uris": [good], "client_name": "x".repeat(101)})),
        ("no object", json!([good])),
    ] {
        let begun = Instant::now();
        is_refused(what, &register(&world, &metadata).await, &[400, 413], begun);
    }
    for (member, status) in [("jwks", 400), ("whatever", 201)] {
        let (begin, end) = ("[".repeat(7000), "]".repeat(7000));
        let deep = format!("{{\"redirect_uris\":[\"{good}\"],\"{member}\":{begin}{end}}}");
        let request = Request::post("/register").header("content-type", "application/json");
        let begun = Instant::now();
        let answer = world.send(request.body(Body::from(deep)).unwrap()).await;
        is_refused(member, &answer, &[status], begun);
    }
}

/// What stands twice is believed once by one reader and once by another: so not at all.
#[tokio::test]
async fn nothing_stands_twice() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let asked = request("local", LOCAL, &[]);
    let page = consent_page(&world, &mut browser, &asked).await;
    for (name, error) in [
        ("client_id", None),
        ("redirect_uri", None),
        ("response_type", Some("invalid_request")),
        ("state", Some("invalid_request")),
        ("code_challenge", Some("invalid_request")),
        ("code_challenge_method", Some("invalid_request")),
        ("scope", Some("invalid_request")),
        ("resource", Some("invalid_target")),
    ] {
        for (before, after) in
            [(format!("{name}=evil&"), ""), (String::new(), &*format!("&{name}=evil"))]
        {
            let asked = asked.replace('?', &format!("?{before}")) + after;
            let answer = browser.get(&world, &asked).await;
            let told = answer.headers.get("location").and_then(|_| answer.parameter("error"));
            assert_eq!(told.as_deref(), error, "{name}: {}", answer.status);
            assert!(error.is_some() || answer.status == 400, "{name}");
        }
    }
    let (form, csrf) = (page.hidden("request"), page.hidden("csrf"));
    let right = [("request", &*form), ("csrf", &csrf), ("decision", "allow")];
    for (name, value) in [("request", "x"), ("csrf", "x"), ("decision", "deny")] {
        let answer =
            browser.post(&world, "/consent", &[&right[..], &[(name, value)]].concat()).await;
        assert_eq!((answer.status, answer.headers.get("location")), (400, None), "{name}");
    }
    let code = code(&world, "local", LOCAL).await;
    for name in ["grant_type", "code", "client_id", "code_verifier", "redirect_uri"] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("client_id", "local"),
            ("code_verifier", VERIFIER),
            ("redirect_uri", LOCAL),
            (name, "evil"),
        ];
        let answer = world.token(&fields).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &"invalid_request".into()),
            "{name}"
        );
    }
    assert_eq!(
        exchange_with(&world, &code, &[]).await.status,
        200,
        "none of this has used the code"
    );
    for path in ["/introspect", "/revoke"] {
        for name in ["token", "client_id", "client_secret"] {
            let fields =
                [("token", "x"), ("client_id", RESOURCE), ("client_secret", SECRET), (name, "y")];
            assert_eq!(
                world.form(path, &fields).await.json()["error"],
                "invalid_request",
                "{name}"
            );
        }
    }
}
