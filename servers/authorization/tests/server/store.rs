//! What is kept, for how long, and what is forgotten?

use mcp_auth_server::{
    client::room::{Kept, Room},
    store::{Allowed, Binding, Grant, Redeemed, Registered, Store},
};

const DAY: i64 = 24 * 3600;

fn grant(id: &str) -> Grant {
    let allowed = Allowed {
        client: "local".into(),
        person: "alice".into(),
        stamp: String::new(),
        resource: "http://localhost:9000/mcp".into(),
        scope: "mcp:read".parse().unwrap(),
    };
    Grant { id: id.into(), allowed }
}

fn binding() -> Binding {
    Binding { redirect: "http://localhost/cb".into(), challenge: "x".repeat(43) }
}

fn registered(id: &str, now: i64) -> Registered {
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
        assert_eq!(store.is_good("a token", Some((id, ""))).await.unwrap(), is_there, "{id}");
        assert!(!store.is_good("a token", Some((id, "another stamp"))).await.unwrap(), "{id}");
        assert!(
            !store.is_good(id, Some((id, ""))).await.unwrap(),
            "{id} was revoked, or has ended"
        );
        assert_eq!(
            store.session(&format!("session of {id}"), 0).await.unwrap().is_some(),
            is_there
        );
        assert_eq!(store.is_revoked(id).await.unwrap(), is_there, "{id}");
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
    assert!(!store.is_good("a token", Some(("it", ""))).await.unwrap());
}

#[tokio::test]
async fn a_refresh_token_that_nobody_used_in_time_is_forgotten() {
    let store = Store::in_memory().await.unwrap();
    store.keep_code(&grant("it"), "code", &binding(), 60, 90 * DAY).await.unwrap();
    let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
    store.use_code("code", ("first", DAY), 10, fits).await.unwrap();
    store.rotate("first", "local", "second", 2 * DAY, 20).await.unwrap();
    store.clean(DAY).await.unwrap();
    let again = store.rotate("first", "local", "other", 2 * DAY, DAY).await.unwrap();
    assert_eq!(again, Redeemed::Unknown);
    let good = store.rotate("second", "local", "third", 3 * DAY, DAY).await.unwrap();
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
