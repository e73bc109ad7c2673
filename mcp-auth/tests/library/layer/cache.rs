//! A token that was good a moment ago is not checked again, and one that was bad always is.

use std::{
    sync::{Mutex, atomic::AtomicU64},
    time::Duration,
};

use mcp_auth::{
    Clock, cache::Cache, issuers::Issuers, jwt::Verifier, limits::Limits, testing::Issuer,
};

use super::*;

/// Counts how often it is asked, and has a generation.
#[derive(Clone)]
struct Counting {
    inner: mcp_auth::jwt::Verifier,
    asked: Arc<AtomicUsize>,
    generation: Arc<AtomicU64>,
}

impl Verify for Counting {
    fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { self.inner.verify(token, now) })
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

struct Fixture {
    counting: Counting,
    now: Arc<Mutex<i64>>,
    app: Router,
}

fn fixture(change: impl FnOnce(AuthLayer) -> AuthLayer) -> Fixture {
    let now = Arc::new(Mutex::new(NOW));
    let clock = {
        let now = now.clone();
        Clock::new(move || *now.lock().unwrap())
    };
    let inner = verifier(shared());
    let counting = Counting { inner, asked: Arc::default(), generation: Arc::default() };
    let layer = AuthLayer::new(metadata(), counting.clone()).unwrap().clock(clock);
    let app = Router::new().fallback(async || "in").layer(change(layer));
    Fixture { counting, now, app }
}

impl Fixture {
    async fn ask(&self, token: &str) -> u16 {
        answer(self.app.clone(), post(token, &json!({}))).await.0.as_u16()
    }

    fn asked(&self) -> usize {
        self.counting.asked.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_good_token_is_checked_once_a_minute() {
    let fixture = fixture(|layer| layer);
    let (alice, bob) = (token("alice", "a"), token("bob", "a"));
    for token in [&alice, &alice, &bob, &alice, &bob] {
        assert_eq!(fixture.ask(token).await, 200);
    }
    assert_eq!(fixture.asked(), 2);
    *fixture.now.lock().unwrap() += 59;
    assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 0));
    *fixture.now.lock().unwrap() += 1;
    assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 1));
}

#[tokio::test]
async fn a_token_that_ends_is_refused_from_then_on() {
    let fixture = fixture(|layer| layer);
    let short = shared().token("alice").lifetime(30).mint().unwrap();
    assert_eq!(fixture.ask(&short).await, 200);
    *fixture.now.lock().unwrap() += 29;
    assert_eq!((fixture.ask(&short).await, fixture.asked()), (200, 1));
    *fixture.now.lock().unwrap() += 5; // leeway
    assert_eq!((fixture.ask(&short).await, fixture.asked()), (200, 1));
    *fixture.now.lock().unwrap() += 1;
    assert_eq!((fixture.ask(&short).await, fixture.asked()), (401, 1));
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let fixture = fixture(|layer| layer);
    for bad in ["nonsense", &shared().token("a").bad("alg-none".parse().unwrap()).mint().unwrap()] {
        for _ in 0..3 {
            assert_eq!(fixture.ask(bad).await, 401);
        }
        assert_eq!(fixture.asked(), 3);
    }
}

#[tokio::test]
async fn verdicts_end_when_the_rules_change() {
    let fixture = fixture(|layer| layer);
    let alice = token("alice", "a");
    assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 1));
    fixture.counting.generation.fetch_add(1, Ordering::SeqCst);
    assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 1));
    assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 0));
}

#[tokio::test]
async fn a_cache_may_be_off_or_another() {
    let off = fixture(AuthLayer::no_cache);
    let none = fixture(|layer| layer.cache(Arc::new(Cache::new(0, 0, Duration::ZERO).unwrap())));
    let alice = token("alice", "a");
    for fixture in [off, none] {
        for _ in 0..3 {
            assert_eq!((fixture.ask(&alice).await, fixture.asked()), (200, 1));
        }
    }
    let shared = Arc::new(Cache::new(10, 1 << 20, Duration::from_secs(60)).unwrap());
    let two = [
        fixture(|layer| layer.cache(shared.clone())),
        fixture(|layer| layer.cache(shared.clone())),
    ];
    assert_eq!((two[0].ask(&alice).await, two[0].asked()), (200, 1));
    assert_eq!((two[1].ask(&alice).await, two[1].asked(), shared.len()), (200, 1, 2), "its own");
}

/// One cache for two servers of a program.
#[tokio::test]
async fn a_token_for_one_server_opens_no_other_that_shares_its_cache() {
    let cache = Arc::new(Cache::new(10, 1 << 20, Duration::from_secs(60)).unwrap());
    let there = "https://there.example/mcp";
    let elsewhere = Verifier::new(shared().key_set(), NAME.into(), there.into(), shared().leeway());
    let metadata_there = ProtectedResource::new(there, NAME, "mcp:read".parse().unwrap()).unwrap();
    let [here, there] =
        [AuthLayer::new(metadata(), verifier(shared())), AuthLayer::new(metadata_there, elsewhere)]
            .map(|layer| {
                let layer = layer.unwrap().clock(shared().clock().clone()).cache(cache.clone());
                Router::new().fallback(async || "in").layer(layer)
            });
    let alice = token("alice", "a");
    for (server, expected) in [(&there, 401), (&here, 200), (&there, 401)] {
        let answer = answer(server.clone(), post(&alice, &json!({}))).await;
        assert_eq!(answer.0.as_u16(), expected);
    }
}

#[tokio::test]
async fn a_token_is_checked_by_the_issuer_that_it_names_and_by_no_other() {
    let named = |name: &str| Issuer::new(name, AUDIENCE).unwrap().with_clock(Clock::new(|| NOW));
    let (ours, theirs) = (named("https://ours.example"), named("https://theirs.example"));
    let checks = |issuer: &Issuer| {
        let (keys, name) = (issuer.key_set(), issuer.name().to_owned());
        mcp_auth::jwt::Verifier::new(keys, name, AUDIENCE.into(), issuer.leeway())
    };
    let issuers = Issuers::new().with(ours.name(), checks(&ours)).unwrap();
    assert!(issuers.clone().with(ours.name(), checks(&theirs)).is_err(), "it stands twice");
    let issuers = issuers.with(theirs.name(), checks(&theirs)).unwrap();
    let layer = AuthLayer::new(metadata(), issuers).unwrap().clock(ours.clock().clone());
    let app = Router::new().fallback(async || "in").layer(layer);
    let usurped = theirs.token("alice").claim("iss", ours.name()).mint().unwrap();
    let unknown = ours.token("alice").claim("iss", "https://other.example").mint().unwrap();
    let none = ours.token("alice").claim("iss", Value::Null).mint().unwrap();
    for (token, status) in [
        (ours.token("alice").mint().unwrap(), 200),
        (theirs.token("alice").mint().unwrap(), 200),
        (usurped, 401),
        (unknown, 401),
        (none, 401),
        ("nonsense".to_owned(), 401),
    ] {
        assert_eq!(answer(app.clone(), post(&token, &json!({}))).await.0.as_u16(), status);
    }
}

#[tokio::test]
async fn verdicts_end_when_the_rules_of_one_of_several_issuers_change() {
    let changing = |name: &str| {
        let issuer = Issuer::new(name, AUDIENCE).unwrap().with_clock(Clock::new(|| NOW));
        let (keys, leeway) = (issuer.key_set(), issuer.leeway());
        let inner = mcp_auth::jwt::Verifier::new(keys, name.to_owned(), AUDIENCE.into(), leeway);
        let counting = Counting { inner, asked: Arc::default(), generation: Arc::default() };
        (issuer, counting)
    };
    let (ours, first) = changing("https://ours.example");
    let (theirs, second) = changing("https://theirs.example");
    let issuers = Issuers::new().with(ours.name(), first.clone()).unwrap();
    let issuers = issuers.with(theirs.name(), second.clone()).unwrap();
    let layer = AuthLayer::new(metadata(), issuers).unwrap().clock(ours.clock().clone());
    let app = Router::new().fallback(async || "in").layer(layer);
    let token = ours.token("alice").mint().unwrap();
    for (changed, asked) in [(None, 1), (None, 1), (Some(&first), 2), (Some(&second), 3), (None, 3)]
    {
        if let Some(changed) = changed {
            changed.generation.fetch_add(1, Ordering::SeqCst);
        }
        assert_eq!(answer(app.clone(), post(&token, &json!({}))).await.0, StatusCode::OK);
        assert_eq!(first.asked.load(Ordering::SeqCst), asked);
    }
}

/// As when more connections than the server has places send bad signatures.
#[tokio::test]
async fn whoever_waits_for_a_check_leaves_room_for_those_who_are_known() {
    struct Slow(Verifier);
    impl Verify for Slow {
        fn verify<'a>(&'a self, token: &'a str, now: i64) -> Verdict<'a> {
            Box::pin(async move {
                match Verify::verify(&self.0, token, now).await {
                    Err(_) => std::future::pending().await,
                    good => good,
                }
            })
        }
    }
    let limits = Limits { max_requests: 6, ..Limits::default() };
    let layer = AuthLayer::new(metadata(), Slow(verifier(shared()))).unwrap().limits(limits);
    let layer = layer.clock(shared().clock().clone());
    let app = Router::new().fallback(async || "in").layer(layer);
    let (alice, bob) = (token("alice", "a"), token("bob", "a"));
    let ask = async |token: &str| {
        let (status, headers, _) = answer(app.clone(), post(token, &json!({}))).await;
        (status.as_u16(), headers.contains_key("retry-after"))
    };
    assert_eq!(ask(&alice).await, (200, false));
    let bad = shared().token("mallory").bad("expired".parse().unwrap()).mint().unwrap();
    let strangers = futures_util::future::join_all((0..3).map(|_| ask(&bad)));
    let others = async {
        assert_eq!(ask(&bob).await, (503, true), "half of the places are taken");
        assert_eq!(ask(&alice).await, (200, false), "and she needs none of those");
    };
    tokio::select! {
        biased;
        _ = strangers => panic!("nobody has answered them"),
        () = others => {}
    }
    assert_eq!(ask(&bob).await, (200, false), "whoever has hung up waits no more");
}
