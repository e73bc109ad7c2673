//! How else could somebody get a token than for a code that a person has allowed, and that goes to this machine?

use serde_json::{Value, json};

use super::clients::executors;
use super::{called, list, words};

/// Nobody logs in on one device for a program on another (RFC 8628): such tokens go to whoever has sent the link, and no redirect URI
/// stops them. The policy refuses the token; the code that is over at once lets the person see a refusal as well. Keycloak's
/// grant for phones (CIBA) has no condition of its own, so clients that have it are refused whatever they do.
pub fn devices(realm: &Value) -> Vec<String> {
    let grant = json!([{"condition": "grant-type", "configuration": {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}}]);
    let phone = json!([{"condition": "client-attributes", "configuration": {"attributes": r#"[{"key": "oidc.ciba.grant.enabled", "value": "true"}]"#}}]);
    let refuses = |conditions: &Value| {
        executors(realm, |all| all == conditions).iter().any(|e| e["executor"] == "reject-request")
    };
    let mut faults = Vec::new();
    if !refuses(&grant) {
        faults.push("who registers himself gets tokens for a device".to_owned());
    }
    if realm["oauth2DeviceCodeLifespan"] != 0 {
        faults.push("a code for a device is good until the person has typed it".to_owned());
    }
    if !refuses(&phone) {
        faults.push("who registers himself may have people asked on their phones".to_owned());
    }
    faults
}

/// A person who is logged in is asked before a program that anybody can start gets tokens. What Keycloak is not told, it allows.
pub fn consent(realm: &Value) -> Vec<String> {
    let in_a_browser = |client: &&Value| client["standardFlowEnabled"] != false;
    let unasked = |client: &&Value| client["consentRequired"] != true;
    let clients = list(realm, "clients").iter().filter(in_a_browser).filter(unasked);
    let ids = clients.map(|client| client["clientId"].as_str().unwrap_or_default());
    ids.map(|id| format!("{id}: nobody is asked in the browser")).collect()
}

/// The client whose role says who has tokens for the server, and the role. A realm role would stand in tokens that nobody was asked for.
const SERVER: &str = "mcp-server";
const KNOWN: &str = "known";

/// A program that registers itself for client credentials has a token for nobody: the audience is given to people and programs
/// of this realm alone, by a role that each of them has. It is in none of the others: a scope that is tied to a role is given
/// for the roles in it, too, and everybody could give away everything.
pub fn alone(realm: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mappings = list(&realm["clientScopeMappings"], SERVER);
    let audience = called(mappings, "clientScope", "mcp-audience");
    if audience.is_none_or(|mapping| words(mapping, "roles") != [KNOWN]) {
        faults.push("who registers himself has tokens for the server in his own name".to_owned());
    }
    if called(list(&realm["roles"]["client"], SERVER), "name", KNOWN).is_none() {
        faults.push(format!("{KNOWN}: no such role of {SERVER}"));
    }
    for person in list(realm, "users") {
        if words(&person["clientRoles"], SERVER) != [KNOWN] {
            let name = person["username"].as_str().unwrap_or_default();
            faults.push(format!("{name}: without a scope, tokens are not for the server"));
        }
    }
    for role in list(&realm["roles"], "realm").iter().filter(|role| !role["composites"].is_null()) {
        let name = role["name"].as_str().unwrap_or_default();
        faults.push(format!("{name}: its scopes are given for the roles in it, too"));
    }
    faults
}
