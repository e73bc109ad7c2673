//! The rules about tokens that no code is given for, each broken once.

use serde_json::json;

use super::{BASIC, are_told, place, realm};

#[test]
fn tokens_that_nobody_has_allowed_are_told() {
    let policy = |name: &str| {
        let list = &realm(BASIC)["clientPolicies"]["policies"];
        format!("/clientPolicies/policies/{}", place(list, "name", name))
    };
    let client =
        |name: &str| format!("/clients/{}", place(&realm(BASIC)["clients"], "clientId", name));
    let person = |name: &str| format!("/users/{}", place(&realm(BASIC)["users"], "username", name));
    let profile = place(&realm(BASIC)["clientProfiles"]["profiles"], "name", "refused");
    let device = policy("no-tokens-for-another-device");
    let phone = policy("nobody-is-asked-on-his-phone");
    let (for_a_device, on_phones) = ("gets tokens for a device", "people asked on their phones");
    are_told([
        (format!("{device}/enabled"), json!(false), for_a_device),
        (format!("{device}/profiles"), json!(["pkce"]), for_a_device),
        (
            format!("{device}/conditions/0/configuration/grant_types"),
            json!(["urn:openid:params:grant-type:ciba"]),
            for_a_device,
        ),
        (
            format!("{device}/conditions"),
            json!([
                {"condition": "grant-type", "configuration": {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}},
                {"condition": "client-roles", "configuration": {"roles": ["admin"]}}
            ]),
            for_a_device,
        ),
        (format!("/clientProfiles/profiles/{profile}/executors"), json!([]), for_a_device),
        ("/oauth2DeviceCodeLifespan".into(), json!(600), "is good until the person has typed it"),
        (format!("{phone}/enabled"), json!(false), on_phones),
        (format!("{phone}/conditions/0/configuration/attributes"), json!("[]"), on_phones),
        (
            client("mcp-test-client") + "/standardFlowEnabled",
            json!(true),
            "mcp-test-client: nobody is asked in the browser",
        ),
        (
            client("other-app") + "/standardFlowEnabled",
            json!(null),
            "other-app: nobody is asked in the browser",
        ),
        (
            "/clientScopeMappings".into(),
            json!({}),
            "who registers himself has tokens for the server in his own name",
        ),
        ("/roles/client".into(), json!({}), "known: no such role of mcp-server"),
        (
            person("mcp-guest") + "/clientRoles",
            json!({}),
            "mcp-guest: without a scope, tokens are not for the server",
        ),
        (
            "/roles/realm/0".into(),
            json!({"name": "admin", "composite": true, "composites": {"client": {"mcp-server": ["known"]}}}),
            "admin: its scopes are given for the roles in it, too",
        ),
        ("/bruteForceProtected".into(), json!(false), "passwords may be guessed"),
    ]);
}
