//! How is a key made, and how does it sign? Keys are generated and used by `aws-lc-rs` alone.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{RsaPublicKey, pkcs1::DecodeRsaPublicKey as _, traits::PublicKeyParts as _};
use serde_json::{Value, json};

use crate::jwks::thumbprint;

/// The signature algorithms that we make keys for (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what everybody takes, and what the steps use.
    Rs256,
    /// ECDSA on P-256 with SHA-256: short keys and signatures.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Alg {
    /// Its name in `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Alg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Rs256, Self::Es256, Self::EdDsa];
        let found = known.into_iter().find(|alg| alg.name().eq_ignore_ascii_case(text));
        found.ok_or("an algorithm is RS256, ES256 or EdDSA")
    }
}

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The size is not one that we make.
    #[error("an RSA key has 2048, 3072 or 4096 bits, not {0}")]
    Size(u32),
    /// The text is not PEM of a PKCS#8 private key.
    #[error("this is not a private key in PEM (PKCS#8, `BEGIN PRIVATE KEY`)")]
    NotPem,
    /// The key is broken, too weak, or for an algorithm that we do not sign with.
    #[error(
        "this private key cannot be used: it must be RSA of 2048 bits or more, P-256 or Ed25519"
    )]
    Rejected,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

enum Pair {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// A private key that signs tokens. It has no `Debug` that shows it.
pub struct SigningKey {
    pair: Pair,
    kid: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.alg(), self.kid)
    }
}

impl SigningKey {
    /// Makes a new key; `bits` counts for RSA alone: 2048, 3072 or 4096.
    ///
    /// # Errors
    /// [`KeyError::Size`] or [`KeyError::Crypto`].
    pub fn generate(alg: Alg, bits: u32) -> Result<Self, KeyError> {
        let crypto = |_| KeyError::Crypto;
        let pair = match alg {
            Alg::Rs256 => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    other => return Err(KeyError::Size(other)),
                };
                Pair::Rs256(RsaKeyPair::generate(size).map_err(crypto)?)
            }
            Alg::Es256 => Pair::Es256(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(crypto)?,
            ),
            Alg::EdDsa => Pair::EdDsa(Ed25519KeyPair::generate().map_err(crypto)?),
        };
        Self::named(pair)
    }

    /// Reads a private key from PEM (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::NotPem`] or [`KeyError::Rejected`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let parsed = pem::parse(text).map_err(|_| KeyError::NotPem)?;
        if parsed.tag() != "PRIVATE KEY" {
            return Err(KeyError::NotPem);
        }
        let der = parsed.contents();
        let rsa = || RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rs256);
        let ecdsa = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok();
        let ed25519 = || Ed25519KeyPair::from_pkcs8(der).ok().map(Pair::EdDsa);
        let pair = rsa().or_else(|| ecdsa().map(Pair::Es256)).or_else(ed25519);
        Self::named(pair.ok_or(KeyError::Rejected)?)
    }

    fn named(pair: Pair) -> Result<Self, KeyError> {
        let mut key = Self { pair, kid: String::new() };
        key.kid = thumbprint(&key.required_members()?);
        Ok(key)
    }

    /// The private key as PEM (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let crypto = |_| KeyError::Crypto;
        let der = match &self.pair {
            Pair::Rs256(pair) => pkcs8(pair).map_err(crypto)?,
            Pair::EdDsa(pair) => pkcs8(pair).map_err(crypto)?,
            Pair::Es256(pair) => pair.to_pkcs8v1().map_err(crypto)?.as_ref().to_vec(),
        };
        Ok(pem::encode(&pem::Pem::new("PRIVATE KEY", der)))
    }

    /// The public key as PEM (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn public_pem(&self) -> Result<String, KeyError> {
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.pair {
            Pair::Rs256(pair) => pair.public_key().as_der(),
            Pair::Es256(pair) => pair.public_key().as_der(),
            Pair::EdDsa(pair) => pair.public_key().as_der(),
        };
        let der = der.map_err(|_| KeyError::Crypto)?;
        Ok(pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref())))
    }

    /// The public key as a JSON Web Key, named by its thumbprint.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn jwk(&self) -> Result<Value, KeyError> {
        let mut jwk = self.required_members()?;
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg().name().into();
        Ok(jwk)
    }

    /// The members that make the key what it is (RFC 7638 §3.2).
    fn required_members(&self) -> Result<Value, KeyError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rs256(pair) => {
                let public = RsaPublicKey::from_pkcs1_der(pair.public_key().as_ref());
                let public = public.map_err(|_| KeyError::Rejected)?;
                let (n, e) = (public.n().to_bytes_be(), public.e().to_bytes_be());
                Ok(json!({"kty": "RSA", "n": encode(&n), "e": encode(&e)}))
            }
            Pair::Es256(pair) => match pair.public_key().as_ref() {
                [4, point @ ..] if point.len() == 64 => {
                    let (x, y) = point.split_at(32);
                    Ok(json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}))
                }
                _ => Err(KeyError::Rejected),
            },
            Pair::EdDsa(pair) => {
                let x = encode(pair.public_key().as_ref());
                Ok(json!({"kty": "OKP", "crv": "Ed25519", "x": x}))
            }
        }
    }

    /// What it signs with.
    #[must_use]
    pub fn alg(&self) -> Alg {
        match self.pair {
            Pair::Rs256(_) => Alg::Rs256,
            Pair::Es256(_) => Alg::Es256,
            Pair::EdDsa(_) => Alg::EdDsa,
        }
    }

    /// Its name: the thumbprint of RFC 7638.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A signed token with these claims; the header has `alg`, `kid` and this `typ`.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn token(&self, typ: &str, claims: &Value) -> Result<String, KeyError> {
        let header = json!({"alg": self.alg().name(), "kid": self.kid, "typ": typ});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        self.sign(&format!("{}.{}", part(&header), part(claims)))
    }

    /// The two parts of a token, whatever they say, and their signature.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn sign(&self, header_and_claims: &str) -> Result<String, KeyError> {
        let (message, random) = (header_and_claims.as_bytes(), SystemRandom::new());
        let crypto = |_| KeyError::Crypto;
        let signature = match &self.pair {
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(crypto)?;
                signature
            }
            Pair::Es256(pair) => pair.sign(&random, message).map_err(crypto)?.as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        };
        Ok(format!("{header_and_claims}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn pkcs8(
    pair: &impl aws_lc_rs::encoding::AsDer<Pkcs8V1Der<'static>>,
) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    pair.as_der().map(|der| der.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_pem_and_keeps_its_name() {
        for alg in [Alg::Rs256, Alg::Es256, Alg::EdDsa] {
            let key = SigningKey::generate(alg, 2048).unwrap();
            let again = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!((again.alg(), again.kid()), (alg, key.kid()));
            assert_eq!(again.jwk().unwrap(), key.jwk().unwrap());
            assert!(key.public_pem().unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
            assert!(!format!("{key:?}").contains(&key.to_pem().unwrap()[40..80]));
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let members = json!({"kty": "RSA", "n": n, "e": "AQAB"});
        assert_eq!(thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
