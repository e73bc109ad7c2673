//! Can everybody log in, and give away what is his to give?

use serde_json::Value;

use super::{SCOPES, called, list, words};

/// Each can log in at once, and may give away what his role says.
pub fn people(realm: &Value) -> Vec<String> {
    let expected =
        [("mcp-admin", &SCOPES[..]), ("mcp-user", &SCOPES[..2]), ("mcp-guest", &SCOPES[..1])];
    let mut faults = Vec::new();
    for (name, scopes) in expected {
        let Some(person) = called(list(realm, "users"), "username", name) else {
            faults.push(format!("{name}: no such person"));
            continue;
        };
        for key in ["email", "firstName", "lastName"] {
            if person[key].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{name}: no {key}"));
            }
        }
        if person["emailVerified"] != true {
            faults.push(format!("{name}: emailVerified is not true, so Keycloak asks first"));
        }
        if person["enabled"] != true {
            faults.push(format!("{name}: disabled"));
        }
        match list(person, "credentials") {
            [password] if password["temporary"] != true => {}
            [_] => faults.push(format!("{name}: a password that must be changed")),
            _ => faults.push(format!("{name}: no password, or several")),
        }
        let can_get = |scope: &str| {
            let mapping = called(list(realm, "scopeMappings"), "clientScope", scope);
            let opened_by = mapping.map(|mapping| words(mapping, "roles")).unwrap_or_default();
            words(person, "realmRoles").iter().any(|role| opened_by.contains(role))
        };
        let can: Vec<_> = SCOPES.into_iter().filter(|scope| can_get(scope)).collect();
        if can != scopes {
            faults.push(format!("{name} can get {can:?}, not {scopes:?}"));
        }
        if !can_get("offline_access") {
            faults.push(format!("{name} cannot get offline_access, which clients ask for"));
        }
    }
    faults
}

/// Who guesses passwords waits longer and longer. Keycloak leaves that off, and the password grant is open to every script.
pub fn guesses(realm: &Value) -> Vec<String> {
    let is_on = realm["bruteForceProtected"] == true;
    (!is_on)
        .then(|| "passwords may be guessed as often as one likes".to_owned())
        .into_iter()
        .collect()
}
