//! What when a document was good, and cannot be had for a while? Its client must not lose what people have allowed it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::{IntoResponse as _, Response},
};
use futures_util::{future::join_all, stream};
use mcp_auth_server::client::document::{Documents, Missing};
use serde_json::json;

use super::{fetching::slow, later};
use crate::{
    browser::Browser,
    site::{HERE, Names, Site, document, json_answer},
    steps::{code, exchange, pair, refresh},
    world::{Answer, LOCAL, World, request},
};

const DAY: u64 = 24 * 3600;

/// What the documents say of this id.
async fn found(documents: &Documents, id: &str) -> Result<(), Missing> {
    documents.get(id).await.map(drop)
}

/// The connection ends before the document does.
fn cut_off() -> Response {
    let parts = [Ok(b"{\"client_id\":".to_vec()), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(stream::iter(parts));
    ([("content-type", "application/json")], body).into_response()
}

#[tokio::test]
async fn a_document_that_cannot_be_had_for_a_while_counts_for_a_day_more() {
    for status in [408, 429, 500, 502, 503, 504, 0] {
        let site = Site::new().await;
        let (id, documents) = (site.id("/client.json"), site.documents());
        site.says_json(&document(&id));
        assert_eq!(found(&documents, &id).await, Ok(()));
        site.says(move || match status {
            0 => cut_off(),
            status => StatusCode::from_u16(status).unwrap().into_response(),
        });
        later(301).await;
        for (seconds, fetches) in [(0, 2), (9, 2), (2, 3)] {
            later(seconds).await;
            assert_eq!(found(&documents, &id).await, Ok(()), "{status}");
            assert_eq!(site.asked().len(), fetches, "{status}: asked again after ten seconds");
        }
        later(DAY - 30).await;
        assert_eq!(found(&documents, &id).await, Ok(()), "{status}");
        later(31).await;
        assert_eq!(found(&documents, &id).await, Err(Missing::NotNow), "{status}: a day is over");
        site.says_json(&document(&id));
        later(11).await;
        assert_eq!(found(&documents, &id).await, Ok(()), "{status}: it is back");
    }
}

#[tokio::test]
async fn nor_does_it_matter_how_its_server_is_silent() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    // nobody listens there
    let names = Names::new([vec![HERE], vec!["127.0.0.2".parse().unwrap()], vec![]]);
    let documents = Arc::new(site.documents_by(&names, |_| true));
    assert_eq!(found(&documents, &id).await, Ok(()));
    for asked in [2, 3] {
        later(301).await;
        assert_eq!(found(&documents, &id).await, Ok(()));
        assert_eq!(names.asked(), asked);
    }
    let (documents, address) = (Arc::new(site.documents()), id.clone());
    assert_eq!(found(&documents, &id).await, Ok(()));
    later(301).await;
    site.says(move || slow(&address));
    let before = site.asked().len();
    let asking = tokio::spawn(async move { found(&documents, &id).await });
    while site.asked().len() == before {
        site.knocked.notified().await;
    }
    tokio::time::pause();
    assert_eq!(asking.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_document_that_is_taken_away_or_wrong_is_gone_at_once_and_stays_so() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    let good = document(&id);
    let mut other = good.clone();
    other["client_id"] = "https://client.example/other".into();
    let no_place = json!({"client_id": id, "redirect_uris": []});
    for (what, status, text) in [
        ("taken away", 404, String::new()),
        ("taken away for good", 410, good.to_string()),
        ("for others alone", 403, good.to_string()),
        ("elsewhere", 302, good.to_string()),
        ("another's", 200, other.to_string()),
        ("without addresses", 200, no_place.to_string()),
        ("no JSON", 200, "<html>".to_owned()),
        ("too large", 200, format!("{good}{}", " ".repeat(40_000))),
    ] {
        let documents = site.documents();
        site.says_json(&good);
        assert_eq!(found(&documents, &id).await, Ok(()), "{what}");
        later(301).await;
        site.says(move || {
            let mut answer = json_answer(&text);
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
        });
        assert_eq!(found(&documents, &id).await, Err(Missing::Nobody), "{what}");
        later(11).await;
        site.says(|| StatusCode::INTERNAL_SERVER_ERROR.into_response());
        assert_eq!(found(&documents, &id).await, Err(Missing::NotNow), "{what}: not from memory");
    }
    // behind walls by now
    let names = Names::new([vec![HERE], vec!["::1".parse().unwrap()]]);
    let documents = site.documents_by(&names, |address| address.is_ipv4());
    site.says_json(&good);
    assert_eq!(found(&documents, &id).await, Ok(()));
    later(301).await;
    assert_eq!(found(&documents, &id).await, Err(Missing::NotNow));
}

/// Whoever fails between good answers gets no longer than a day after the last good one.
#[tokio::test]
async fn a_document_that_is_good_now_and_then_counts_from_the_last_good_one() {
    let site = Site::new().await;
    let (id, documents) = (site.id("/client.json"), site.documents());
    let (address, asked) = (id.clone(), AtomicUsize::new(0));
    site.says(move || match asked.fetch_add(1, Relaxed) % 2 {
        0 => json_answer(&document(&address).to_string()),
        _ => StatusCode::BAD_GATEWAY.into_response(),
    });
    for _ in 0..6 {
        assert_eq!(found(&documents, &id).await, Ok(()));
        later(301).await;
    }
    assert_eq!(site.asked().len(), 6);
    site.says(|| StatusCode::BAD_GATEWAY.into_response());
    later(DAY - 2 * 301 - 20).await;
    assert_eq!(found(&documents, &id).await, Ok(()));
    later(620).await;
    assert_eq!(found(&documents, &id).await, Err(Missing::NotNow));
}

#[tokio::test]
async fn a_client_keeps_its_tokens_when_its_document_cannot_be_had() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    let world = World::with(|builder| builder.documents(site.documents())).await;
    let tokens = pair(&exchange(&world, &id, LOCAL, &code(&world, &id, LOCAL).await).await);
    site.says(|| StatusCode::BAD_GATEWAY.into_response());
    later(301).await;
    let tokens = pair(&refresh(&world, &id, &tokens.1).await);
    later(DAY + 301).await;
    let answer = refresh(&world, &id, &tokens.1).await;
    assert_eq!((answer.status, &answer.json()["error"]), (503, &"temporarily_unavailable".into()));
    assert_eq!(answer.headers["retry-after"], "10");
    let page = Browser::default().get(&world, &request(&id, LOCAL, &[])).await;
    assert_eq!((page.status, &page.headers["retry-after"]), (503, &"10".parse().unwrap()));
    assert!(page.text.contains("Try again in a moment") && !page.text.contains("Password"));
    assert!(page.headers.contains_key("content-security-policy"));
    site.says_json(&document(&id));
    later(11).await;
    assert_eq!(refresh(&world, &id, &tokens.1).await.status, 200, "nothing was lost");
}

#[tokio::test]
async fn when_others_have_all_turns_what_was_good_counts() {
    let site = Site::new().await;
    let (id, documents) = (site.id("/client.json"), Arc::new(site.documents()));
    site.says_json(&document(&id));
    assert_eq!(found(&documents, &id).await, Ok(()));
    later(301).await;
    let address = id.clone();
    site.says(move || slow(&address));
    let others = (0..40).map(|n| {
        let (documents, id) = (documents.clone(), site.id(&format!("/{n}")));
        tokio::spawn(async move { found(&documents, &id).await })
    });
    let others: Vec<_> = others.collect();
    while site.asked().len() < 1 + 8 {
        site.knocked.notified().await;
    }
    tokio::time::pause();
    assert_eq!(found(&documents, &id).await, Ok(()), "it has run out, and was good");
    let new = site.id("/new");
    assert_eq!(found(&documents, &new).await, Err(Missing::NotNow));
    assert!(site.asked()[1..].iter().all(|one| one != "/client.json"), "nobody had a turn for it");
    for other in others {
        assert_eq!(other.await.unwrap(), Err(Missing::NotNow));
    }
}

/// A page for this client, asked for from this address.
async fn page_from(world: &World, address: &str, id: &str) -> Answer {
    let request = Request::get(request(id, LOCAL, &[])).header("x-forwarded-for", address);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_stranger_with_slow_documents_keeps_nobody_else_waiting() {
    let site = Site::new().await;
    let good = site.id("/good");
    let world = World::with(|builder| builder.proxies(1).documents(site.documents())).await;
    let address = good.clone();
    let be_slow = || {
        let address = address.clone();
        site.says(move || slow(&address));
    };
    be_slow();
    let slow = Vec::from_iter((0..20).map(|n| site.id(&format!("/slow/{n}"))));
    let strangers = join_all(slow.iter().map(|id| page_from(&world, "10.0.0.1", id)));
    let others = async {
        while site.asked().len() < 2 {
            site.knocked.notified().await;
        }
        site.says_json(&document(&good));
        let page = page_from(&world, "10.0.0.2", &good).await;
        assert_eq!((page.status, site.asked().len()), (200, 3), "two of his are fetched, and hers");
        be_slow();
        tokio::time::pause(); // from here on a second is as long as nothing happens
    };
    let (refused, ()) =
        tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(strangers, others) })
            .await
            .unwrap();
    for page in refused {
        assert!(page.status == 503 && page.text.contains("Try again in a moment"), "{}", page.text);
    }
    assert!(site.asked().len() <= 5, "two at a time: {:?}", site.asked());
}
