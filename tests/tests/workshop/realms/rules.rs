//! What must a realm have, so that everybody who comes in gets a token that the server takes, and nobody else gets one?

mod clients;
mod grants;
mod people;
mod registration;
mod tokens;

use std::collections::BTreeSet;

use serde_json::Value;

use clients::{codes, pkce, redirects, secrets};
use grants::{alone, consent, devices};
use people::{guesses, people};
use registration::{mappers, registration, shown};
use tokens::{audiences, ways_in};

/// Where the policies about registration stand.
pub const POLICIES: &str =
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";
const AUDIENCE: &str = "${MCP_AUDIENCE:http://localhost:9000/mcp}";
const SCOPES: [&str; 3] = ["mcp:read", "mcp:tools", "mcp:prompts"];
/// The client whose tokens are for somebody else.
const OTHER: &str = "other-app";

/// All that is wrong, in words.
pub fn faults(realm: &Value) -> Vec<String> {
    let rules = [
        names,
        ways_in,
        audiences,
        people,
        guesses,
        pkce,
        codes,
        redirects,
        devices,
        consent,
        alone,
        registration,
        mappers,
        secrets,
        shown,
    ];
    rules.iter().flat_map(|rule| rule(realm)).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn words<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    list(value, key).iter().filter_map(Value::as_str).collect()
}

fn called<'a>(all: &'a [Value], key: &str, name: &str) -> Option<&'a Value> {
    all.iter().find(|each| each[key] == name)
}

/// What is named is there. Keycloak leaves it out without a word, or does not start.
fn names(realm: &Value) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut uses = |what: &'static str, names: Vec<&str>| {
        used.extend(names.into_iter().map(|name| (what, name.to_owned())));
    };
    uses("scope", words(realm, "defaultDefaultClientScopes"));
    uses("scope", words(realm, "defaultOptionalClientScopes"));
    for client in list(realm, "clients") {
        uses("scope", words(client, "defaultClientScopes"));
        uses("scope", words(client, "optionalClientScopes"));
    }
    for mapping in realm["clientScopeMappings"].as_object().into_iter().flatten() {
        uses("client", vec![mapping.0]);
        uses(
            "scope",
            list(&realm["clientScopeMappings"], mapping.0)
                .iter()
                .filter_map(|m| m["clientScope"].as_str())
                .collect(),
        );
    }
    for mapping in list(realm, "scopeMappings") {
        uses("scope", mapping["clientScope"].as_str().into_iter().collect());
        uses("client", mapping["client"].as_str().into_iter().collect());
        uses("role", words(mapping, "roles"));
    }
    for person in list(realm, "users") {
        uses("role", words(person, "realmRoles"));
        uses("client", person["serviceAccountClientId"].as_str().into_iter().collect());
    }
    for mapper in list(realm, "clientScopes").iter().flat_map(|s| list(s, "protocolMappers")) {
        uses("client", mapper["config"]["included.client.audience"].as_str().into_iter().collect());
    }
    for policy in list(&realm["clientPolicies"], "policies") {
        uses("profile", words(policy, "profiles"));
    }
    let there = |(what, name): &(&str, String)| {
        let (all, key) = match *what {
            "scope" => (list(realm, "clientScopes"), "name"),
            "client" => (list(realm, "clients"), "clientId"),
            "role" => (list(&realm["roles"], "realm"), "name"),
            _ => (list(&realm["clientProfiles"], "profiles"), "name"),
        };
        called(all, key, name).is_some()
    };
    let missing = used.iter().filter(|name| !there(name));
    missing.map(|(what, name)| format!("{name}: no such {what}")).collect()
}
