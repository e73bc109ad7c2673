//! What does it allow? Whole words, compared exactly, and nothing when they could be read two ways (RFC 6749 §3.3).

use serde_json::json;

use super::{super::draft::Draft, Cause::Claim, Row, powerless, refused, taken};

pub(super) const ROWS: &[Row] = &[
    powerless("scope-substring", "each scope with a letter around it: xmcp:toolsy", |d| {
        let around: Vec<_> = words(&d).iter().map(|word| format!("x{word}y")).collect();
        d.powerless().claim("scope", around.join(" ")).signed()
    }),
    powerless("scope-prefix", "the scopes with their last letter cut off", |d| {
        let cut: Vec<_> = words(&d).iter().map(|word| word[..word.len() - 1].to_owned()).collect();
        d.powerless().claim("scope", cut.join(" ")).signed()
    }),
    powerless("scope-other-case", "the scopes in capitals", |d| {
        let upper = words(&d).join(" ").to_ascii_uppercase();
        d.powerless().claim("scope", upper).signed()
    }),
    powerless("scope-commas", "the scopes with commas between: one word", |d| {
        let commas = format!("{},x", words(&d).join(","));
        d.powerless().claim("scope", commas).signed()
    }),
    powerless("scope-tabs", "the scopes with tabs between: one word", |d| {
        let tabs = format!("{}\tx", words(&d).join("\t"));
        d.powerless().claim("scope", tabs).signed()
    }),
    powerless("scope-wildcard", "stars: * and mcp:*", |d| {
        d.powerless().claim("scope", "* mcp:* mcp:").signed()
    }),
    powerless("scope-admin", "a scope called admin: that is a role", |d| {
        d.powerless().claim("scope", "admin").signed()
    }),
    powerless("role-substring", "a role with a letter around it: xadmin", |d| {
        d.powerless().claim("roles", json!(["xadmin", "administrator", "adm"])).signed()
    }),
    powerless("role-other-case", "a role in capitals: ADMIN", |d| {
        d.powerless().claim("roles", json!(["ADMIN", "Admin"])).signed()
    }),
    powerless("role-scope", "a role called as a scope", |d| {
        let roles = json!(words(&d));
        d.powerless().claim("roles", roles).signed()
    }),
    refused("scope-object", "`scope` is an object", Claim("scope"), |d| {
        d.claim("scope", json!({"mcp:read": true, "mcp:tools": true})).signed()
    }),
    refused("scope-boolean", "`scope` is true: everything, for some", Claim("scope"), |d| {
        d.claim("scope", true).signed()
    }),
    refused("scope-null", "`scope` is null", Claim("scope"), |d| {
        d.claim("scope", json!(null)).signed()
    }),
    refused(
        "scope-list-with-number",
        "`scope` is a list with a number in it",
        Claim("scope"),
        |d| {
            let list = json!(["mcp:read", 1]);
            d.claim("scope", list).signed()
        },
    ),
    refused(
        "scope-list-with-blank",
        "`scope` is a list with two words in one",
        Claim("scope"),
        |d| {
            let list = json!(["mcp:read mcp:tools"]);
            d.claim("scope", list).signed()
        },
    ),
    refused("scopes-string", "`scopes` is a string: that is `scope`", Claim("scopes"), |d| {
        d.claim("scopes", "mcp:read mcp:tools").signed()
    }),
    refused("scopes-object", "`scopes` is an object", Claim("scopes"), |d| {
        d.claim("scopes", json!({})).signed()
    }),
    taken("scope-list", "legal: `scope` is a list of words", |d| {
        let list = json!(words(&d));
        d.claim("scope", list).signed()
    }),
    taken("scopes-list", "legal: `scopes` is a list of words", |d| {
        let list = json!(words(&d));
        d.without("scope").claim("scopes", list).signed()
    }),
    refused("role-string", "`roles` is a string", Claim("roles"), |d| {
        d.claim("roles", "admin").signed()
    }),
    refused("role-object", "`roles` is an object", Claim("roles"), |d| {
        d.claim("roles", json!({"admin": true})).signed()
    }),
    refused(
        "role-list-with-number",
        "`roles` is a list with a number in it",
        Claim("roles"),
        |d| d.claim("roles", json!(["admin", 1])).signed(),
    ),
    refused("realm-access-list", "`realm_access` is a list", Claim("realm_access"), |d| {
        d.claim("realm_access", json!(["admin"])).signed()
    }),
    refused(
        "realm-role-string",
        "a role of the realm is a string",
        Claim("realm_access.roles"),
        |d| d.claim("realm_access", json!({"roles": "admin"})).signed(),
    ),
    taken("realm-access-empty", "legal: `realm_access` without roles", |d| {
        d.claim("realm_access", json!({})).signed()
    }),
];

/// The scopes that the server asks for.
fn words(draft: &Draft<'_>) -> Vec<String> {
    draft.issuer().scope().split_whitespace().map(str::to_owned).collect()
}
