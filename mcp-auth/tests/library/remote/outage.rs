//! An issuer goes down and comes back: who is let in meanwhile, and when are its new keys found?

use super::{fake::Mood, faults::pass, *};
use crate::layer::{counts::Counts, log::Log};

const MINUTE: Duration = Duration::from_secs(60);

/// The same issuer, at the same address, with these keys.
async fn again(issuer: &str, keys: &[&SigningKey]) -> Fake {
    let address = issuer.strip_prefix("http://").unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let at = "/.well-known/oauth-authorization-server";
    Fake::serve(listener, issuer.to_owned(), issuer.to_owned(), at, keys)
}

/// Waits until this is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, so).await.expect("it did not happen in time");
}

#[tokio::test]
async fn an_issuer_that_is_down_for_a_minute_refuses_nobody_and_its_new_keys_are_found() {
    let (old, new) = (key(), key());
    let fake = Fake::new(&[&old]).await;
    let verifier = connected(&fake).await;
    let (issuer, generation) = (fake.issuer.clone(), verifier.generation());
    let (known, unknown) = (token(&fake, &old), token(&fake, &new));
    fake.down().await;
    for age in [0, 60] {
        assert!(ask(&verifier, &known).await.is_ok(), "{age} s after");
        assert!(is_unavailable(&ask(&verifier, &unknown).await), "{age} s after: nobody can tell");
        let (status, body) = ready(&verifier).await;
        let said = body["key_age"].as_u64().unwrap();
        assert!(status == 200 && (age..age + 20).contains(&said), "{body}");
        pass(MINUTE).await;
    }
    let fake = again(&issuer, &[&old, &new]).await;
    for token in [&unknown, &known] {
        assert!(ask(&verifier, token).await.is_ok(), "it is back, and has a new key");
    }
    assert_eq!((fake.key_fetches(), verifier.generation()), (1, generation + 1));
    let (status, body) = ready(&verifier).await;
    assert!(status == 200 && body["key_age"].as_u64().unwrap() < 20, "{body}");
}

/// How long it takes until this is so, in a time that passes quickly.
async fn passed(mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = tokio::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < 60 * MINUTE, "it did not happen in an hour");
        pass(Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_millis(2)).await; // a moment for what has become due
    }
    begun.elapsed()
}

#[tokio::test]
async fn keys_are_fetched_every_five_minutes_also_after_it_failed() {
    let counts = Counts::default();
    let _guard = counts.begin();
    let (old, new) = (key(), key());
    let fake = Fake::new(&[&old]).await;
    let patient = remote(&fake).timeout(60 * MINUTE); // or the quick time would end a fetch
    let verifier = patient.connect().await.unwrap();
    let (issuer, generation) = (fake.issuer.clone(), verifier.generation());
    let is_in_time = |time: Duration| (4 * MINUTE..6 * MINUTE).contains(&time);
    let time = passed(|| fake.key_fetches() == 2).await;
    assert!(is_in_time(time), "{time:?}");
    fake.down().await;
    let failed = format!("mcp_auth_key_fetches_total{{{issuer},failed}}");
    let time = passed(|| counts.of(&failed) == 1.0).await;
    assert!(is_in_time(time), "{time:?}");
    assert_eq!(verifier.generation(), generation, "the same keys");
    let fake = again(&issuer, &[&new]).await;
    let time = passed(|| verifier.generation() > generation).await;
    assert!(is_in_time(time), "{time:?}");
    assert_eq!(fake.key_fetches(), 1, "nobody had to name the new key");
    assert!(ask(&verifier, &token(&fake, &new)).await.is_ok());
    assert_eq!(ask(&verifier, &token(&fake, &old)).await.unwrap_err(), Cause::Key.into());
}

/// Who has left an address no longer answers for what stands there.
#[tokio::test]
async fn keys_are_fetched_where_the_metadata_says_now_also_while_the_old_address_answers() {
    let (old, new) = (key(), key());
    let fake = Fake::new(&[&old]).await;
    let verifier = remote(&fake).timeout(60 * MINUTE).connect().await.unwrap();
    let generation = verifier.generation();
    let elsewhere = Fake::new(&[&new]).await;
    fake.say("jwks_uri", &format!("{}/keys", elsewhere.origin));
    passed(|| verifier.generation() > generation).await;
    assert!(ask(&verifier, &token(&fake, &new)).await.is_ok());
    assert_eq!(ask(&verifier, &token(&fake, &old)).await.unwrap_err(), Cause::Key.into());
    // where the metadata cannot be had, the last address is good
    fake.is(Mood::Says(axum::http::StatusCode::BAD_GATEWAY, Vec::new()));
    let fetches = elsewhere.key_fetches();
    passed(|| elsewhere.key_fetches() > fetches).await;
    until(|| verifier.key_age().unwrap() < MINUTE).await;
}

#[tokio::test]
async fn the_last_good_keys_are_good_for_a_day() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let verifier = connected(&fake).await;
    let good = token(&fake, &key);
    let (log, _guard) = Log::begin();
    fake.is(Mood::Says(axum::http::StatusCode::NOT_FOUND, Vec::new()));
    pass(24 * 60 * MINUTE - MINUTE).await;
    assert!(ask(&verifier, &good).await.is_ok());
    pass(MINUTE).await;
    assert!(is_unavailable(&ask(&verifier, &good).await));
    let (status, body) = ready(&verifier).await;
    assert_eq!((status, &body["error"]), (503, &json!("temporarily_unavailable")));
    pass(5 * MINUTE).await;
    let mut said = Vec::new();
    until(|| {
        said.extend(log.lines());
        said.iter().any(|line| line.contains("there are no keys left that may be used"))
    })
    .await;
    fake.is(Mood::Good);
    pass(5 * MINUTE).await;
    until(|| verifier.key_age().is_some()).await;
    assert!(ask(&verifier, &good).await.is_ok(), "the issuer is back");
}

/// How long the start takes when there is nobody, by a clock that runs as fast as it can.
async fn wasted(remote: impl FnOnce(Remote) -> Remote, address: &str) -> (Duration, String) {
    let begun = tokio::time::Instant::now();
    let remote = remote(Remote::new(Policy::new(address, AUDIENCE)));
    let error = remote.connect().await.unwrap_err().to_string();
    (begun.elapsed(), error)
}

#[tokio::test(start_paused = true)]
async fn the_start_waits_a_minute_and_each_answer_five_seconds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections and says nothing
    let address = format!("http://{}", silent.local_addr().unwrap());
    let (time, error) = wasted(|remote| remote.wait(Duration::ZERO), &address).await;
    assert!((5.0..6.0).contains(&time.as_secs_f64()), "{time:?}");
    assert!(error.contains("gave no keys within 5 s") && error.contains("in time"), "{error}");
    let (log, _guard) = Log::begin();
    let (time, error) = wasted(|remote| remote, &address).await;
    let waits =
        log.lines().iter().filter(|line| line.contains(&format!("waiting for {address}"))).count();
    assert!(waits > 3, "an operator sees why it does not start");
    assert!((50.0..66.0).contains(&time.as_secs_f64()), "{time:?}");
    assert!(error.contains(&address), "{error}");
}

#[tokio::test]
async fn fetches_are_counted_and_when_the_last_good_one_was() {
    let counts = Counts::default();
    let _guard = counts.begin();
    let seconds = || mcp_auth::Clock::default().now() as f64;
    let begun = seconds();
    let (fake, other) = (Fake::new(&[&key()]).await, Fake::new(&[&key()]).await);
    let (verifier, _other) = (connected(&fake).await, connected(&other).await);
    let when =
        |fake: &Fake| counts.of(&format!("mcp_auth_keys_fetched_seconds{{{}}}", fake.issuer));
    let fetched = when(&fake);
    for issuer in [&fake, &other] {
        assert!((begun..=seconds()).contains(&when(issuer)), "{}", when(issuer));
    }
    fake.is(Mood::Says(axum::http::StatusCode::BAD_GATEWAY, Vec::new()));
    let unknown = token(&fake, &key());
    for _ in 0..2 {
        assert!(is_unavailable(&ask(&verifier, &unknown).await));
    }
    for (issuer, result, times) in
        [(&fake, "ok", 1.0), (&fake, "failed", 2.0), (&other, "ok", 1.0), (&other, "failed", 0.0)]
    {
        let name = format!("mcp_auth_key_fetches_total{{{},{result}}}", issuer.issuer);
        assert_eq!(counts.of(&name), times, "{name}");
    }
    assert_eq!(when(&fake), fetched, "not by what failed");
}
