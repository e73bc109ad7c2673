//! An authority of a test's own, and servers behind TLS that it vouches for.

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
