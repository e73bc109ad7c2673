//! What does a key consist of, and is it a key at all? (RFC 7518 §6, RFC 8037 §2)

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{BigUint, RsaPublicKey, traits::PublicKeyParts as _};
use serde_json::{Value, json};

use super::Entry;
use crate::algorithm::Algorithm;

/// Bits that an RSA key must have at least, and may have at most: below it can be broken, above
/// somebody wants to keep us busy.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What it checks, and its public members.
pub(super) type Read = (Vec<(Algorithm, ParsedPublicKey)>, Value);

/// Reads a key of any kind that we know.
pub(super) fn read(entry: &Entry) -> Result<Read, String> {
    match (&*entry.kty, entry.crv.as_deref()) {
        ("RSA", _) => rsa(entry),
        ("EC", Some("P-256")) => ec(entry, Algorithm::Es256, &ECDSA_P256_SHA256_FIXED, 32),
        ("EC", Some("P-384")) => ec(entry, Algorithm::Es384, &ECDSA_P384_SHA384_FIXED, 48),
        ("OKP", Some("Ed25519")) => ed25519(entry),
        (kty, crv) => Err(format!("its kind is {kty:?} {:?}", crv.unwrap_or_default())),
    }
}

fn rsa(entry: &Entry) -> Result<Read, String> {
    let (n, e) = (member(entry.n.as_deref(), "n")?, member(entry.e.as_deref(), "e")?);
    let big = BigUint::from_bytes_be;
    let public = RsaPublicKey::new_with_max_size(big(&n), big(&e), *RSA_BITS.end())
        .map_err(|error| error.to_string())?;
    if !RSA_BITS.contains(&public.n().bits()) {
        return Err(format!("{} bits are too few", public.n().bits()));
    }
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    let check = |algorithm, parameters| {
        let check = components.to_parsed_public_key(parameters).map_err(|e| e.to_string())?;
        Ok::<_, String>((algorithm, check))
    };
    let checks = vec![
        check(Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256)?,
        check(Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256)?,
    ];
    Ok((checks, json!({"n": entry.n, "e": entry.e})))
}

fn ec(
    entry: &Entry,
    algorithm: Algorithm,
    parameters: &'static EcdsaVerificationAlgorithm,
    bytes: usize,
) -> Result<Read, String> {
    let (x, y) = (member(entry.x.as_deref(), "x")?, member(entry.y.as_deref(), "y")?);
    if (x.len(), y.len()) != (bytes, bytes) {
        return Err("`x` or `y` has the wrong length".into()); // RFC 7518 §6.2.1.2
    }
    let point = [&[4], &*x, &*y].concat(); // uncompressed (SEC 1 §2.3.3)
    let check = ParsedPublicKey::new(parameters, point).map_err(|error| error.to_string())?;
    Ok((vec![(algorithm, check)], json!({"crv": entry.crv, "x": entry.x, "y": entry.y})))
}

fn ed25519(entry: &Entry) -> Result<Read, String> {
    let x = member(entry.x.as_deref(), "x")?;
    if x.len() != 32 {
        return Err("`x` has the wrong length".into()); // RFC 8037 §2, RFC 8032 §5.1.5
    }
    let check = ParsedPublicKey::new(&ED25519, x).map_err(|error| error.to_string())?;
    Ok((vec![(Algorithm::EdDsa, check)], json!({"crv": entry.crv, "x": entry.x})))
}

fn member(text: Option<&str>, name: &str) -> Result<Vec<u8>, String> {
    let text = text.ok_or_else(|| format!("`{name}` is missing"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|error| format!("`{name}`: {error}"))
}
