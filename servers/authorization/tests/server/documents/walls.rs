//! Where nobody sends us: behind our own walls, and to addresses that two readers take differently.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv6Addr, TcpListener},
    sync::Arc,
};

use mcp_auth_server::client::document::Documents;
use reqwest::dns::{Name, Resolve, Resolving};

use super::later;
use crate::{
    browser::Browser,
    site::{HERE, Names, Site, document},
    world::{LOCAL, World, request},
};

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
    let documents = Documents::new(Vec::new()).unwrap();
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1:0"),
        ("localhost", "127.0.0.1:0"),
        ("localhost.", "127.0.0.1:0"),
        ("[::1]", "[::1]:0"),
        ("[::ffff:7f00:1]", "127.0.0.1:0"),
        ("0.0.0.0", "127.0.0.1:0"),
    ] {
        let Some((trap, port)) = trap(address) else { continue }; // without IPv6 there is nothing to reach
        assert!(documents.get(&format!("https://{host}:{port}/c")).await.is_err(), "{host}");
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
    assert!(documents.get(&id).await.is_ok());
    assert_eq!(names.asked(), 1, "whoever asks twice may be told something else");
    later(301).await;
    assert!(documents.get(&id).await.is_err(), "it leads behind walls now");
    assert_eq!(names.asked(), 2);
    for both in [vec![HERE, behind_walls], vec![behind_walls, HERE], vec![]] {
        let documents = site.documents_by(&Names::new([both]), |address| address.is_ipv4());
        assert!(documents.get(&id).await.is_err(), "one bad address among good ones");
    }
    assert!(trap.is_none_or(|trap| is_untouched(&trap)));
    assert_eq!(site.asked().len(), 1);
}

/// There is no such name.
struct Nowhere;

impl Resolve for Nowhere {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("no such name".into()) })
    }
}

/// Or anybody could ask us which names there are behind our walls.
#[tokio::test]
async fn a_name_that_leads_behind_walls_is_not_told_from_one_that_leads_nowhere() {
    let (id, is_public) = ("https://db.internal/client.json", |_: IpAddr| false);
    let behind: Arc<dyn Resolve> = Arc::new(Names::new([vec![HERE]]));
    let mut told = Vec::new();
    for names in [behind, Arc::new(Names::new([vec![]])), Arc::new(Nowhere)] {
        let documents = Documents::dangerously_asking(Vec::new(), names, is_public).unwrap();
        let world = World::with(|builder| builder.documents(documents)).await;
        let page = Browser::default().get(&world, &request(id, LOCAL, &[])).await;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id)];
        let answer = world.token(&fields).await;
        told.push((
            page.status,
            page.headers,
            page.text,
            answer.status,
            answer.headers,
            answer.text,
        ));
    }
    assert_eq!((told[0].0, told[0].3), (503, 503));
    assert!(told[0] == told[1] && told[1] == told[2], "{told:?}");
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

/// A proxy would resolve the name itself, and nobody would have looked at the address. It is named by the environment of a process,
/// so this needs one of its own.
#[tokio::test]
async fn a_document_is_not_fetched_through_a_proxy() {
    let (trap, port) = trap("127.0.0.1:0").unwrap();
    let mut process = std::process::Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "documents::walls::in_a_process_of_its_own", "--ignored"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        process.env(name, format!("http://127.0.0.1:{port}"));
    }
    process.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || process.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(is_untouched(&trap));
}

#[tokio::test]
#[ignore = "the test above starts it, with an environment of its own"]
async fn in_a_process_of_its_own() {
    let site = Site::new().await;
    let id = site.id("/client.json");
    site.says_json(&document(&id));
    assert!(site.documents().get(&id).await.is_ok());
}
