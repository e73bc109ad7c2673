//! Who may register himself, and what does everybody learn of the scopes?

use serde_json::Value;

use super::{POLICIES, SCOPES, list, words};

/// Who may register himself: programs on this machine, which a person has to consent to, up to a number, for our scopes.
pub fn registration(realm: &Value) -> Vec<String> {
    let all = list(&realm["components"], POLICIES);
    let anonymous =
        |id: &str| all.iter().find(|p| p["providerId"] == id && p["subType"] == "anonymous");
    let mut faults = Vec::new();
    for id in
        ["trusted-hosts", "consent-required", "scope", "max-clients", "allowed-client-templates"]
    {
        if anonymous(id).is_none() {
            faults.push(format!("{id}: no such policy for who registers himself"));
        }
    }
    if let Some(hosts) = anonymous("trusted-hosts") {
        let config = &hosts["config"];
        let asked = words(config, "host-sending-registration-request-must-match");
        let trusted = ["localhost", "127.0.0.1", "${MCP_CLIENT_URI_HOST:localhost}"];
        if asked != ["${MCP_REGISTRATION_HOST_CHECK:true}"]
            || words(config, "trusted-hosts") != trusted
        {
            faults.push("others may register than programs on this machine".to_owned());
        }
        if words(config, "client-uris-must-match") != ["${MCP_REGISTRATION_URI_CHECK:false}"] {
            faults.push("a program with a web site elsewhere may not register".to_owned());
        }
    }
    // Behind a proxy it is closed, with 0.
    if anonymous("max-clients")
        .is_some_and(|p| words(&p["config"], "max-clients") != ["${MCP_MAX_CLIENTS:500}"])
    {
        faults.push("registration cannot be closed without a change of the file".to_owned());
    }
    let may =
        anonymous("allowed-client-templates").map(|p| words(&p["config"], "allowed-client-scopes"));
    for scope in SCOPES.into_iter().chain(["openid", "offline_access"]) {
        if !may.as_ref().is_some_and(|may| may.contains(&scope)) {
            faults.push(format!("{scope}: nobody may register for it"));
        }
    }
    faults
}

/// Nobody registers a client with mappers of its own. Keycloak's policy for that has three kinds in it from the start, with which
/// the attribute of a person becomes any claim: who may write his first name has a token with any `sub`, role or audience.
pub fn mappers(realm: &Value) -> Vec<String> {
    let all = list(&realm["components"], POLICIES);
    let is_closed = |kind: &&str| {
        all.iter().any(|policy| {
            policy["providerId"] == "allowed-protocol-mappers"
                && policy["subType"] == *kind
                && words(&policy["config"], "allowed-protocol-mapper-types").is_empty()
        })
    };
    let open = ["anonymous", "authenticated"].into_iter().filter(|kind| !is_closed(kind));
    open.map(|kind| format!("{kind}: who registers may write claims of his own")).collect()
}

/// What people ask for is told to them in words; what only makes tokens work is told to nobody.
pub fn shown(realm: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for scope in list(realm, "clientScopes") {
        let (name, attributes) = (scope["name"].as_str().unwrap_or_default(), &scope["attributes"]);
        let told = attributes["include.in.openid.provider.metadata"] == "true";
        if attributes["include.in.token.scope"] != "true" && told {
            faults.push(format!("{name}: for nobody to ask for, and told to all"));
        }
        if attributes["display.on.consent.screen"] == "true"
            && attributes["consent.screen.text"].as_str().is_none_or(str::is_empty)
        {
            faults.push(format!("{name}: nothing to read for who consents"));
        }
    }
    faults
}
