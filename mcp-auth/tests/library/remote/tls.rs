//! An issuer behind TLS, with a certificate of somebody's own authority.

use std::{net::SocketAddr, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivatePkcs8KeyDer},
    server::TlsStream,
};

use super::*;

/// A value of ASN.1 (X.690): its tag, its length, its parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut coded = vec![tag];
    match (u8::try_from(content.len()), content.len().to_be_bytes()) {
        (Ok(short @ ..128), _) => coded.push(short),
        (Ok(long), _) => coded.extend([0x81, long]),
        (_, [.., high, low]) => coded.extend([0x82, high, low]),
    }
    coded.extend(content);
    coded
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, parts)
}

const EC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 4, 3];
const ALTERNATIVE_NAME: &[u8] = &[0x06, 3, 0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x06, 3, 0x55, 0x1d, 19];
const TRUE: &[u8] = &[1, 1, 0xff];

/// Somebody who signs certificates.
pub struct Authority {
    name: &'static str,
    key: EcdsaKeyPair,
}

impl Authority {
    pub fn new(name: &'static str) -> Self {
        Self { name, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap() }
    }

    /// Its own certificate, for whoever trusts it.
    pub fn pem(&self) -> String {
        let is_authority = der(0x04, &[&sequence(&[TRUE])]);
        let extension = sequence(&[BASIC_CONSTRAINTS, TRUE, &is_authority]);
        let certificate = self.certificate(self.name, &self.key, &extension);
        pem::encode(&pem::Pem::new("CERTIFICATE", certificate))
    }

    /// A certificate (RFC 5280 §4.1).
    fn certificate(&self, subject: &str, key: &EcdsaKeyPair, extension: &[u8]) -> Vec<u8> {
        let name = |name: &str| {
            let name = sequence(&[COMMON_NAME, &der(0x0c, &[name.as_bytes()])]);
            sequence(&[&der(0x31, &[&name])])
        };
        let time = |time: &str| der(0x17, &[time.as_bytes()]);
        let public = der(0x03, &[&[0], key.public_key().as_ref()]);
        let algorithm = sequence(&[ECDSA_SHA256]);
        let certificate = sequence(&[
            &der(0xa0, &[&[2, 1, 2]]), // version 3
            &[2, 1, 1],
            &algorithm,
            &name(self.name),
            &sequence(&[&time("200101000000Z"), &time("491231235959Z")]),
            &name(subject),
            &sequence(&[&sequence(&[EC_KEY, P256]), &public]),
            &der(0xa3, &[&sequence(&[extension])]),
        ]);
        let signature = self.key.sign(&SystemRandom::new(), &certificate).unwrap();
        let signature = der(0x03, &[&[0], signature.as_ref()]);
        sequence(&[&certificate, &algorithm, &signature])
    }

    /// A server of this name that it vouches for, on a free port.
    pub async fn listen(&self, host: &str) -> Tls {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let names = der(0x04, &[&sequence(&[&der(0x82, &[host.as_bytes()])])]);
        let certificate = self.certificate(host, &key, &sequence(&[ALTERNATIVE_NAME, &names]));
        let secret = PrivatePkcs8KeyDer::from(key.to_pkcs8v1().unwrap().as_ref().to_vec());
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], secret.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Tls { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// Where TLS is spoken.
pub struct Tls {
    pub listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

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
