//! Clients that are documents at their own address (S5). Whoever asks for a code chooses what we fetch.

use std::{
    io::ErrorKind,
    net::{Ipv6Addr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, future::join_all, stream};
use mcp_auth_server::client::document::Documents;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    site::{HERE, Names, Site, document, json_answer},
    world::{Browser, LOCAL, VERIFIER, World, claims, request},
};

async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_client_that_nobody_knows_is_its_document() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let mut browser = Browser::default();
    let page = browser.get(&world, &request(&id, "http://localhost:5000/callback", &[])).await;
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
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
        assert!(documents.get(&id).await.is_none(), "{what}");
        later(11).await;
    }
    site.says_json(&good);
    assert!(documents.get(&id).await.is_some());
}

#[tokio::test]
async fn only_200_with_a_type_of_json_is_an_answer() {
    let site = Site::new().await;
    let documents = site.documents();
    let id = site.id("/client.json");
    let text = document(&id).to_string();
    for (status, kind, place) in [
        (200, "text/html", ""),
        (200, "application/octet-stream", ""),
        (200, "text/json", ""),
        (200, "", ""),
        (201, "application/json", ""),
        (203, "application/json", ""),
        (404, "application/json", ""),
        (500, "application/json", ""),
        (301, "application/json", "/client.json"),
        (302, "application/json", "/other.json"),
        (307, "application/json", "https://127.0.0.1/"),
        (308, "application/json", &id),
    ] {
        let (said, to, kind, before) =
            (text.clone(), place.to_owned(), kind.to_owned(), site.asked().len());
        let first = AtomicUsize::new(0);
        site.says(move || {
            if first.fetch_add(1, Relaxed) > 0 {
                return json_answer(&said); // for whoever follows
            }
            let mut answer = (StatusCode::from_u16(status).unwrap(), said.clone()).into_response();
            answer.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            if !to.is_empty() {
                answer.headers_mut().insert(header::LOCATION, to.parse().unwrap());
            }
            answer
        });
        assert!(documents.get(&id).await.is_none(), "{status} {place}");
        assert_eq!(site.asked().len(), before + 1, "{status} {place}: asked once, not followed");
        later(11).await;
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/x+json"] {
        let text = text.clone();
        site.says(move || ([(header::CONTENT_TYPE, kind)], text.clone()).into_response());
        assert!(site.documents().get(&id).await.is_some(), "{kind}");
    }
}

/// The document with these parts in the middle of it.
fn long(id: &str, parts: impl stream::Stream<Item = Vec<u8>> + Send + 'static) -> Response {
    let start = document(id).to_string().replacen('{', "{\"logo_uri\":\"", 1);
    let (start, end) = start
        .split_once("\"client_id")
        .map(|(a, b)| (a.to_owned(), format!("\",\"client_id{b}")))
        .unwrap();
    let parts = stream::once(async { start.into_bytes() }).chain(parts);
    let parts = parts.chain(stream::once(async { end.into_bytes() }));
    let body = Body::from_stream(parts.map(Ok::<_, std::convert::Infallible>));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[tokio::test]
async fn a_large_document_is_not_read_to_its_end() {
    let site = Site::new().await;
    let (id, sent) = (site.id("/client.json"), Arc::new(AtomicUsize::new(0)));
    for (parts, is_taken) in [(1, true), (1000, false)] {
        let (address, counter) = (id.clone(), sent.clone());
        counter.store(0, Relaxed);
        site.says(move || {
            let counter = counter.clone();
            let part = move |_| {
                counter.fetch_add(1, Relaxed);
                vec![b'x'; if parts == 1 { 30_000 } else { 64_000 }]
            };
            long(&address, stream::iter(0..parts).map(part))
        });
        assert_eq!(site.documents().get(&id).await.is_some(), is_taken, "{parts} parts");
    }
    // what the system's buffers hold is gone before anybody can say stop
    assert!(sent.load(Relaxed) < 500, "{} parts of 64 kB were sent", sent.load(Relaxed));
}

#[tokio::test]
async fn a_slow_document_is_not_waited_for() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let address = id.clone();
    site.says(move || {
        let drop = async |_| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            b"x".to_vec()
        };
        long(&address, stream::iter(0..60).then(drop))
    });
    let (documents, knocked) = (site.documents(), site.knocked.clone());
    let asking = tokio::spawn(async move { documents.get(&id).await });
    knocked.notified().await;
    tokio::time::pause(); // from here on a second is as long as nothing happens
    let start = Instant::now();
    assert!(asking.await.unwrap().is_none());
    assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_document_is_kept_as_long_as_it_says_within_limits() {
    for (said, is_kept, is_gone) in [
        ("max-age=600", 599, 600),
        ("public, Max-Age=120", 119, 120),
        ("", 299, 300),
        ("no-store", 59, 60),
        ("no-cache, max-age=600", 59, 60),
        ("max-age=0", 59, 60),
        ("max-age=999999999", 86_399, 86_400),
    ] {
        let site = Site::new().await;
        let id = site.id("/client.json");
        let text = document(&id).to_string();
        site.says(move || {
            let mut answer = json_answer(&text);
            answer.headers_mut().insert(header::CACHE_CONTROL, said.parse().unwrap());
            answer
        });
        let documents = site.documents();
        for (seconds, fetches) in [(0, 1), (is_kept, 1), (is_gone - is_kept, 2)] {
            later(seconds).await;
            assert!(documents.get(&id).await.is_some());
            assert_eq!(site.asked().len(), fetches, "{said:?} after {seconds} s");
        }
    }
}

#[tokio::test]
async fn what_has_failed_is_left_alone_for_ten_seconds() {
    let site = Site::new().await;
    let (id, documents) = (site.id("/client.json"), site.documents());
    site.says(|| StatusCode::NOT_FOUND.into_response());
    for (seconds, fetches) in [(0, 1), (9, 1), (2, 2)] {
        later(seconds).await;
        assert!(documents.get(&id).await.is_none());
        assert_eq!(site.asked().len(), fetches, "after {seconds} s more");
    }
}

#[tokio::test]
async fn twenty_who_ask_at_once_fetch_once() {
    let site = Site::new().await;
    let (id, documents) = (site.id("/client.json"), site.documents());
    site.says_json(&document(&id));
    let found = join_all((0..20).map(|_| documents.get(&id))).await;
    assert!(found.iter().all(Option::is_some));
    assert_eq!(site.asked().len(), 1);
}

/// A port where nobody should knock.
fn trap(address: &str) -> Option<(TcpListener, u16)> {
    let listener = TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    Some((listener, port))
}

fn is_untouched(trap: &TcpListener) -> bool {
    trap.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn nobody_sends_us_behind_our_own_walls() {
    let documents = Documents::new(Vec::new(), false).unwrap();
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1:0"),
        ("localhost", "127.0.0.1:0"),
        ("localhost.", "127.0.0.1:0"),
        ("[::1]", "[::1]:0"),
        ("[::ffff:7f00:1]", "127.0.0.1:0"),
        ("0.0.0.0", "127.0.0.1:0"),
    ] {
        let Some((trap, port)) = trap(address) else { continue }; // without IPv6 there is nothing to reach
        assert!(documents.get(&format!("https://{host}:{port}/c")).await.is_none(), "{host}");
        assert!(is_untouched(&trap), "{host}");
    }
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_asked() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    let trap = TcpListener::bind((Ipv6Addr::LOCALHOST, site.port)).ok();
    trap.iter().for_each(|trap| trap.set_nonblocking(true).unwrap());
    let behind_walls = Ipv6Addr::LOCALHOST.into();
    // good when it is checked, bad a moment later
    let names = Names::new([vec![HERE], vec![behind_walls]]);
    let documents = site.documents_by(&names, |address| address.is_ipv4());
    assert!(documents.get(&id).await.is_some());
    assert_eq!(names.asked(), 1, "whoever asks twice may be told something else");
    later(301).await;
    assert!(documents.get(&id).await.is_none(), "it leads behind walls now");
    assert_eq!(names.asked(), 2);
    for both in [vec![HERE, behind_walls], vec![behind_walls, HERE], vec![]] {
        let documents = site.documents_by(&Names::new([both]), |address| address.is_ipv4());
        assert!(documents.get(&id).await.is_none(), "one bad address among good ones");
    }
    assert!(trap.is_none_or(|trap| is_untouched(&trap)));
    assert_eq!(site.asked().len(), 1);
}

#[tokio::test]
async fn what_is_no_address_of_a_document_is_never_asked_for() {
    let site = Site::new().await;
    let port = site.port;
    let names = Names::new([vec![HERE]]);
    let documents = site.documents_by(&names, |_| true);
    let world = World::with(|builder| builder.documents(documents)).await;
    for id in [
        format!("http://client.example:{port}/client.json"),
        format!("https://user@client.example:{port}/client.json"),
        format!("https://user:word@client.example:{port}/client.json"),
        format!("https://client.example:{port}/client.json#part"),
        format!("https://client.example:{port}/client.json#"),
        format!("https://client.example:{port}/a/../client.json"),
        format!("https://client.example:{port}/./client.json"),
        format!("https://client.example:{port}/a/%2e%2e/client.json"),
        format!("https://client.example:{port}"),
        format!("https://client.example:{port}/"),
        format!("https://CLIENT.example:{port}/client.json"),
        format!("https://client.example:0{port}/client.json"),
        format!("https:/client.example:{port}/client.json"),
        format!("https:\\\\client.example:{port}\\client.json"),
        format!("https://client.example:{port}\\client.json"),
        format!("https://client.example:{port}/client\t.json"),
        format!("HTTPS://client.example:{port}/client.json"),
        format!("https://client.example:{port}/{}", "x".repeat(1000)),
        "https://client.example:443/client.json".into(),
        "https://0x7f.1/client.json".into(),
        "https://2130706433/client.json".into(),
    ] {
        site.says_json(&document(&id));
        let answer = Browser::default().get(&world, &request(&id, LOCAL, &[])).await;
        assert_eq!(answer.status, 400, "{id}");
        assert!(!answer.headers.contains_key("location"), "{id}");
    }
    assert_eq!((names.asked(), site.asked().len()), (0, 0));
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
    let page = browser.get(&world, &request(&id, "https://elsewhere.example/callback", &[])).await;
    let page = browser.log_in(&world, &page, "alice", "a good password").await;
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
