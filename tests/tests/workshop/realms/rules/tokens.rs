//! Whom are tokens about, and for whom are they, on each way in?

use serde_json::Value;

use super::{AUDIENCE, OTHER, SCOPES, called, list, words};

/// The mappers of these scopes that write into access tokens.
fn mappers<'a>(realm: &'a Value, scopes: &[&str]) -> Vec<&'a Value> {
    let scopes = list(realm, "clientScopes")
        .iter()
        .filter(|s| s["name"].as_str().is_some_and(|name| scopes.contains(&name)));
    let all = scopes.flat_map(|scope| list(scope, "protocolMappers"));
    all.filter(|mapper| mapper["config"]["access.token.claim"] == "true").collect()
}

fn is_for(mappers: &[&Value], audience: &str) -> bool {
    mappers.iter().any(|mapper| mapper["config"]["included.custom.audience"] == audience)
}

/// Whoever comes in has a `sub`, and is meant for the server: known clients with their default scopes, and clients that
/// register themselves, which have all defaults of the realm, or `basic` and the scopes that they have named.
pub fn ways_in(realm: &Value) -> Vec<String> {
    let mut ways = vec![(
        "who registers without a scope".to_owned(),
        words(realm, "defaultDefaultClientScopes"),
    )];
    ways.extend(SCOPES.map(|scope| (format!("who registers for {scope}"), vec!["basic", scope])));
    let gets_tokens = |client: &&Value| {
        ["standardFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled"]
            .iter()
            .any(|way| client[*way] == true)
    };
    for client in list(realm, "clients").iter().filter(gets_tokens) {
        let id = client["clientId"].as_str().unwrap_or_default();
        ways.push((id.to_owned(), words(client, "defaultClientScopes")));
    }
    let mut faults = Vec::new();
    for (way, scopes) in ways {
        let mappers = mappers(realm, &scopes);
        if !mappers.iter().any(|mapper| mapper["protocolMapper"] == "oidc-sub-mapper") {
            faults.push(format!("{way}: tokens have no sub"));
        }
        if way != OTHER && !is_for(&mappers, AUDIENCE) {
            faults.push(format!("{way}: tokens are not for the server"));
        }
    }
    faults
}

/// One audience everywhere; and one client whose tokens are for somebody else, whatever it asks for.
pub fn audiences(realm: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let scopes = list(realm, "clientScopes").iter().flat_map(|s| list(s, "protocolMappers"));
    let named = scopes.map(|mapper| &mapper["config"]["included.custom.audience"]);
    let resources =
        list(realm, "clients").iter().map(|client| &client["attributes"]["resource_url"]);
    for audience in named.chain(resources).filter_map(Value::as_str).filter(|a| *a != AUDIENCE) {
        faults.push(format!("{audience}: another audience than {AUDIENCE}"));
    }
    let Some(other) = called(list(realm, "clients"), "clientId", OTHER) else {
        return vec![format!("{OTHER}: no such client")];
    };
    let mut scopes = words(other, "defaultClientScopes");
    scopes.extend(words(other, "optionalClientScopes"));
    let own: Vec<_> = list(other, "protocolMappers").iter().collect();
    if is_for(&mappers(realm, &scopes), AUDIENCE) || is_for(&own, AUDIENCE) {
        faults.push(format!("{OTHER}: tokens are for the server"));
    }
    if !own.iter().any(|mapper| mapper["config"]["included.custom.audience"].is_string()) {
        faults.push(format!("{OTHER}: tokens are for nobody"));
    }
    faults
}
