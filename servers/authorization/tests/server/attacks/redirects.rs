//! Addresses that look like the registered one to somebody.

use mcp_auth_server::redirect;
use proptest::prelude::*;
use url::Url;

use crate::{
    browser::Browser,
    steps::consent_page,
    world::{LOCAL, WEB, World, request},
};

async fn is_shown_and_not_followed(client: &str, redirects: &[&str]) {
    let world = World::with(|builder| builder.without_rates()).await;
    let mut browser = Browser::default();
    consent_page(
        &world,
        &mut browser,
        &request(client, if client == "web" { WEB } else { LOCAL }, &[]),
    )
    .await;
    for redirect in redirects {
        // neither with a good request, nor with one that the client would be told about, nor to somebody who is logged in
        for others in [&[][..], &[("scope", "none")]] {
            for browser in [&mut browser, &mut Browser::default()] {
                let answer = browser.get(&world, &request(client, redirect, others)).await;
                assert_eq!(answer.status, 400, "{redirect:?}");
                assert!(!answer.headers.contains_key("location"), "{redirect:?}");
                assert!(
                    !answer.text.contains("href") && !answer.text.contains("<form"),
                    "{redirect:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_address_is_taken_for_a_registered_one_on_https() {
    let tricks = [
        "https://app.example@evil.example/callback",
        "https://app.example:x@evil.example/callback",
        "https://user@app.example/callback",
        "https://@app.example/callback",
        "https://app.example/callback#",
        "https://app.example/callback#@evil.example",
        "https://app.example%2Fcallback",
        "https://app.example%2f@evil.example/callback",
        "https://app.example%00.evil.example/callback",
        "https://app.example/callback%2f..%2fevil",
        "https://app.example/callback/../evil",
        "https://app.example/x/../callback",
        "https://app.example/%63allback",
        "https://app.example//callback",
        "https://app.example/callback/",
        "https://app.example/callback?",
        "https://app.example/callback?x=1",
        "https://app.example/callback;x",
        "https://app.example/callback%00",
        "https://app.example/callback\0",
        "https://app.example/callback ",
        " https://app.example/callback",
        "https://app.example/callback\r\nLocation: https://evil.example",
        "https://app.example:443/callback",
        "https://app.example:8443/callback",
        "https://app.example:/callback",
        "https://app.example./callback",
        "https://app.example.evil.example/callback",
        "https://evilapp.example/callback",
        "https://evil.example/https://app.example/callback",
        "https://evil.example/?https://app.example/callback",
        "https://app.example\\.evil.example/callback",
        "https://evil.example\\@app.example/callback",
        "https:\\\\app.example\\callback",
        "https:app.example/callback",
        "https:///app.example/callback",
        "//app.example/callback",
        "/callback",
        "HTTPS://app.example/callback",
        "https://APP.example/callback",
        "https://app.example/CALLBACK",
        "http://app.example/callback",
        "https://\u{430}pp.example/callback",
        "https://app\u{3002}example/callback",
        "https://app.ex\u{ad}ample/callback",
        "https://app.example\u{ff0f}callback",
        "https://app.example/callback\u{202e}",
        "javascript://app.example/callback%0aalert(1)",
        "data:text/html,https://app.example/callback",
        "http://localhost/callback",
    ];
    is_shown_and_not_followed("web", &tricks).await;
}

#[tokio::test]
async fn no_address_is_taken_for_one_of_this_machine() {
    let tricks = [
        "http://localhost.evil/callback",
        "http://localhost.evil.example:80/callback",
        "http://localhost@evil.example/callback",
        "http://localhost:80@evil.example/callback",
        "http://evil@localhost/callback",
        "http://localhost:5000:80/callback",
        "http://localhost:/callback",
        "http://localhost:0/callback",
        "http://localhost:99999/callback",
        "http://localhost:-1/callback",
        "http://localhost:+80/callback",
        "http://localhost:8e1/callback",
        "http://localhost:%38%30/callback",
        "http://localhost:\u{ff18}0/callback",
        "http://localhost:80\\@evil.example/callback",
        "http://localhost\\evil.example/callback",
        "http://localhost%2eevil.example/callback",
        "http://localhost%00.evil.example/callback",
        "http://localhost:5000#@evil.example/callback",
        "http://localhost:5000?@evil.example/callback",
        "http://localhost:5000/callback#x",
        "http://localhost:5000/callback?x=1",
        "http://localhost:5000/callback/",
        "http://localhost:5000/Callback",
        "http://localhost:5000/x/../callback",
        "http://localhost:5000/callback%2f",
        "http://localhost:5000//evil.example/callback",
        "http://LOCALHOST/callback",
        "http://localhost./callback",
        "http://\u{24db}ocalhost/callback",
        "https://localhost/callback",
        "http://127.0.0.1/callback",
        "http://127.1/callback",
        "http://0/callback",
        "http://2130706433/callback",
        "http://[::1]/callback",
        "http://[::ffff:127.0.0.1]/callback",
        "localhost/callback",
        "http://app.localhost/callback",
    ];
    is_shown_and_not_followed("local", &tricks).await;
}

#[tokio::test]
async fn the_port_is_free_on_this_machine_alone() {
    let world = World::new().await;
    for (redirect, is_good) in [
        (LOCAL, true),
        ("http://localhost:1/callback", true),
        ("http://localhost:65535/callback", true),
        ("http://localhost:65536/callback", false),
    ] {
        let answer = Browser::default().get(&world, &request("local", redirect, &[])).await;
        assert_eq!(answer.status == 200, is_good, "{redirect}");
    }
}

/// Addresses that are nearly good: pieces that readers of addresses disagree about, in any order.
fn address() -> impl Strategy<Value = String> {
    let pieces = "http: https: // / \\ @ : ? # . .. %2f %2e %00 %40 localhost LOCALHOST 127.0.0.1 127.1 0x7f.1 2130706433 \
                  [::1] [ ] app.example APP evil.example xn-- - 80 443 0 65536 callback user ; , * \t \u{430} \u{3002} \u{ff0f}";
    let pieces = prop::sample::select(pieces.split(' ').collect::<Vec<_>>());
    let starts = "https://app.example http://localhost http://localhost:80 https:// http://";
    let start = prop::sample::select(starts.split(' ').collect::<Vec<_>>());
    (start, prop::collection::vec(pieces, 0..6))
        .prop_map(|(start, rest)| start.to_owned() + &rest.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_host_that_people_are_shown_is_the_one_that_the_browser_goes_to(uri in address()) {
        if redirect::check(&uri).is_ok() {
            let url = Url::parse(&uri).unwrap();
            let (host, _) = redirect::host(&uri).rsplit_once(':').filter(|(_, port)| !port.contains(']'))
                .unwrap_or((redirect::host(&uri), ""));
            prop_assert!(url.host_str().unwrap().eq_ignore_ascii_case(host), "{uri}: {url}");
            prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            prop_assert!(url.scheme() == "https" || redirect::is_loopback(&uri));
        }
    }

    #[test]
    fn whatever_is_taken_for_a_registered_address_leads_there(uri in address()) {
        let registered = [WEB.to_owned(), LOCAL.to_owned(), "https://app.example".to_owned()];
        if redirect::is_one_of(&uri, &registered) {
            let mut url = Url::parse(&uri).unwrap();
            if url.host_str() == Some("localhost") {
                url.set_port(None).unwrap();
            }
            prop_assert!(registered.iter().any(|one| Url::parse(one).unwrap() == url), "{uri}: {url}");
        }
    }
}
