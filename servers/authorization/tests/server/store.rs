//! What is kept, for how long, and what is forgotten?

use mcp_auth_server::store::{
    About, Allowed, Binding, Grant, Kept, Redeemed, Registered, Room, Store, Token,
};

const DAY: i64 = 24 * 3600;

pub fn grant(id: &str) -> Grant {
    let allowed = Allowed {
        client: "local".into(),
        person: "alice".into(),
        stamp: String::new(),
        resource: "http://localhost:9000/mcp".into(),
        scope: "mcp:read".parse().unwrap(),
    };
    Grant { id: id.into(), allowed }
}

pub fn token(jti: &str, grant: Option<(&str, &str)>) -> Token {
    Token { jti: jti.into(), grant: grant.map(|(id, stamp)| (id.into(), stamp.into())) }
}

pub fn binding() -> Binding {
    Binding { redirect: "http://localhost/cb".into(), challenge: "x".repeat(43) }
}

pub fn registered(id: &str, now: i64) -> Registered {
    Registered {
        id: id.into(),
        metadata: "{}".into(),
        secret: None,
        registration: "hash".into(),
        address: "10.0.0.1".into(),
        created: now,
        used: None,
    }
}

#[tokio::test]
async fn what_has_ended_is_forgotten_and_nothing_else() {
    let store = Store::in_memory().await.unwrap();
    for (id, ends) in [("old", 100), ("new", 200)] {
        store
            .keep_code(&grant(id), &format!("code of {id}"), &binding(), ends, ends)
            .await
            .unwrap();
        store.begin_session(&format!("session of {id}"), "alice", "", ends).await.unwrap();
        store.revoke(id, ends).await.unwrap();
        assert!(store.is_first("job", id, ends).await.unwrap());
    }
    store.clean(150).await.unwrap();
    for (id, is_there) in [("old", false), ("new", true)] {
        let is_good = async |jti: &str, stamp: &str| {
            store.is_good(token(jti, Some((id, stamp)))).await.unwrap()
        };
        assert_eq!(is_good("a token", "").await, is_there, "{id}");
        assert!(!is_good("a token", "another stamp").await, "{id}");
        assert!(!is_good(id, "").await, "{id} was revoked, or has ended");
        assert_eq!(
            store.session(&format!("session of {id}"), 0).await.unwrap().is_some(),
            is_there
        );
        assert_eq!(store.is_good(token(id, None)).await.unwrap(), !is_there, "{id}");
        assert_eq!(!store.is_first("job", id, 300).await.unwrap(), is_there, "{id}");
        let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
        let used = store.use_code(&format!("code of {id}"), ("next", 300), 0, fits).await.unwrap();
        assert_eq!(matches!(used, Redeemed::Good(_)), is_there, "{id}: {used:?}");
    }
}

/// A code that was used is remembered for as long as what came of it: its second use must end that, also after its minute.
#[tokio::test]
async fn a_used_code_is_remembered_for_as_long_as_what_it_gave() {
    let store = Store::in_memory().await.unwrap();
    store.keep_code(&grant("it"), "code", &binding(), 60, DAY).await.unwrap();
    let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
    assert!(matches!(
        store.use_code("code", ("next", DAY), 10, fits).await.unwrap(),
        Redeemed::Good(_)
    ));
    store.clean(3600).await.unwrap();
    assert_eq!(
        store.use_code("code", ("other", DAY), 3600, fits).await.unwrap(),
        Redeemed::Again("it".into())
    );
    assert!(!store.is_good(token("a token", Some(("it", "")))).await.unwrap());
}

#[tokio::test]
async fn a_refresh_token_that_nobody_used_in_time_is_forgotten() {
    let store = Store::in_memory().await.unwrap();
    store.keep_code(&grant("it"), "code", &binding(), 60, 90 * DAY).await.unwrap();
    let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
    store.use_code("code", ("first", DAY), 10, fits).await.unwrap();
    store.rotate("first", "local", ("second", 2 * DAY), 20).await.unwrap();
    store.clean(DAY).await.unwrap();
    let again = store.rotate("first", "local", ("other", 2 * DAY), DAY).await.unwrap();
    assert_eq!(again, Redeemed::Unknown);
    let good = store.rotate("second", "local", ("third", 3 * DAY), DAY).await.unwrap();
    assert!(matches!(good, Redeemed::Good(_)), "{good:?}");
}

#[tokio::test]
async fn a_client_that_nobody_uses_is_forgotten_and_one_in_use_is_not() {
    let store = Store::in_memory().await.unwrap();
    for id in ["never", "idle", "busy"] {
        assert_eq!(store.register(&registered(id, 0), Room::default()).await.unwrap(), Kept::Yes);
    }
    store.is_in_use("idle", DAY).await.unwrap();
    store.is_in_use("busy", 3 * DAY).await.unwrap();
    assert_eq!(store.expire_clients(2 * DAY, 0).await.unwrap(), 1);
    for (id, is_there) in [("never", true), ("idle", false), ("busy", true)] {
        assert_eq!(store.registered(id).await.unwrap().is_some(), is_there, "{id}");
    }
    assert_eq!(store.expire_clients(0, 1).await.unwrap(), 1);
    assert!(store.registered("never").await.unwrap().is_none());
}

/// Each has his own answer, however many ask together, and whoever hangs up takes nobody with him.
#[tokio::test]
async fn many_tokens_are_asked_about_together_and_each_is_answered_for_itself() {
    let store = Store::in_memory().await.unwrap();
    for n in 0..200 {
        let id = n.to_string();
        store.keep_code(&grant(&id), &format!("code {n}"), &binding(), DAY, DAY).await.unwrap();
        match n % 4 {
            1 => store.end(&id, 1).await.unwrap(),
            2 => store.revoke(&format!("token {n}"), DAY).await.unwrap(),
            _ => {}
        }
    }
    let mut asked = tokio::task::JoinSet::new();
    for round in 0..5 {
        for n in 0..200 {
            let store = store.clone();
            let stamp = if n % 4 == 3 { "another" } else { "" };
            let one = token(&format!("token {n}"), Some((&n.to_string(), stamp)));
            let handle = asked.spawn(async move { (n, store.is_good(one).await.unwrap()) });
            if (n + round) % 7 == 0 {
                tokio::task::yield_now().await;
                handle.abort();
            }
        }
    }
    let mut answers = 0;
    while let Some(answer) = asked.join_next().await {
        if let Ok((n, is_good)) = answer {
            assert_eq!(is_good, n % 4 == 0, "{n}");
            answers += 1;
        }
    }
    assert!(answers >= 800, "{answers}");
}

#[tokio::test]
async fn a_consent_ends_with_its_time_and_with_the_stamp_it_was_given_under() {
    let store = Store::in_memory().await.unwrap();
    let about = |stamp: &'static str| About {
        person: "alice",
        stamp,
        client: "web",
        resource: "http://localhost:9000/mcp",
        place: "app.example",
    };
    let scope = "mcp:read".parse().unwrap();
    store.remember_consent(&about("one"), &scope, 100).await.unwrap();
    assert_eq!(store.consent(&about("one"), 99).await.unwrap(), scope);
    assert!(store.consent(&about("one"), 100).await.unwrap().is_empty(), "its time is over");
    assert!(store.consent(&about("two"), 99).await.unwrap().is_empty(), "another alice");
    store.remember_consent(&about("two"), &scope, 100).await.unwrap();
    assert!(store.consent(&about("one"), 99).await.unwrap().is_empty());
    assert_eq!(store.consent(&about("two"), 99).await.unwrap(), scope);
    store.clean(100).await.unwrap();
    assert!(store.consent(&about("two"), 0).await.unwrap().is_empty(), "it is forgotten");
}

/// Whoever hangs up while the database works for him.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_in_memory_outlives_everybody_who_hangs_up() {
    let store = Store::in_memory().await.unwrap();
    let secret = store.secret("forms").await.unwrap();
    for n in 0..500 {
        let hasty = tokio::spawn({
            let store = store.clone();
            async move { store.session("nobody's", n).await.map(drop) }
        });
        for _ in 0..n % 10 {
            tokio::task::yield_now().await;
        }
        hasty.abort();
        let _ = hasty.await;
    }
    assert_eq!(store.secret("forms").await.unwrap(), secret);
}
