//! An issuer behind TLS, with a certificate of somebody's own authority.

use axum::serve::Listener as _;

use super::{authority::Authority, *};

/// An issuer that is called this, with a certificate for `localhost`.
async fn fake(authority: &Authority, host: &str, key: &SigningKey) -> Fake {
    let listener = authority.listen("localhost").await;
    let port = listener.local_addr().unwrap().port();
    let origin = format!("https://{host}:{port}");
    Fake::serve(listener, origin.clone(), origin, "/.well-known/openid-configuration", &[key])
}

#[tokio::test]
async fn the_authorities_that_were_named_are_trusted_and_no_others() {
    let (ours, other, key) = (Authority::new("ours"), Authority::new("other"), key());
    let fake = fake(&ours, "localhost", &key).await;
    for trusted in [ours.pem(), format!("{}{}", other.pem(), ours.pem())] {
        let remote = remote(&fake).authorities(trusted.as_bytes()).unwrap();
        let verifier = remote.connect().await.unwrap();
        assert!(ask(&verifier, &token(&fake, &key)).await.is_ok());
    }
    let usurper = Authority::new("ours"); // the same name is not the same key
    let requests = fake.requests();
    for unknown in [
        remote(&fake).authorities(other.pem().as_bytes()).unwrap(),
        remote(&fake).authorities(usurper.pem().as_bytes()).unwrap(),
        remote(&fake), // those of the system, who do not know ours
    ] {
        let error = unknown.connect().await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
    assert_eq!(fake.requests(), requests, "nothing was asked of whom we do not know");
}

#[tokio::test]
async fn a_certificate_is_good_for_the_name_in_it_alone() {
    let (ours, key) = (Authority::new("ours"), key());
    let fake = fake(&ours, "127.0.0.1", &key).await;
    let remote = remote(&fake).authorities(ours.pem().as_bytes()).unwrap();
    let error = remote.connect().await.unwrap_err().to_string();
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(fake.requests(), 0);
}

/// The system's authorities are read from the environment of a process, so this needs one of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_names_authorities_does_not_trust_those_of_the_system() {
    let (of_the_system, named, key) = (Authority::new("system"), Authority::new("named"), key());
    let fake = fake(&of_the_system, "localhost", &key).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorities.pem");
    std::fs::write(&file, of_the_system.pem()).unwrap();
    let mut process = std::process::Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "remote::tls::in_a_process_of_its_own", "--ignored"]);
    process.env("SSL_CERT_FILE", &file).env("TEST_ISSUER", &fake.issuer);
    process.env("TEST_AUTHORITY", named.pem());
    let output = tokio::task::spawn_blocking(move || process.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(fake.key_fetches() == 1, "it was not asked at all");
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "the test above starts it, with an environment of its own"]
async fn in_a_process_of_its_own() {
    let said = |name: &str| std::env::var(name).expect("the test above sets it");
    let policy = Policy::new(said("TEST_ISSUER"), AUDIENCE);
    let remote = || Remote::new(policy.clone()).wait(Duration::ZERO);
    assert!(remote().connect().await.is_ok(), "the system trusts it, and so do we");
    let strict = remote().authorities(said("TEST_AUTHORITY").as_bytes()).unwrap();
    let error = strict.connect().await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}
