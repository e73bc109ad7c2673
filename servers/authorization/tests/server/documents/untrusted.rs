//! What is told of a document whose host does not show by TLS that it is the one?

use std::{
    io::Write as _,
    net::{Ipv6Addr, TcpListener},
    thread,
};

use mcp_auth_server::client::document::Missing;

use super::later;
use crate::{
    browser::Browser,
    site::{HERE, Names, Site, document},
    world::{LOCAL, World, request},
};

#[tokio::test]
async fn a_host_that_tls_does_not_vouch_for_is_told_from_one_that_does_not_answer() {
    let site = Site::new().await;
    // the certificate is for client.example
    let other = format!("https://other.example:{}/client.json", site.port);
    site.says_json(&document(&other));
    for (id, is_told) in [(&*other, true), ("https://client.example:1/client.json", false)] {
        let world = World::with(|builder| builder.documents(site.documents())).await;
        let page = Browser::default().get(&world, &request(id, LOCAL, &[])).await;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id)];
        for answer in [page, world.token(&fields).await] {
            assert_eq!(answer.status, 503, "{id}: {}", answer.text);
            assert_eq!(answer.headers["retry-after"], "10", "{id}");
            assert_eq!(answer.text.contains("TLS with its host fails"), is_told, "{}", answer.text);
        }
    }
    assert!(site.asked().is_empty(), "nothing is asked of a host that is another one");
}

#[tokio::test]
async fn a_document_that_was_good_counts_on_while_tls_fails() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    let Ok(plain) = TcpListener::bind((Ipv6Addr::LOCALHOST, site.port)) else {
        println!("not tested: there is no IPv6 here");
        return;
    };
    thread::spawn(move || {
        for stream in plain.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let names = Names::new([vec![HERE], vec![Ipv6Addr::LOCALHOST.into()]]);
    let documents = site.documents_by(&names, |_| true);
    assert!(documents.get(&id).await.is_ok());
    later(301).await;
    assert!(documents.get(&id).await.is_ok());
    assert_eq!(names.asked(), 2);
    later(24 * 3600).await;
    assert_eq!(documents.get(&id).await.err(), Some(Missing::Untrusted), "a day is over");
}
