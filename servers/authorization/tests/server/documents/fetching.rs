//! How a document is fetched, for how long it is believed, and what does not make us wait, or ask too often.

use std::{
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
use mcp_auth_server::client::document::Missing;
use tokio::time::Instant;

use super::later;
use crate::site::{Site, document, json_answer};

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
        assert!(documents.get(&id).await.is_err(), "{status} {place}");
        assert_eq!(site.asked().len(), before + 1, "{status} {place}: asked once, not followed");
        later(11).await;
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/x+json"] {
        let text = text.clone();
        site.says(move || ([(header::CONTENT_TYPE, kind)], text.clone()).into_response());
        assert!(site.documents().get(&id).await.is_ok(), "{kind}");
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
        assert_eq!(site.documents().get(&id).await.is_ok(), is_taken, "{parts} parts");
    }
    // what the system's buffers hold is gone before anybody can say stop
    assert!(sent.load(Relaxed) < 500, "{} parts of 64 kB were sent", sent.load(Relaxed));
}

/// A document that comes letter by letter, for a minute.
pub fn slow(id: &str) -> Response {
    let drop = async |_| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        b"x".to_vec()
    };
    long(id, stream::iter(0..60).then(drop))
}

#[tokio::test]
async fn a_slow_document_is_not_waited_for() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let address = id.clone();
    site.says(move || slow(&address));
    let (documents, knocked) = (site.documents(), site.knocked.clone());
    let asking = tokio::spawn(async move { documents.get(&id).await });
    knocked.notified().await;
    tokio::time::pause(); // from here on a second is as long as nothing happens
    let start = Instant::now();
    assert_eq!(asking.await.unwrap().err(), Some(Missing::NotNow));
    assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
}

#[tokio::test]
async fn many_slow_documents_keep_nobody_waiting() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says(move || slow(&id));
    let documents = Arc::new(site.documents());
    let ask = |n: usize| {
        let (documents, id) = (documents.clone(), site.id(&format!("/{n}")));
        tokio::spawn(async move { documents.get(&id).await })
    };
    let all: Vec<_> = (0..40).map(ask).collect();
    while site.asked().len() < 8 {
        site.knocked.notified().await;
    }
    tokio::time::pause();
    let start = Instant::now();
    assert!(join_all(all).await.iter().all(|found| matches!(found, Ok(Err(Missing::NotNow)))));
    assert!(start.elapsed() <= Duration::from_secs(11), "{:?}", start.elapsed());
    assert!(site.asked().len() <= 16, "eight at a time");
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
            assert!(documents.get(&id).await.is_ok());
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
        assert!(documents.get(&id).await.is_err());
        assert_eq!(site.asked().len(), fetches, "after {seconds} s more");
    }
}

#[tokio::test]
async fn twenty_who_ask_at_once_fetch_once() {
    let site = Site::new().await;
    let (id, documents) = (site.id("/client.json"), site.documents());
    site.says_json(&document(&id));
    let found = join_all((0..20).map(|_| documents.get(&id))).await;
    assert!(found.iter().all(Result::is_ok));
    assert_eq!(site.asked().len(), 1);
}
