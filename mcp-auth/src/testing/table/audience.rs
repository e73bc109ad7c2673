//! By whom, about whom, and for whom is it? (RFC 7519 §4.1, RFC 8707, A6)

use serde_json::json;

use super::{
    Cause::{Audience, Claim, Issuer},
    Row, refused, taken,
};

pub(super) const ROWS: &[Row] = &[
    refused("iss-missing", "`iss` is left out", Issuer, |d| d.without("iss").signed()),
    refused("iss-empty", "`iss` is empty", Issuer, |d| d.claim("iss", "").signed()),
    refused("iss-null", "`iss` is null", Issuer, |d| d.claim("iss", json!(null)).signed()),
    refused("iss-number", "`iss` is a number", Issuer, |d| d.claim("iss", 1).signed()),
    refused("iss-list", "`iss` is a list that has our issuer in it", Issuer, |d| {
        let list = json!([d.text("iss"), "https://evil.example"]);
        d.claim("iss", list).signed()
    }),
    refused("iss-other", "another issuer's token, by a key that ours shares", Issuer, |d| {
        d.claim("iss", "https://evil.example").signed()
    }),
    refused(
        "iss-slash",
        "`iss` with a trailing slash: names are compared as they stand",
        Issuer,
        |d| {
            let slash = format!("{}/", d.text("iss"));
            d.claim("iss", slash).signed()
        },
    ),
    refused("iss-other-case", "`iss` in capitals", Issuer, |d| {
        let upper = d.text("iss").to_ascii_uppercase();
        d.claim("iss", upper).signed()
    }),
    refused("iss-longer", "`iss` begins with our issuer's name", Issuer, |d| {
        let longer = format!("{}.evil.example", d.text("iss"));
        d.claim("iss", longer).signed()
    }),
    refused("iss-shorter", "`iss` is the beginning of our issuer's name", Issuer, |d| {
        let mut shorter = d.text("iss").to_owned();
        shorter.pop();
        d.claim("iss", shorter).signed()
    }),
    refused("sub-missing", "`sub` is left out: about nobody", Claim("sub"), |d| {
        d.without("sub").signed()
    }),
    refused("sub-empty", "`sub` is empty: about nobody", Claim("sub"), |d| {
        d.claim("sub", "").signed()
    }),
    refused("sub-null", "`sub` is null", Claim("sub"), |d| d.claim("sub", json!(null)).signed()),
    refused("sub-number", "`sub` is a number, which some read as a name", Claim("sub"), |d| {
        d.claim("sub", 1000).signed()
    }),
    refused("sub-list", "`sub` is a list of people", Claim("sub"), |d| {
        d.claim("sub", json!(["alice", "root"])).signed()
    }),
    refused("client-number", "`client_id` is a number", Claim("client_id"), |d| {
        d.claim("client_id", 7).signed()
    }),
    refused("client-empty", "`client_id` is empty", Claim("client_id"), |d| {
        d.claim("client_id", "").signed()
    }),
    refused("azp-object", "`azp` is an object, beside a good `client_id`", Claim("azp"), |d| {
        d.claim("azp", json!({"id": "x"})).signed()
    }),
    taken("client-missing", "legal: no `client_id` and no `azp`", |d| {
        d.without("client_id").signed()
    }),
    refused("aud-missing", "`aud` is left out: for whoever takes it", Audience, |d| {
        d.without("aud").signed()
    }),
    refused("aud-empty", "`aud` is empty", Audience, |d| d.claim("aud", "").signed()),
    refused("aud-null", "`aud` is null", Audience, |d| d.claim("aud", json!(null)).signed()),
    refused("aud-empty-list", "`aud` is an empty list: for nobody", Audience, |d| {
        d.claim("aud", json!([])).signed()
    }),
    refused("aud-object", "`aud` is an object that has us as a member", Audience, |d| {
        let object = json!({d.text("aud"): d.text("aud")});
        d.claim("aud", object).signed()
    }),
    refused("aud-other", "a token for another resource of the same issuer", Audience, |d| {
        d.claim("aud", "https://other.example/mcp").signed()
    }),
    refused("aud-list-without-us", "`aud` is a list of other resources", Audience, |d| {
        d.claim("aud", json!(["https://other.example/mcp", "account"])).signed()
    }),
    taken("aud-list-with-us", "legal: `aud` is a list with us in it", |d| {
        let list = json!(["https://other.example/mcp", d.text("aud")]);
        d.claim("aud", list).signed()
    }),
    refused("aud-list-with-number", "`aud` is a list with us and something else", Audience, |d| {
        let list = json!([d.text("aud"), 1]);
        d.claim("aud", list).signed()
    }),
    refused("aud-list-nested", "`aud` is a list in a list", Audience, |d| {
        let list = json!([[d.text("aud")]]);
        d.claim("aud", list).signed()
    }),
    refused("aud-list-prefix", "`aud` is a list with a longer name than ours", Audience, |d| {
        let list = json!([format!("{}/admin", d.text("aud"))]);
        d.claim("aud", list).signed()
    }),
    refused("aud-shorter", "`aud` is the beginning of our name", Audience, |d| {
        let mut shorter = d.text("aud").to_owned();
        shorter.pop();
        d.claim("aud", shorter).signed()
    }),
    refused("aud-longer", "`aud` begins with our name", Audience, |d| {
        let longer = format!("{}.evil.example", d.text("aud"));
        d.claim("aud", longer).signed()
    }),
    refused("aud-other-case", "`aud` in capitals", Audience, |d| {
        let upper = d.text("aud").to_ascii_uppercase();
        d.claim("aud", upper).signed()
    }),
    refused(
        "aud-slash",
        "`aud` with a trailing slash: names are compared as they stand",
        Audience,
        |d| {
            let slash = format!("{}/", d.text("aud"));
            d.claim("aud", slash).signed()
        },
    ),
    refused("aud-words", "`aud` is two names with a blank between", Audience, |d| {
        let words = format!("https://other.example {}", d.text("aud"));
        d.claim("aud", words).signed()
    }),
];
