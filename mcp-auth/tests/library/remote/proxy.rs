//! An issuer that is reached through a proxy, and in no other way.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use super::{authority::Authority, *};

/// A proxy that brings everybody to one place, whatever name he asks for.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn to(place: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self { url, asked: asked.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, place.clone(), asked.clone()));
            }
        });
        proxy
    }

    /// The first lines of what it was asked.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A tunnel for `CONNECT` (RFC 9110 §9.3.6), and the request as it came for everything else.
async fn pass_on(mut client: TcpStream, place: String, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let mut server = TcpStream::connect(place).await.unwrap();
    let first = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    if first.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    } else {
        server.write_all(&head).await.unwrap();
    }
    asked.lock().unwrap().push(first);
    let _ended = copy_bidirectional(&mut client, &mut server).await;
}

const NAME: &str = "https://login.example.com";

#[tokio::test]
async fn through_a_proxy_goes_a_tunnel_to_an_issuer_behind_tls() {
    let (authority, key) = (Authority::new("ours"), key());
    let listener = authority.listen("login.example.com").await;
    let address = listener.listener.local_addr().unwrap().to_string();
    let at = "/.well-known/openid-configuration";
    let fake = Fake::serve(listener, NAME.to_owned(), NAME.to_owned(), at, &[&key]);
    let proxy = Proxy::to(address).await;
    let with = |url: &str| remote(&fake).proxy(url).unwrap();
    let trusting = with(&proxy.url).authorities(authority.pem().as_bytes()).unwrap();
    let verifier = trusting.connect().await.unwrap();
    let caller = ask(&verifier, &token(&fake, &key)).await.unwrap();
    assert_eq!(caller.issuer(), NAME);
    let asked = proxy.asked();
    let is_tunnel = |line: &String| line.starts_with("CONNECT login.example.com:443 ");
    assert!(!asked.is_empty() && asked.iter().all(is_tunnel), "{asked:?}");
    assert!(with(&proxy.url).connect().await.is_err(), "a proxy is nobody to trust");
}

#[tokio::test]
async fn through_a_proxy_goes_every_request_for_an_issuer_without_tls() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let proxy = Proxy::to(fake.origin.replace("http://", "")).await;
    let verifier = remote(&fake).proxy(&proxy.url).unwrap().connect().await.unwrap();
    assert!(ask(&verifier, &token(&fake, &key)).await.is_ok());
    let asked = proxy.asked();
    assert!(asked[0].starts_with(&format!("GET {}/.well-known/", fake.origin)), "{asked:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = remote(&fake).proxy(&nobody).unwrap().connect().await.unwrap_err();
    assert!(error.to_string().contains(&fake.issuer), "there is no way around it: {error}");
}

/// Plain http to this machine is safe as nobody is in between; a proxy would be. The environment is said to a program of its
/// own, as it is read once: to this program, for this test alone.
#[tokio::test]
async fn a_proxy_that_the_environment_names_is_not_asked_for_what_is_on_this_machine() {
    const CHILD: &str = "MCP_AUTH_TEST_OF_A_PROXY";
    let elsewhere = Remote::new(Policy::new(NAME, AUDIENCE)).wait(Duration::ZERO);
    let elsewhere = elsewhere.timeout(Duration::from_secs(1));
    if std::env::var_os(CHILD).is_some() {
        let key = key();
        let fake = Fake::new(&[&key]).await;
        assert!(ask(&connected(&fake).await, &token(&fake, &key)).await.is_ok());
        let named = Fake::called("https://login.example.com/realms/a", &[&key]).await;
        let inside = remote(&named).internal_url(&named.origin).unwrap();
        assert!(inside.connect().await.is_ok(), "what is inside is here too");
        assert!(elsewhere.connect().await.is_err(), "nobody there speaks TLS");
        return;
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(silent.local_addr().unwrap().to_string()).await;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let name = "remote::proxy::a_proxy_that_the_environment_names_is_not_asked_for_what_is_on_this_machine";
    child.args(["--exact", name]).env(CHILD, "1");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            child.env_remove(name);
        }
    }
    child.env("HTTP_PROXY", &proxy.url).env("HTTPS_PROXY", &proxy.url);
    let ended = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let asked = proxy.asked();
    assert!(ended.status.success(), "{asked:?}: {}", String::from_utf8_lossy(&ended.stdout));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("1 passed"), "it ran");
    let is_tunnel = |line: &String| line.starts_with("CONNECT login.example.com:443 ");
    assert!(!asked.is_empty() && asked.iter().all(is_tunnel), "{asked:?}");
}
