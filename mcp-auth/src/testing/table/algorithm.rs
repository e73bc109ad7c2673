//! Who chooses the algorithm? The server: `alg` must be what it expects (RFC 8725 §3.1, §3.2).

use pem::parse;
use serde_json::json;

use super::{
    Cause::{Algorithm, Signature},
    Row, refused,
};
use crate::issuer::keys::{Alg, KeyError, SigningKey};

pub(super) const ROWS: &[Row] = &[
    refused("alg-none", "`alg` is none and there is no signature", Algorithm, |d| {
        Ok(d.header("alg", "none").signature(""))
    }),
    refused("alg-none-capital", "`alg` is None: past a filter that knows `none`", Algorithm, |d| {
        Ok(d.header("alg", "None").signature(""))
    }),
    refused("alg-none-upper", "`alg` is NONE: past a filter that knows `none`", Algorithm, |d| {
        Ok(d.header("alg", "NONE").signature(""))
    }),
    refused("alg-none-mixed", "`alg` is nOnE: past a filter that knows `none`", Algorithm, |d| {
        Ok(d.header("alg", "nOnE").signature(""))
    }),
    refused("alg-none-signed", "`alg` is none above a genuine signature", Algorithm, |d| {
        d.header("alg", "none").signed()
    }),
    refused("alg-none-list", "`alg` is a list that has ours in it", Algorithm, |d| {
        d.header("alg", json!(["RS256", "none"])).signed()
    }),
    refused("alg-missing", "`alg` is left out", Algorithm, |d| d.no_header("alg").signed()),
    refused("alg-empty", "`alg` is empty", Algorithm, |d| d.header("alg", "").signed()),
    refused("alg-null", "`alg` is null", Algorithm, |d| d.header("alg", json!(null)).signed()),
    refused("alg-lower", "`alg` is rs256: names are exact (RFC 7515 §4.1.1)", Algorithm, |d| {
        d.header("alg", "rs256").signed()
    }),
    refused("hs256-pem", "HS256 with the public key as secret: its PEM", Algorithm, |d| {
        let pem = d.issuer().ours().public_pem()?;
        Ok(d.header("alg", "HS256").hmac(pem.as_bytes()))
    }),
    refused(
        "hs256-pem-trimmed",
        "HS256 with the public key as secret: its PEM without the last line end",
        Algorithm,
        |d| {
            let pem = d.issuer().ours().public_pem()?;
            Ok(d.header("alg", "HS256").hmac(pem.trim_end().as_bytes()))
        },
    ),
    refused("hs256-der", "HS256 with the public key as secret: its DER", Algorithm, |d| {
        let pem = parse(d.issuer().ours().public_pem()?).map_err(|_| KeyError::NotPem)?;
        Ok(d.header("alg", "HS256").hmac(pem.contents()))
    }),
    refused("hs256-jwk", "HS256 with the public key as secret: its JWK", Algorithm, |d| {
        let jwk = d.issuer().ours().jwk()?.to_string();
        Ok(d.header("alg", "HS256").hmac(jwk.as_bytes()))
    }),
    refused("hs256-empty", "HS256 with an empty secret", Algorithm, |d| {
        Ok(d.header("alg", "HS256").hmac(b""))
    }),
    refused(
        "hs256-as-rs256",
        "a signature by HS256 with the public key, under `alg` RS256",
        Signature,
        |d| {
            let pem = d.issuer().ours().public_pem()?;
            Ok(d.hmac(pem.as_bytes()))
        },
    ),
    refused("alg-rs384", "RS384 by the genuine key: another algorithm than ours", Algorithm, |d| {
        d.header("alg", "RS384").signed_rs384()
    }),
    refused("alg-rs512", "RS512 by the genuine key: another algorithm than ours", Algorithm, |d| {
        d.header("alg", "RS512").signed_rs512()
    }),
    refused("alg-ps256", "PS256 by the genuine key: another algorithm than ours", Algorithm, |d| {
        d.header("alg", "PS256").signed_ps256()
    }),
    refused("alg-mislabelled", "`alg` says RS512 above a signature by RS256", Algorithm, |d| {
        d.header("alg", "RS512").signed()
    }),
    refused("rs512-as-rs256", "a signature by RS512 under `alg` RS256", Signature, |d| {
        d.signed_rs512()
    }),
    refused("ps256-as-rs256", "a signature by PS256 under `alg` RS256", Signature, |d| {
        d.signed_ps256()
    }),
    refused("alg-es256", "ES256 by a key of the attacker, with our `kid`", Algorithm, |d| {
        d.header("alg", "ES256").signed_by(&SigningKey::generate(Alg::Es256, 0)?)
    }),
    refused("alg-eddsa", "EdDSA by a key of the attacker, with our `kid`", Algorithm, |d| {
        d.header("alg", "EdDSA").signed_by(&SigningKey::generate(Alg::EdDsa, 0)?)
    }),
];
