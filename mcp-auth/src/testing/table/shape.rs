//! Is it a token at all: three parts of strict base64url, two of them objects in which each member stands once?
//! (RFC 7515 §3.1, §4, RFC 7519 §7.2)

use super::{
    super::draft::{encoded, loosened, padded, plain_base64, unaligned, with_first, with_last},
    Cause::Malformed,
    Row, refused, taken,
};

const PARTS: super::Cause = Malformed("there are not three parts");
const BASE64: super::Cause = Malformed("base64url");
const HEADER: super::Cause = Malformed("the header");
const CLAIMS: super::Cause = Malformed("the claims");

/// Members whose base64 has `_` and `-`, wherever they stand.
const ODD: &str = "???>>>";

pub(super) const ROWS: &[Row] = &[
    refused("opaque", "a word of another kind of server", PARTS, |_| {
        Ok("ghx_16C7e42F292c6912E7710c838347Ae178B4a".to_owned())
    }),
    refused("two-parts", "the signature is left out, with its dot", PARTS, |d| Ok(d.message())),
    refused("four-parts", "a part is added behind the signature", PARTS, |d| {
        Ok(format!("{}.{}", d.signed()?, encoded("{}")))
    }),
    refused("dot-behind", "an empty part is added behind the signature", PARTS, |d| {
        Ok(format!("{}.", d.signed()?))
    }),
    refused(
        "jwe",
        "an encrypted token (five parts), which anybody can make with the public key",
        PARTS,
        |d| {
            let header = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#;
            let rest = [&[7; 256][..], &[7; 12], d.claims_json().as_bytes(), &[7; 16]].map(encoded);
            Ok(format!("{}.{}", encoded(header), rest.join(".")))
        },
    ),
    refused(
        "jws-json",
        "a signed token in JSON (RFC 7515 §7.2.2), not in three parts",
        PARTS,
        |d| {
            let token = d.signed()?;
            let mut parts = token.split('.').map(|part| format!("\"{part}\""));
            let mut part = || parts.next().unwrap_or_default();
            let (protected, payload, signature) = (part(), part(), part());
            Ok(format!(
                r#"{{"payload":{payload},"protected":{protected},"signature":{signature}}}"#
            ))
        },
    ),
    refused("empty-parts", "two dots and nothing else", HEADER, |_| Ok("..".to_owned())),
    refused("claims-empty", "the claims are kept elsewhere (a detached payload)", CLAIMS, |d| {
        d.with_claims_part("")
    }),
    refused("quoted", "a good token between quotation marks", BASE64, |d| {
        Ok(format!("\"{}\"", d.signed()?))
    }),
    refused("not-encoded", "the header as JSON, without base64url", BASE64, |d| {
        d.with_header_part(&d.header_json())
    }),
    refused("header-padded", "base64 with padding in the header: a second spelling", BASE64, |d| {
        d.with_header_part(&padded(&d.header_json()))
    }),
    refused("claims-padded", "base64 with padding in the claims: a second spelling", BASE64, |d| {
        d.with_claims_part(&padded(&d.claims_json()))
    }),
    refused(
        "header-plain-base64",
        "`+` and `/` in the header, for `-` and `_`: a second spelling",
        BASE64,
        |d| {
            let d = d.header("x", ODD);
            d.with_header_part(&plain_base64(&encoded(d.header_json())))
        },
    ),
    refused(
        "claims-plain-base64",
        "`+` and `/` in the claims, for `-` and `_`: a second spelling",
        BASE64,
        |d| {
            let d = d.claim("x", ODD);
            d.with_claims_part(&plain_base64(&encoded(d.claims_json())))
        },
    ),
    refused(
        "header-trailing-bits",
        "spare bits of the header's last character set: a second spelling",
        BASE64,
        |d| d.with_header_part(&loosened(&encoded(unaligned(&d.header_json())))),
    ),
    refused(
        "claims-trailing-bits",
        "spare bits of the claims' last character set: a second spelling",
        BASE64,
        |d| d.with_claims_part(&loosened(&encoded(unaligned(&d.claims_json())))),
    ),
    refused("header-list", "the header is a list", HEADER, |d| {
        d.with_header_text(format!("[{}]", d.header_json()))
    }),
    refused("header-string", "the header is a string", HEADER, |d| d.with_header_text("\"RS256\"")),
    refused("claims-list", "the claims are a list", CLAIMS, |d| {
        d.with_claims_text(format!("[{}]", d.claims_json()))
    }),
    refused("claims-string", "the claims are a token themselves (nested)", CLAIMS, |d| {
        d.with_claims_text(format!("\"{}\"", d.signed()?))
    }),
    refused("claims-null", "the claims are null", CLAIMS, |d| d.with_claims_text("null")),
    refused("claims-and-more", "a second object follows the claims", CLAIMS, |d| {
        d.with_claims_text(d.claims_json().repeat(2))
    }),
    refused("claims-not-utf8", "a byte in the claims that is no text", CLAIMS, |d| {
        let mut bytes = with_last(&d.claims_json(), r#""x":"?""#).into_bytes();
        bytes.iter_mut().rev().filter(|byte| **byte == b'?').take(1).for_each(|byte| *byte = 0xff);
        d.with_claims_text(bytes)
    }),
    refused(
        "alg-twice",
        "`alg` stands twice, none first: two readers see two tokens",
        HEADER,
        |d| d.with_header_text(with_first(&d.header_json(), r#""alg":"none""#)),
    ),
    refused("kid-twice", "`kid` stands twice: one reader takes another key", HEADER, |d| {
        d.with_header_text(with_first(&d.header_json(), r#""kid":"x""#))
    }),
    refused("aud-twice", "`aud` stands twice, ours last: others check the first", CLAIMS, |d| {
        d.with_claims_text(with_first(&d.claims_json(), r#""aud":"https://other.example""#))
    }),
    refused("aud-twice-ours-first", "`aud` stands twice, ours first", CLAIMS, |d| {
        d.with_claims_text(with_last(&d.claims_json(), r#""aud":"https://other.example""#))
    }),
    refused("sub-twice-escaped", "`sub` stands twice, once as `\\u0073ub`", CLAIMS, |d| {
        d.with_claims_text(with_first(&d.claims_json(), r#""\u0073ub":"root""#))
    }),
    refused("scope-twice", "`scope` stands twice, the broad one last", CLAIMS, |d| {
        d.with_claims_text(with_first(&d.claims_json(), r#""scope":"""#))
    }),
    refused("member-twice-below", "a member stands twice further down", CLAIMS, |d| {
        let below = r#""realm_access":{"roles":["user"],"roles":["admin"]}"#;
        d.with_claims_text(with_last(&d.claims_json(), below))
    }),
    refused("member-twice-in-list", "a member stands twice in an object of a list", CLAIMS, |d| {
        d.with_claims_text(with_last(&d.claims_json(), r#""x":[{"a":1,"a":2}]"#))
    }),
    refused("claims-deep", "claims of 100 levels, to make a reader work", CLAIMS, |d| {
        let deep = format!("\"x\":{}{}", "[".repeat(100), "]".repeat(100));
        d.with_claims_text(with_last(&d.claims_json(), &deep))
    }),
    refused(
        "claims-bomb",
        "claims of 2000 levels, to exhaust the stack of a reader",
        CLAIMS,
        |d| {
            let deep = format!("\"x\":{}{}", "[".repeat(2000), "]".repeat(2000));
            d.with_claims_text(with_last(&d.claims_json(), &deep))
        },
    ),
    refused("header-bomb", "a header of 2000 levels, before anything is signed", HEADER, |d| {
        let deep = format!("\"x\":{}{}", "[".repeat(2000), "]".repeat(2000));
        d.with_header_text(with_last(&d.header_json(), &deep))
    }),
    taken("claims-spread-out", "legal: blanks and line ends between the claims", |d| {
        d.with_claims_text(d.claims_json().replace(",\"", " ,\r\n\t\""))
    }),
];
