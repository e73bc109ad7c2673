//! Is it an access token? One key signs several kinds of token, and only one of them is for us (RFC 8725 §3.11, §3.12).

use serde_json::json;

use super::{
    Cause::{Audience, Bound, Type},
    Row, refused, taken,
};

pub(super) const ROWS: &[Row] = &[
    refused("id-token", "an ID token: it says who logged in, and allows nothing", Audience, |d| {
        let d = d.header("typ", "JWT").powerless().claim("aud", "test-client");
        d.claim("nonce", "n-0S6_WzA2Mj").claim("azp", "test-client").signed()
    }),
    refused(
        "id-token-for-us",
        "an ID token that names us, as Keycloak marks it",
        Type("claims"),
        |d| d.header("typ", "JWT").claim("typ", "ID").claim("nonce", "n-0S6_WzA2Mj").signed(),
    ),
    refused("refresh-token", "a refresh token, which is for the issuer alone", Audience, |d| {
        let issuer = d.text("iss").to_owned();
        d.header("typ", "JWT").claim("aud", issuer).signed()
    }),
    refused("refresh-token-for-us", "a refresh token that names us", Type("claims"), |d| {
        d.header("typ", "JWT").claim("typ", "Refresh").signed()
    }),
    refused("offline-token", "a refresh token for years, that names us", Type("claims"), |d| {
        d.header("typ", "JWT").claim("typ", "Offline").signed()
    }),
    refused(
        "claim-typ-lower",
        "the claim `typ` is bearer: Keycloak writes Bearer",
        Type("claims"),
        |d| d.claim("typ", "bearer").signed(),
    ),
    refused("claim-typ-empty", "the claim `typ` is empty", Type("claims"), |d| {
        d.claim("typ", "").signed()
    }),
    refused("claim-typ-null", "the claim `typ` is null", Type("claims"), |d| {
        d.claim("typ", json!(null)).signed()
    }),
    refused("claim-typ-list", "the claim `typ` is a list", Type("claims"), |d| {
        d.claim("typ", json!(["Bearer"])).signed()
    }),
    taken("claim-typ-bearer", "legal: the claim `typ` is Bearer, as Keycloak writes it", |d| {
        d.claim("typ", "Bearer").signed()
    }),
    refused(
        "cnf-jkt",
        "a token bound to a key of its client (DPoP), sent without the proof: a stolen one",
        Bound,
        |d| d.claim("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})).signed(),
    ),
    refused(
        "cnf-x5t",
        "a token bound to a certificate of its client (mTLS), sent without it: a stolen one",
        Bound,
        |d| {
            let print = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
            d.claim("cnf", json!({"x5t#S256": print})).signed()
        },
    ),
    refused("cnf-empty", "`cnf` is there and binds to nothing that is known", Bound, |d| {
        d.claim("cnf", json!({})).signed()
    }),
    refused("cnf-null", "`cnf` is null", Bound, |d| d.claim("cnf", json!(null)).signed()),
];
