//! Whose key signed it? One of the issuer's, for signatures, in use now, and over exactly these words (RFC 8725 §3.2).

use serde_json::json;

use super::{
    super::draft::{encoded, loosened, plain_base64},
    Cause::{Key, Signature},
    Row, refused,
};

pub(super) const ROWS: &[Row] = &[
    refused("key-other", "signed by the attacker, who writes our `kid`", Signature, |d| {
        d.signed_by(d.issuer().other()?)
    }),
    refused("key-other-kid", "signed by the attacker, who writes his own `kid`", Key, |d| {
        let other = d.issuer().other()?;
        d.header("kid", other.kid()).signed_by(other)
    }),
    refused("key-enc", "signed with a key that is published for encryption", Key, |d| {
        let encryption = d.issuer().encryption()?;
        d.header("kid", encryption.kid()).signed_by(encryption)
    }),
    refused("key-retired", "signed with a key that is past its time", Key, |d| {
        let retired = d.issuer().retired()?;
        d.header("kid", retired.kid()).signed_by(retired)
    }),
    refused("kid-missing", "`kid` is left out: no trying of keys until one fits", Key, |d| {
        d.no_header("kid").signed()
    }),
    refused("kid-unknown", "`kid` names no key, though a genuine one signed", Key, |d| {
        d.header("kid", "unknown").signed()
    }),
    refused("kid-empty", "`kid` is empty", Key, |d| d.header("kid", "").signed()),
    refused("kid-number", "`kid` is a number: the place of the key", Key, |d| {
        d.header("kid", 0).signed()
    }),
    refused("kid-list", "`kid` is a list that has a good one in it", Key, |d| {
        let kid = json!([d.issuer().ours().kid()]);
        d.header("kid", kid).signed()
    }),
    refused("kid-other-case", "`kid` in capitals", Key, |d| {
        let kid = d.issuer().ours().kid().to_ascii_uppercase();
        d.header("kid", kid).signed()
    }),
    refused("kid-prefix", "the first half of a good `kid`", Key, |d| {
        let kid = d.issuer().ours().kid();
        d.header("kid", &kid[..kid.len() / 2]).signed()
    }),
    refused("kid-path", "`kid` is a path to a file whose content is known", Key, |d| {
        d.header("kid", "../../../../../../dev/null").signed()
    }),
    refused("signature-empty", "the signature is empty, its dot is there", Signature, |d| {
        Ok(d.signature(""))
    }),
    refused("signature-zero", "the signature is all zeros", Signature, |d| {
        Ok(d.signature([0; 256]))
    }),
    refused("signature-cut", "the signature lacks its last byte", Signature, |d| {
        let token = d.signed()?;
        Ok(token[..token.len() - 2].to_owned())
    }),
    refused("signature-longer", "bytes follow a genuine signature", Signature, |d| {
        Ok(format!("{}AAAA", d.signed()?))
    }),
    refused(
        "signature-padded",
        "base64 with padding in the signature: a second spelling of the token",
        Signature,
        |d| Ok(format!("{}==", d.signed()?)),
    ),
    refused(
        "signature-plain-base64",
        "`+` and `/` in the signature: a second spelling of the token",
        Signature,
        |d| {
            // a signature with neither `-` nor `_` has no second spelling, and is rare
            let mut d = d;
            loop {
                let (token, message) = (d.signed()?, d.message());
                let signature = &token[message.len()..];
                if signature.contains(['-', '_']) {
                    return Ok(message + &plain_base64(signature));
                }
                let next = format!("{}x", d.text("jti"));
                d = d.claim("jti", next);
            }
        },
    ),
    refused(
        "signature-trailing-bits",
        "spare bits of the signature's last character set: a second spelling of the token",
        Signature,
        |d| Ok(loosened(&d.signed()?)),
    ),
    refused("claims-changed", "other claims under a genuine signature", Signature, |d| {
        let genuine = d.signed()?;
        let signature = genuine.rsplit('.').next().unwrap_or_default();
        let changed = d.claim("sub", "root").message();
        Ok(format!("{changed}.{signature}"))
    }),
    refused("header-changed", "another header above a genuine signature", Signature, |d| {
        let genuine = d.signed()?;
        let rest = genuine.split_once('.').map(|(_, rest)| rest).unwrap_or_default();
        let header = d.header("typ", "JWT").header_json();
        Ok(format!("{}.{rest}", encoded(header)))
    }),
];
