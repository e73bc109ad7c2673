//! Would a fault be found? Each rule is broken once.

mod grants;

use serde_json::{Value, json};

use super::{BASIC, realm, rules};

/// Each fault of a realm is found, and told in words that name it.
#[test]
fn what_is_wrong_is_told() {
    let scope = |name: &str| {
        format!("/clientScopes/{}", place(&realm(BASIC)["clientScopes"], "name", name))
    };
    let client =
        |name: &str| format!("/clients/{}", place(&realm(BASIC)["clients"], "clientId", name));
    let person = |name: &str| format!("/users/{}", place(&realm(BASIC)["users"], "username", name));
    let policy = |id: &str| {
        let list = &realm(BASIC)["components"][rules::POLICIES];
        format!("/components/{}/{}", rules::POLICIES, place(list, "providerId", id))
    };
    let redirects = "/clientProfiles/profiles/1/executors/0/configuration";
    let none = || json!([]);
    are_told([
        (scope("acr") + "/name", json!("acrid"), "acr: no such scope"),
        ("/scopeMappings/0/roles/0".into(), json!("boss"), "boss: no such role"),
        (person("mcp-user") + "/realmRoles/0", json!("boss"), "boss: no such role"),
        ("/clientPolicies/policies/0/profiles/0".into(), json!("pcke"), "pcke: no such profile"),
        (
            scope("mcp:read") + "/protocolMappers/1/config/included.client.audience",
            json!("nobody"),
            "nobody: no such client",
        ),
        (
            person("service-account-mcp-service") + "/serviceAccountClientId",
            json!("nobody"),
            "nobody: no such client",
        ),
        (
            client("mcp-test-client") + "/defaultClientScopes",
            json!(["mcp-audience"]),
            "mcp-test-client: tokens have no sub",
        ),
        (
            client("mcp-service") + "/defaultClientScopes",
            json!(["basic"]),
            "mcp-service: tokens are not for the server",
        ),
        (scope("basic") + "/protocolMappers", none(), "mcp-test-client: tokens have no sub"),
        (
            "/defaultDefaultClientScopes".into(),
            json!(["basic"]),
            "who registers without a scope: tokens are not for the server",
        ),
        (
            "/defaultDefaultClientScopes/0".into(),
            json!("acr"),
            "who registers without a scope: tokens have no sub",
        ),
        (
            scope("mcp:prompts") + "/protocolMappers",
            none(),
            "who registers for mcp:prompts: tokens are not for the server",
        ),
        (
            scope("mcp:tools") + "/protocolMappers/0/config/access.token.claim",
            json!("false"),
            "who registers for mcp:tools: tokens are not",
        ),
        (
            scope("mcp:tools") + "/protocolMappers/0/config/included.custom.audience",
            json!("http://localhost:9000"),
            "http://localhost:9000: another audience",
        ),
        (
            client("mcp-server") + "/attributes/resource_url",
            json!("http://localhost:9000"),
            "http://localhost:9000: another audience",
        ),
        (
            client("other-app") + "/optionalClientScopes/0",
            json!("mcp:read"),
            "other-app: tokens are for the server",
        ),
        (client("other-app") + "/protocolMappers", none(), "other-app: tokens are for nobody"),
        (person("mcp-user") + "/email", json!(""), "mcp-user: no email"),
        (person("mcp-user") + "/emailVerified", json!(false), "mcp-user: emailVerified"),
        (person("mcp-user") + "/firstName", Value::Null, "mcp-user: no firstName"),
        (person("mcp-user") + "/lastName", Value::Null, "mcp-user: no lastName"),
        (person("mcp-user") + "/credentials", none(), "mcp-user: no password"),
        (
            person("mcp-user") + "/credentials/0/temporary",
            json!(true),
            "mcp-user: a password that must be changed",
        ),
        (person("mcp-user") + "/enabled", json!(false), "mcp-user: disabled"),
        (
            person("mcp-guest") + "/realmRoles",
            json!(["guest"]),
            "mcp-guest cannot get offline_access",
        ),
        (
            person("mcp-guest") + "/realmRoles/0",
            json!("user"),
            "mcp-guest can get [\"mcp:read\", \"mcp:tools\"]",
        ),
        ("/scopeMappings/2/roles".into(), json!(["admin", "user"]), "mcp-user can get"),
        ("/clientPolicies/policies/0/enabled".into(), json!(false), "PKCE is not for every client"),
        (
            "/clientPolicies/policies/0/conditions/0/condition".into(),
            json!("client-roles"),
            "PKCE is not for every client",
        ),
        ("/clientProfiles/profiles/0/executors".into(), none(), "PKCE is not for every client"),
        (
            client("mcp-test-client") + "/standardFlowEnabled",
            json!(true),
            "mcp-test-client: no PKCE",
        ),
        (
            client("mcp-test-client") + "/redirectUris",
            json!(["http://localhost/*"]),
            "http://localhost/*: not exactly a place on this machine",
        ),
        (
            client("mcp-test-client") + "/redirectUris",
            json!(["https://example.com/callback"]),
            "not exactly a place on this machine",
        ),
        (format!("{redirects}/allow-open-redirect"), json!(true), "redirects: allow-open-redirect"),
        (
            format!("{redirects}/allow-wildcard-context-path"),
            json!(true),
            "redirects: allow-wildcard-context-path",
        ),
        (
            format!("{redirects}/allow-private-use-uri-scheme"),
            json!(true),
            "redirects: allow-private-use-uri-scheme",
        ),
        (
            format!("{redirects}/allow-permitted-domains"),
            none(),
            "redirects: allow-permitted-domains",
        ),
        ("/clientPolicies/policies/1/enabled".into(), json!(false), "redirects: no policy"),
        (
            "/clientPolicies/policies/1/conditions/0/configuration/update-client-source".into(),
            json!(["ByAnonymous"]),
            "redirects: no policy",
        ),
        (
            policy("allowed-protocol-mappers") + "/config",
            json!({"allowed-protocol-mapper-types": ["oidc-usermodel-attribute-mapper"]}),
            "anonymous: who registers may write claims of his own",
        ),
        (
            "/clientPolicies/policies/1/profiles/1".into(),
            json!("pkce"),
            "reject-implicit-grant: not for who registers himself",
        ),
        (
            "/clientProfiles/profiles/2/executors/1/configuration/auto-configure".into(),
            json!(false),
            "reject-ropc-grant: not for who registers himself",
        ),
        (
            policy("trusted-hosts") + "/config/host-sending-registration-request-must-match",
            json!(["false"]),
            "others may register",
        ),
        (
            policy("trusted-hosts") + "/config/trusted-hosts/0",
            json!("example.com"),
            "others may register",
        ),
        (
            policy("trusted-hosts") + "/config/client-uris-must-match",
            json!(["true"]),
            "a program with a web site elsewhere may not register",
        ),
        (
            policy("consent-required") + "/providerId",
            json!("scope"),
            "consent-required: no such policy",
        ),
        (policy("max-clients") + "/subType", json!("authenticated"), "max-clients: no such policy"),
        (
            policy("max-clients") + "/config/max-clients",
            json!(["500"]),
            "registration cannot be closed",
        ),
        (
            policy("allowed-client-templates") + "/config/allowed-client-scopes",
            json!(["mcp:read"]),
            "mcp:tools: nobody may register for it",
        ),
        (client("mcp-service") + "/secret", json!("secret"), "mcp-service: a secret in the file"),
        (
            client("mcp-server") + "/secret",
            json!("${MCP_SERVER_SECRET:secret}"),
            "mcp-server: a secret in the file",
        ),
        (client("mcp-service") + "/fullScopeAllowed", json!(true), "mcp-service: fullScopeAllowed"),
        (
            scope("basic") + "/attributes/include.in.openid.provider.metadata",
            json!("true"),
            "basic: for nobody to ask for, and told to all",
        ),
        (
            scope("mcp:read") + "/attributes/consent.screen.text",
            Value::Null,
            "mcp:read: nothing to read for who consents",
        ),
    ]);
}

/// Each of these values, at its place in the realm file, is a fault that is told in these words.
fn are_told<const N: usize>(cases: [(String, Value, &str); N]) {
    for (pointer, value, expected) in cases {
        let mut broken = realm(BASIC);
        let place = broken.pointer_mut(&pointer).unwrap_or_else(|| panic!("{pointer}: not there"));
        assert_ne!(*place, value, "{pointer}: nothing is broken");
        *place = value.clone();
        let faults = rules::faults(&broken);
        assert!(
            faults.iter().any(|f| f.contains(expected)),
            "{pointer} = {value}: {expected} is not in {faults:?}"
        );
    }
}

/// The index of what has this name.
fn place(list: &Value, key: &str, name: &str) -> usize {
    list.as_array().unwrap().iter().position(|each| each[key] == name).unwrap()
}
