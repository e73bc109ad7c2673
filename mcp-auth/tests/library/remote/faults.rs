//! What an issuer does that should not: nobody valid is refused while there are keys, and nobody else is let in.

use axum::http::StatusCode;
use mcp_auth::remote::ConnectError;
use tokio::net::TcpListener;

use super::{fake::Mood, *};

#[tokio::test]
async fn an_issuer_that_does_not_answer_as_one_gives_no_keys() {
    let key = key();
    let elsewhere = Fake::new(&[&key]).await;
    let many = json!({"keys": vec![key.jwk().unwrap(); 20_000]}).to_string().into_bytes();
    for (mood, words) in [
        (Mood::Hangs, "in time"),
        (Mood::Drips, "in time"),
        (
            Mood::Says(StatusCode::OK, b"<!doctype html><title>Log in</title>".to_vec()),
            "no metadata",
        ),
        (Mood::Says(StatusCode::OK, vec![b' '; 10 << 20]), "larger than 512 KiB"),
        (Mood::Says(StatusCode::OK, many), "larger than 512 KiB"),
        (Mood::Says(StatusCode::INTERNAL_SERVER_ERROR, Vec::new()), "answers 500"),
        (Mood::Redirects(format!("{}/keys", elsewhere.origin)), "redirects are not followed"),
    ] {
        let fake = Fake::new(&[&key]).await;
        fake.is(mood.clone());
        let error = remote(&fake).connect().await.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(&fake.issuer), "{error}");
        // and the same once it is known
        fake.is(Mood::Good);
        let verifier = connected(&fake).await;
        fake.is(mood);
        let good = token(&fake, &key);
        assert!(ask(&verifier, &good).await.is_ok(), "{words}: the keys that we have stay in use");
        let unknown = token(&fake, &super::key());
        assert!(is_unavailable(&ask(&verifier, &unknown).await), "{words}: nobody can tell");
        assert_eq!(ready(&verifier).await.0, 200);
    }
    assert_eq!(elsewhere.requests(), 0, "nobody was sent there");
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_ours() {
    let key = key();
    for other in ["https://login.example.com", "http://127.0.0.1", ""] {
        let fake = Fake::new(&[&key]).await;
        fake.say("issuer", other);
        let error = remote(&fake).connect().await.unwrap_err().to_string();
        assert!(error.contains("to the last letter"), "{error}");
        assert_eq!(fake.key_fetches(), 0);
    }
    let fake = Fake::new(&[&key]).await;
    fake.say("issuer", &format!("{}/", fake.issuer));
    assert!(remote(&fake).connect().await.is_err(), "a slash is a letter too");
}

#[tokio::test]
async fn keys_are_not_fetched_where_others_could_answer() {
    let fake = Fake::new(&[&key()]).await;
    for bad in ["http://keys.example.com/", "ftp://127.0.0.1/keys", "/keys", ""] {
        fake.say("jwks_uri", bad);
        assert!(remote(&fake).connect().await.is_err(), "{bad}");
        assert_eq!(fake.key_fetches(), 0, "{bad}");
    }
}

#[tokio::test]
async fn of_a_list_without_end_a_hundred_keys_are_looked_at() {
    let (key, late) = (key(), key());
    let fake = Fake::new(&[]).await;
    let mut keys = vec![json!({"kty": "x"}); 10_000];
    (keys[99], keys[100]) = (key.jwk().unwrap(), late.jwk().unwrap());
    fake.publish(&json!({"keys": keys}));
    let verifier = connected(&fake).await;
    assert!(ask(&verifier, &token(&fake, &key)).await.is_ok());
    assert_eq!(ask(&verifier, &token(&fake, &late)).await.unwrap_err(), Cause::Key.into());
}

#[tokio::test]
async fn keys_are_used_through_an_outage_but_not_for_ever() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let limit = Duration::from_secs(60 * 60);
    let verifier = remote(&fake).outage(limit).connect().await.unwrap();
    fake.is(Mood::Says(StatusCode::BAD_GATEWAY, Vec::new()));
    let good = token(&fake, &key);
    pass(limit - Duration::from_secs(60)).await;
    assert!(ask(&verifier, &good).await.is_ok());
    let (status, body) = ready(&verifier).await;
    assert!(status == 200 && body["key_age"].as_u64() >= Some(3540), "{body}");
    pass(Duration::from_secs(60)).await;
    assert!(is_unavailable(&ask(&verifier, &good).await));
    assert_eq!(ready(&verifier).await.0, 503);
}

/// An issuer that has taken back its last key answers: that is no outage, and what the key has signed is good no more.
#[tokio::test]
async fn keys_that_are_taken_back_open_nothing_though_there_are_no_others() {
    let (key, other) = (key(), key());
    for none in [json!({"keys": []}), json!({"keys": [{"kty": "another", "kid": "new"}]})] {
        let fake = Fake::new(&[&key]).await;
        let verifier = connected(&fake).await;
        let (good, generation) = (token(&fake, &key), verifier.generation());
        assert!(ask(&verifier, &good).await.is_ok());
        fake.publish(&none);
        assert!(remote(&fake).connect().await.is_err(), "{none}: nobody starts with that");
        assert_eq!(ask(&verifier, &token(&fake, &other)).await.unwrap_err(), Cause::Key.into());
        assert!(verifier.generation() > generation, "{none}: verdicts end too");
        assert_eq!(ask(&verifier, &good).await.unwrap_err(), Cause::Key.into(), "{none}");
        assert_eq!(ready(&verifier).await.0, 503, "{none}");
        fake.sign_with(&[&key]);
        assert!(ask(&verifier, &good).await.is_ok(), "{none}: it has them again");
        assert_eq!(ready(&verifier).await.0, 200);
    }
}

/// Lets so much time pass at once.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_issuer_that_comes_later_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (origin, key) = (format!("http://{address}"), key());
    let policy = Policy::new(&origin, AUDIENCE);
    let waits = tokio::spawn(Remote::new(policy.clone()).wait(PATIENCE).connect());
    tokio::time::sleep(Duration::from_millis(600)).await; // it is refused a connection once or twice
    assert!(!waits.is_finished());
    let listener = TcpListener::bind(address).await.unwrap();
    let at = "/.well-known/openid-configuration";
    let fake = Fake::serve(listener, origin.clone(), origin.clone(), at, &[&key]);
    let verifier = waits.await.unwrap().unwrap();
    assert!(ask(&verifier, &token(&fake, &key)).await.is_ok());
    drop(fake);
    let error = Remote::new(policy).wait(Duration::from_millis(300)).connect().await.unwrap_err();
    assert!(matches!(&error, ConnectError::Issuer { issuer, .. } if *issuer == origin), "{error}");
}

#[tokio::test]
async fn a_document_may_have_half_a_mebibyte() {
    let key = key();
    let fake = Fake::new(&[&key]).await;
    let document = |bytes: usize| {
        let mut document = json!({"keys": [key.jwk().unwrap()], "x": ""});
        let rest = bytes - document.to_string().len();
        document["x"] = "x".repeat(rest).into();
        document
    };
    fake.publish(&document(512 << 10));
    assert!(ask(&connected(&fake).await, &token(&fake, &key)).await.is_ok());
    fake.publish(&document((512 << 10) + 1));
    let error = remote(&fake).connect().await.unwrap_err().to_string();
    assert!(error.contains("larger than 512 KiB"), "{error}");
}

/// What an issuer says of itself cannot write lines of its own into our log.
#[tokio::test]
async fn an_error_is_one_line_whatever_the_issuer_says() {
    let key = key();
    for (name, value) in [
        ("issuer", "x\n INFO let in\u{1b}[2J"),
        ("jwks_uri", "x\n INFO let in\u{1b}[2J"),
        ("jwks_uri", "http://[\n INFO let in"),
    ] {
        let fake = Fake::new(&[&key]).await;
        fake.say(name, value);
        let error = remote(&fake).connect().await.unwrap_err().to_string();
        assert!(error.contains("INFO let in"), "{error}");
        assert!(!error.contains(char::is_control), "{error}");
    }
    let (log, _guard) = crate::layer::log::Log::begin();
    let fake = Fake::new(&[&key]).await;
    let odd = |name: &str| {
        let mut jwk = key.jwk().unwrap();
        jwk[name] = "x\n INFO let in".into();
        jwk
    };
    let odd = ["kty", "use", "kid", "alg", "n", "e"].map(odd);
    let ec = json!({"kty": "EC", "crv": "x\n INFO let in", "kid": "e"});
    // as Keycloak always has one: no news, and no warning
    let for_encryption = json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "enc"});
    let [kty, purpose, kid, alg, n, e] = odd;
    fake.publish(&json!({"keys": [kty, purpose, kid, kid, alg, n, e, ec, for_encryption]}));
    let verifier = connected(&fake).await;
    drop(verifier);
    let lines = log.lines();
    let warns = |line: &&String| line.contains("WARN") && line.contains("key passed over");
    assert_eq!(lines.iter().filter(warns).count(), 7, "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with(" INFO let in")), "{lines:?}");
}
