//! What when more clients register than there is room for?

use axum::{body::Body, http::Request};
use futures_util::future::join_all;
use mcp_auth_server::{
    Builder,
    store::{Binding, Grant, Kept, Redeemed, Registered, Room, Store},
};
use serde_json::{Value, json};

use crate::{
    steps::{allowed, code, exchange, managed, pair, refresh, register, registered},
    store::{binding, grant},
    world::{Answer, LOCAL, NOW, WEB, World},
};

fn from(id: &str, address: &str, created: i64) -> Registered {
    Registered {
        id: id.into(),
        metadata: "{}".into(),
        secret: None,
        registration: "hash".into(),
        address: address.into(),
        created,
        used: None,
    }
}

#[tokio::test]
async fn one_address_has_so_many_clients_that_got_no_token_and_no_more() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 10, from_one: 2, spared: 600, few: 0 };
    let kept =
        async |id: &str, address: &str| store.register(&from(id, address, 0), room).await.unwrap();
    assert_eq!([kept("1", "a").await, kept("2", "a").await], [Kept::Yes; 2]);
    assert_eq!(kept("3", "a").await, Kept::TooManyFromOne(2));
    assert_eq!(kept("4", "b").await, Kept::Yes);
    store.is_in_use("1", 1).await.unwrap();
    assert_eq!(kept("5", "a").await, Kept::Yes, "one that is used does not count");
}

#[tokio::test]
async fn the_oldest_that_was_never_used_makes_room_and_nobody_else() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 4, from_one: 10, spared: 600, few: 0 };
    let is_there = async |id: &str| store.registered(id).await.unwrap().is_some();
    for (id, created) in [("used", 0), ("second", 200), ("first", 100), ("new", 900)] {
        assert_eq!(store.register(&from(id, id, created), room).await.unwrap(), Kept::Yes);
    }
    store.is_in_use("used", 10).await.unwrap();
    for (id, now, kept, gone) in [
        ("a", 700, Kept::Full, None), // the first is there for ten minutes, and not for longer
        ("b", 701, Kept::Yes, Some("first")),
        ("c", 800, Kept::Full, None),
        ("d", 1000, Kept::Yes, Some("second")),
        ("e", 1300, Kept::Full, None),
    ] {
        assert_eq!(store.register(&from(id, id, now), room).await.unwrap(), kept, "{id}");
        assert_eq!(is_there(id).await, kept == Kept::Yes, "{id}");
        if let Some(gone) = gone {
            assert!(!is_there(gone).await, "{gone} makes room for {id}");
        }
    }
    for id in ["used", "new", "b", "d"] {
        assert!(is_there(id).await, "{id}");
    }
}

#[tokio::test]
async fn a_code_of_one_that_has_made_room_is_worth_nothing() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 1, from_one: 10, spared: 600, few: 0 };
    let (mut grant, binding) = (grant("it"), binding());
    grant.allowed.client = "old".into();
    assert_eq!(store.register(&from("old", "a", 0), room).await.unwrap(), Kept::Yes);
    store.keep_code(&grant, "code", &binding, 2 * DAY, 2 * DAY).await.unwrap();
    assert_eq!(store.register(&from("new", "b", DAY), room).await.unwrap(), Kept::Yes);
    let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
    let used = store.use_code("code", ("next", 2 * DAY), DAY, fits).await.unwrap();
    assert_eq!(used, Redeemed::Unknown);
}

#[tokio::test]
async fn who_fills_the_room_from_some_addresses_keeps_out_nobody_but_himself() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 12, from_one: 6, spared: 600, few: 0 };
    let is_there = async |id: &str| store.registered(id).await.unwrap().is_some();
    let kept = async |id: &str, address: &str, now: i64| {
        store.register(&from(id, address, now), room).await.unwrap()
    };
    for (address, many) in [("hers", 1), ("used", 1), ("x", 6), ("y", 4)] {
        for n in 0..many {
            assert_eq!(kept(&format!("{address} {n}"), address, n).await, Kept::Yes);
        }
    }
    store.is_in_use("used 0", 7).await.unwrap();
    for (id, address, gone) in [("another's", "another's", "x 0"), ("her second", "hers", "x 1")] {
        assert_eq!(kept(id, address, 8).await, Kept::Yes, "{id}");
        assert!(!is_there(gone).await, "{gone} makes room for {id}");
    }
    assert_eq!(kept("his own", "x", 8).await, Kept::Full, "he has four, and nobody has more");
    let sparing = Room { few: 4, ..room };
    let hers = store.register(&from("her third", "hers", 8), sparing).await.unwrap();
    assert_eq!(hers, Kept::Full, "four are no crowd");
    assert_eq!(kept("her third", "hers", 8).await, Kept::Yes);
    for id in ["hers 0", "her second", "her third", "another's", "used 0"] {
        assert!(is_there(id).await, "{id}");
    }
}

/// As one does it whose provider gives him 65,536 nets of a household: none of them has more than anybody else.
#[tokio::test]
async fn who_has_many_addresses_beside_each_other_counts_as_one() {
    for (nets, others) in [
        (["2001:db8:1:1::", "2001:db8:1:2::", "2001:db8:1:3::"], "2001:db8:2:1::"),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], "192.0.3.1"),
    ] {
        let store = Store::in_memory().await.unwrap();
        let room = Room { most: 3, from_one: 10, spared: 600, few: 0 };
        for (n, net) in (0..).zip(nets) {
            let kept = store.register(&from(net, net, n), room).await.unwrap();
            assert_eq!(kept, Kept::Yes);
        }
        let kept = store.register(&from("another's", others, 8), room).await.unwrap();
        assert_eq!(kept, Kept::Yes, "{others}");
        assert!(store.registered(nets[0]).await.unwrap().is_none(), "the oldest makes room");
        let kept = store.register(&from("his", nets[0], 8), room).await.unwrap();
        assert_eq!(kept, Kept::Full, "not for more of his own");
    }
}

/// As one does it who has an account, and uses each of his clients once.
#[tokio::test]
async fn who_fills_the_room_with_clients_that_are_used_keeps_out_nobody() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 6, from_one: 10, spared: 600, few: 2 };
    let is_there = async |id: &str| store.registered(id).await.unwrap().is_some();
    let use_it = async |id: &str, person: &str, now: i64| {
        let mut grant = grant(&format!("{person} {id}"));
        (grant.allowed.client, grant.allowed.person) = (id.into(), person.into());
        store.keep_code(&grant, &grant.id, &binding(), 2 * DAY, 2 * DAY).await.unwrap();
        store.is_in_use(id, now).await.unwrap();
    };
    for (id, address, person) in [
        ("hers", "a", "alice"),
        ("hers too", "a", "alice"),
        ("1", "b", "bob"),
        ("2", "c", "bob"),
        ("3", "d", "bob"),
    ] {
        assert_eq!(store.register(&from(id, address, 0), room).await.unwrap(), Kept::Yes);
        use_it(id, person, if id == "2" { 1 } else { 2 }).await;
    }
    use_it("hers", "bob", 0).await; // who was the first to allow it counts
    assert_eq!(store.register(&from("new", "e", 5), room).await.unwrap(), Kept::Yes);
    assert_eq!(store.register(&from("newer", "f", 5), room).await.unwrap(), Kept::Yes);
    assert!(!is_there("2").await, "of him who has most, the one that was used longest ago");
    for id in ["hers", "hers too", "1", "3", "new"] {
        assert!(is_there(id).await, "{id}");
    }
    assert_eq!(
        store.register(&from("more", "g", 5), room).await.unwrap(),
        Kept::Full,
        "two are few"
    );
}

/// Whoever has his hundred unused clients cannot push others out for more of them.
#[tokio::test]
async fn who_has_too_many_himself_makes_nobody_go() {
    let store = Store::in_memory().await.unwrap();
    let room = Room { most: 2, from_one: 1, spared: 600, few: 0 };
    for (id, address, kept) in
        [("old", "a", Kept::Yes), ("his", "b", Kept::Yes), ("more", "b", Kept::TooManyFromOne(1))]
    {
        assert_eq!(store.register(&from(id, address, 0), room).await.unwrap(), kept, "{id}");
    }
    assert_eq!(
        store.register(&from("more", "b", DAY), room).await.unwrap(),
        Kept::TooManyFromOne(1)
    );
    assert!(store.registered("old").await.unwrap().is_some());
}

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn many_at_once_find_the_room_that_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("database")).await.unwrap();
    let room = Room { most: 10, from_one: 100, spared: 600, few: 0 };
    for n in 0..5 {
        let old = store.register(&from(&format!("old {n}"), "a", n), room).await.unwrap();
        assert_eq!(old, Kept::Yes);
    }
    store.is_in_use("old 0", 5).await.unwrap();
    let all: Vec<_> = (0..40).map(|n| from(&format!("new {n}"), "b", DAY)).collect();
    let kept = join_all(all.iter().map(|one| store.register(one, room))).await;
    let kept: Vec<_> = kept.into_iter().map(Result::unwrap).collect();
    let yes = kept.iter().filter(|kept| **kept == Kept::Yes).count();
    assert_eq!(yes, 9, "five free, and four that make room: {kept:?}");
    assert!(store.registered("old 0").await.unwrap().is_some());
    for (client, kept) in all.iter().zip(kept) {
        let is_there = store.registered(&client.id).await.unwrap().is_some();
        assert_eq!(is_there, kept == Kept::Yes, "{}: a promise is kept", client.id);
    }
}

/// A registration from this address.
async fn register_from(world: &World, address: &str) -> Answer {
    let request = Request::post("/register")
        .header("content-type", "application/json")
        .header("x-forwarded-for", address);
    world.send(request.body(Body::from(public(WEB).to_string())).unwrap()).await
}

fn public(redirect: &str) -> Value {
    json!({"redirect_uris": [redirect], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"]})
}

#[tokio::test]
async fn who_has_registered_too_many_hears_why_and_for_how_long() {
    let world = World::with(|builder| builder.proxies(1).without_rates()).await;
    for n in 0..100 {
        assert_eq!(register_from(&world, "10.0.0.1").await.status, 201, "{n}");
    }
    let answer = register_from(&world, "10.0.0.1").await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (429, &"3600".parse().unwrap()));
    assert_eq!(answer.json()["error"], "slow_down");
    let text = answer.json()["error_description"].as_str().unwrap().to_owned();
    let told = "this address has registered 100 clients, which have not been used; ";
    assert!(text.starts_with(told), "{text}");
    assert_eq!(register_from(&world, "10.0.0.2").await.status, 201, "another address");
}

#[tokio::test]
async fn while_there_is_no_room_new_ones_hear_for_how_long() {
    let world = World::with(Builder::without_rates).await;
    let used = registered(&world, &public(LOCAL)).await;
    let id = used["client_id"].as_str().unwrap();
    let tokens = pair(&exchange(&world, id, LOCAL, &code(&world, id, LOCAL).await).await);
    let unused = registered(&world, &public(WEB)).await;
    allowed(&world, unused["client_id"].as_str().unwrap(), WEB).await;
    // a stranger with thousands of addresses
    let store = world.store().await;
    let stranger = |n: usize| from(&format!("stranger {n}"), &n.to_string(), NOW + 1);
    let mut n = 0;
    while n < 10_000 && store.register(&stranger(n), Room::default()).await.unwrap() == Kept::Yes {
        n += 1;
    }
    assert_eq!(n, 10_000 - 2);
    let answer = register(&world, &json!({"redirect_uris": [WEB]})).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"600".parse().unwrap()));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert!(answer.json()["error_description"].is_string(), "{}", answer.text);
    world.pass(602);
    for n in 0..102 {
        let answer = register(&world, &json!({"redirect_uris": [WEB]})).await;
        assert_eq!(answer.status, if n < 100 { 201 } else { 429 }, "{n}");
    }
    let token = unused["registration_access_token"].as_str().unwrap();
    assert_eq!(managed(&world, "GET", &unused, token).await.status, 401, "it has made room");
    let token = used["registration_access_token"].as_str().unwrap();
    assert_eq!(managed(&world, "GET", &used, token).await.status, 200, "who is in use stays");
    assert_eq!(refresh(&world, id, &tokens.1).await.status, 200);
}

/// As one does it who sends forms letter by letter.
#[tokio::test]
async fn one_address_has_its_share_of_the_places() {
    let world = World::with(|builder| builder.proxies(1)).await;
    let from = |method: &str, path: &str, address: &str, body: Body| {
        let request =
            Request::builder().method(method).uri(path).header("x-forwarded-for", address);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        world.send(request.body(body).unwrap())
    };
    let slow =
        || Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let slow = join_all((0..32).map(|_| from("POST", "/introspect", "10.0.0.1", slow())));
    let others = async {
        for (address, status) in [("10.0.0.1", 503), ("10.0.0.2", 200)] {
            let answer = from("GET", "/jwks.json", address, Body::empty()).await;
            assert_eq!(answer.status, status, "{address}");
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
        }
    };
    tokio::select! {
        biased;
        _ = slow => panic!("they are answered before they have said what they want"),
        () = others => {}
    }
    let answer = from("GET", "/jwks.json", "10.0.0.1", Body::empty()).await;
    assert_eq!(answer.status, 200, "whoever has hung up has no place");
}
