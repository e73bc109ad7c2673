//! A token names a key that we do not know: a new one of the issuer, or one that a stranger has made up.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::StatusCode;
use futures_util::{FutureExt as _, future::join_all};

use super::{fake::Mood, faults::pass, *};

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (first, second) = (key(), key());
    let fake = Fake::new(&[&first]).await;
    let verifier = connected(&fake).await;
    fake.sign_with(&[&first, &second]);
    let tokens = (token(&fake, &first), token(&fake, &second));
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), tokens.1.clone());
            tokio::spawn(async move { ask(&verifier, &token).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(fake.key_fetches(), 2, "one at the start, one for all of them");
    assert_eq!(fake.requests(), 3, "where the keys are was asked once");
    assert!(ask(&verifier, &tokens.0).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_valid_is_refused_while_keys_change() {
    let mut keys = vec![key()];
    let fake = Arc::new(Fake::new(&[&keys[0]]).await);
    let verifier = connected(&fake).await;
    let (newest, done) =
        (Arc::new(std::sync::Mutex::new(token(&fake, &keys[0]))), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let (verifier, newest, done) = (verifier.clone(), newest.clone(), done.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !done.load(Ordering::SeqCst) || asked == 0 {
                    let token = newest.lock().unwrap().clone();
                    let answer = ask(&verifier, &token).await;
                    assert!(answer.is_ok(), "{answer:?}");
                    asked += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                asked
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1500)).await; // three times within 5 s
        keys.push(key());
        fake.sign_with(&keys.iter().collect::<Vec<_>>());
        *newest.lock().unwrap() = token(&fake, keys.last().unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    done.store(true, Ordering::SeqCst);
    for client in clients {
        assert!(client.await.unwrap() > 10);
    }
    assert_eq!(fake.key_fetches(), 4, "one at the start, one for each new key");
}

#[tokio::test]
async fn ten_thousand_keys_that_are_made_up_cause_three_fetches() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let verifier = connected(&fake).await;
    let made_up = token(&fake, &super::key());
    let (_, rest) = made_up.split_once('.').unwrap();
    let name = |number: u32| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = json!({"alg": "RS256", "kid": format!("key-{number}")}).to_string();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    };
    for number in 0..10_000 {
        let answer = ask(&verifier, &name(number)).await;
        assert_eq!(answer.unwrap_err(), VerifyError::Invalid(Cause::Key), "{number}");
    }
    assert_eq!(fake.key_fetches(), 1 + 3);
    assert!(ask(&verifier, &token(&fake, &key)).await.is_ok());
    pass(Duration::from_secs(30)).await;
    for number in 0..100 {
        let answer = ask(&verifier, &name(number)).await;
        assert_eq!(answer.unwrap_err(), VerifyError::Invalid(Cause::Key), "{number}");
    }
    assert_eq!(fake.key_fetches(), 1 + 3 + 1, "one more in half a minute");
}

#[tokio::test]
async fn when_it_cannot_be_told_whether_a_key_is_new_nobody_is_refused_for_good() {
    let fake = Fake::new(&[&key()]).await;
    let verifier = connected(&fake).await;
    fake.is(Mood::Says(StatusCode::BAD_GATEWAY, Vec::new()));
    let unknown = token(&fake, &key());
    for _ in 0..3 {
        assert!(is_unavailable(&ask(&verifier, &unknown).await), "the fetch failed");
    }
    let asked = fake.requests();
    let answer = ask(&verifier, &unknown).await;
    assert_eq!(answer.unwrap_err(), Cause::Key.into(), "the last good fetch is young");
    pass(Duration::from_secs(25)).await;
    assert_eq!(ask(&verifier, &unknown).await.unwrap_err(), Cause::Key.into(), "it still is");
    assert_eq!(fake.requests(), asked, "nothing is left to ask with");
    pass(Duration::from_secs(5)).await;
    assert!(is_unavailable(&ask(&verifier, &unknown).await), "one more fetch, and it failed");
    let once_more = fake.requests();
    assert!(once_more > asked);
    for _ in 0..3 {
        assert!(is_unavailable(&ask(&verifier, &unknown).await), "the last good fetch is old");
    }
    assert_eq!(fake.requests(), once_more, "nothing is left again");
}

/// A fetch that had begun before somebody came may have missed what he looks for; the next one has not, so it does for all
/// who came meanwhile.
#[tokio::test]
async fn whoever_waits_for_a_fetch_shares_what_it_finds() {
    for is_up in [true, false] {
        let fake = Fake::new(&[&key()]).await;
        let verifier = connected(&fake).await;
        if !is_up {
            fake.is(Mood::Says(StatusCode::BAD_GATEWAY, Vec::new()));
        }
        let new = key();
        let unknown = token(&fake, &new);
        for answer in join_all((0..20).map(|_| ask(&verifier, &unknown))).await {
            if is_up {
                assert_eq!(answer.unwrap_err(), Cause::Key.into());
            } else {
                assert!(is_unavailable(&answer), "{answer:?}");
            }
        }
        assert_eq!(fake.key_fetches(), if is_up { 1 + 2 } else { 1 + 1 });
        fake.is(Mood::Good);
        fake.sign_with(&[&new]);
        assert!(ask(&verifier, &unknown).await.is_ok(), "so one question is left");
    }
}

/// Whoever names keys that nobody has, while the issuer is slow, would otherwise take all the room that a server has.
#[tokio::test]
async fn so_many_wait_for_a_fetch_and_the_rest_is_told_to_come_again() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let verifier = connected(&fake).await;
    let (known, unknown) = (token(&fake, &key), token(&fake, &super::key()));
    fake.is(Mood::Hangs);
    let mut waiting: Vec<_> = (0..128).map(|_| Box::pin(ask(&verifier, &unknown))).collect();
    for one in &mut waiting {
        assert!(one.now_or_never().is_none(), "he waits");
    }
    tokio::task::yield_now().await;
    let answer = ask(&verifier, &unknown).now_or_never().expect("one too many, and he waits");
    assert!(is_unavailable(&answer), "{answer:?}");
    assert!(ask(&verifier, &known).await.is_ok(), "he need not wait");
    drop(waiting);
    assert!(ask(&verifier, &unknown).now_or_never().is_none(), "there is room again");
}

/// Whoever hangs up would otherwise make us begin again, as often as he likes.
#[tokio::test]
async fn a_fetch_ends_whether_or_not_somebody_still_waits_for_it() {
    let (first, second) = (key(), key());
    let fake = Fake::new(&[&first]).await;
    let verifier = connected(&fake).await;
    fake.sign_with(&[&second]);
    let new = token(&fake, &second);
    let generation = verifier.generation();
    let hung_up = ask(&verifier, &new).now_or_never();
    assert!(hung_up.is_none(), "he was told at once, so nothing was fetched");
    let fetched = async {
        while verifier.generation() == generation {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, fetched).await.expect("nobody has fetched the new key");
    assert!(ask(&verifier, &new).await.is_ok());
    assert_eq!(fake.key_fetches(), 2);
}

/// The keys have moved, and the metadata says where.
#[tokio::test]
async fn keys_that_have_moved_are_found_again() {
    let (first, second) = (key(), key());
    let fake = Fake::new(&[&first]).await;
    let verifier = connected(&fake).await;
    let elsewhere = Fake::new(&[&second]).await;
    fake.is(Mood::Says(StatusCode::NOT_FOUND, Vec::new()));
    assert!(is_unavailable(&ask(&verifier, &token(&fake, &second)).await));
    fake.is(Mood::Good);
    fake.say("jwks_uri", &format!("{}/keys", elsewhere.origin));
    assert!(ask(&verifier, &token(&fake, &second)).await.is_ok());
    assert_eq!(elsewhere.key_fetches(), 1);
}

/// Keycloak lists its keys in another order from one time to the next: whoever makes us ask must not end all verdicts by it.
#[tokio::test]
async fn the_same_keys_in_another_order_are_the_same_keys() {
    let (first, second, third) = (key(), key(), key());
    let fake = Fake::new(&[&first, &second]).await;
    let verifier = connected(&fake).await;
    let generation = verifier.generation();
    let unknown = token(&fake, &third);
    fake.sign_with(&[&second, &first]);
    assert_eq!(ask(&verifier, &unknown).await.unwrap_err(), Cause::Key.into());
    assert_eq!((fake.key_fetches(), verifier.generation()), (2, generation));
    fake.sign_with(&[&second, &first, &third]);
    assert!(ask(&verifier, &unknown).await.is_ok());
    assert_eq!(verifier.generation(), generation + 1);
}
