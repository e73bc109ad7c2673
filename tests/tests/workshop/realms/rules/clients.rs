//! Do clients keep codes and secrets to themselves?

use serde_json::Value;

use super::{called, list, words};

/// The executors that a policy with this condition turns on.
pub fn executors(realm: &Value, condition: impl Fn(&Value) -> bool) -> Vec<&Value> {
    let policies = list(&realm["clientPolicies"], "policies").iter();
    let policies =
        policies.filter(|policy| policy["enabled"] == true && condition(&policy["conditions"]));
    let profiles = policies.flat_map(|policy| words(policy, "profiles"));
    let all = list(&realm["clientProfiles"], "profiles");
    let profiles = profiles.filter_map(|name| called(all, "name", name));
    profiles.flat_map(|profile| list(profile, "executors")).collect()
}

/// PKCE for every client (RFC 9700 §2.1.1).
pub fn pkce(realm: &Value) -> Vec<String> {
    let all = executors(realm, |conditions| conditions[0]["condition"] == "any-client");
    let mut faults = Vec::new();
    if !all.iter().any(|executor| executor["executor"] == "pkce-enforcer") {
        faults.push("PKCE is not for every client: no policy for all of them".to_owned());
    }
    for client in list(realm, "clients").iter().filter(|c| c["standardFlowEnabled"] == true) {
        if client["attributes"]["pkce.code.challenge.method"] != "S256" {
            faults.push(format!("{}: no PKCE", client["clientId"].as_str().unwrap_or_default()));
        }
    }
    faults
}

/// Codes go to programs on this machine: those of known clients, and of those that register themselves or change later.
pub fn redirects(realm: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for uri in list(realm, "clients").iter().flat_map(|client| words(client, "redirectUris")) {
        let local = ["http://localhost/", "http://127.0.0.1/"].iter().any(|s| uri.starts_with(s));
        if !local || uri.contains('*') {
            faults.push(format!("{uri}: not exactly a place on this machine"));
        }
    }
    let own = of_who_registers(realm);
    let Some(executor) = called_executor(&own, "secure-redirect-uris-enforcer") else {
        faults
            .push("redirects: no policy for who registers and who changes what he has".to_owned());
        return faults;
    };
    let allowed = &executor["configuration"];
    for key in
        ["allow-open-redirect", "allow-wildcard-context-path", "allow-private-use-uri-scheme"]
    {
        if allowed[key] != false {
            faults.push(format!("redirects: {key} is not false"));
        }
    }
    if words(allowed, "allow-permitted-domains") != ["localhost"] {
        faults
            .push("redirects: allow-permitted-domains is not localhost alone; none is all".into());
    }
    faults
}

/// What is asked of who registers himself, then and when he changes what he has.
fn of_who_registers(realm: &Value) -> Vec<&Value> {
    executors(realm, |conditions| {
        let sources = words(&conditions[0]["configuration"], "update-client-source");
        conditions[0]["condition"] == "client-updater-context"
            && ["ByAnonymous", "ByRegistrationAccessToken"].iter().all(|s| sources.contains(s))
    })
}

/// Who registers himself gets tokens for a code: not in an address, where PKCE is good for nothing, and not for a password
/// (RFC 9700 §2.1.2 and §2.4).
pub fn codes(realm: &Value) -> Vec<String> {
    let own = of_who_registers(realm);
    let is_on = |name: &&str| {
        called_executor(&own, name)
            .is_some_and(|executor| executor["configuration"]["auto-configure"] == true)
    };
    let missing = ["reject-implicit-grant", "reject-ropc-grant"].into_iter().filter(|n| !is_on(n));
    missing.map(|name| format!("{name}: not for who registers himself")).collect()
}

fn called_executor<'a>(all: &[&'a Value], name: &str) -> Option<&'a Value> {
    all.iter().copied().find(|each| each["executor"] == name)
}

/// No secret in the file, not even as a default: one that is forgotten must not be one that everybody knows.
pub fn secrets(realm: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for client in list(realm, "clients") {
        let id = client["clientId"].as_str().unwrap_or_default();
        let is_name = |secret: &str| {
            secret
                .strip_prefix("${")
                .and_then(|s| s.strip_suffix('}'))
                .is_some_and(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        };
        if client["secret"].as_str().is_some_and(|secret| !is_name(secret)) {
            faults.push(format!("{id}: a secret in the file"));
        }
        if client["fullScopeAllowed"] != false {
            faults.push(format!("{id}: fullScopeAllowed gives all roles to every token"));
        }
    }
    faults
}
