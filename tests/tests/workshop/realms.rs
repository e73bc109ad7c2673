//! Are the realm files for Keycloak whole? Asked without Keycloak, which says little about what is missing in one: a token
//! comes without a claim, and nobody is told.

mod broken;
mod rules;

use std::fs;

use serde_json::Value;

use super::readme::root;

const BASIC: &str = "keycloak/mcp-realm-realm.json";
const CIMD: &str = "keycloak/cimd/mcp-realm-realm.json";

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn realm(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn the_realm_files_are_whole() {
    for name in [BASIC, CIMD] {
        let faults = rules::faults(&realm(name));
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
}

#[test]
fn the_file_for_clients_that_are_documents_has_nothing_else_more() {
    let mut larger = realm(CIMD);
    for (list, name) in [
        ("/clientProfiles/profiles", "client-is-a-document"),
        ("/clientPolicies/policies", "a-client-may-be-a-document"),
    ] {
        let list = larger.pointer_mut(list).unwrap().as_array_mut().unwrap();
        let before = list.len();
        list.retain(|each| each["name"] != name);
        assert_eq!(list.len(), before - 1, "{CIMD} has no {name}, or two");
    }
    assert_eq!(larger, realm(BASIC), "{CIMD} has something else than {BASIC}");
}

/// `scripts/keycloak/realm.sh` leaves lines away for versions that stop at a policy which they do not know.
#[test]
fn without_the_lines_that_old_versions_do_not_know_it_is_a_realm_still() {
    for name in [BASIC, CIMD] {
        let text = text(name);
        let known = |line: &&str| !line.contains("\"registration-web-origins\"");
        let older: Vec<_> = text.lines().filter(known).collect();
        assert_eq!(older.len(), text.lines().count() - 1, "{name}: the policy is one line");
        let older: Value = serde_json::from_str(&older.join("\n")).unwrap();
        let policies =
            |realm: &Value| realm["components"][rules::POLICIES].as_array().unwrap().len();
        assert_eq!(policies(&older), policies(&realm(name)) - 1, "{name}");
        assert_eq!(rules::faults(&older), Vec::<String>::new(), "{name}");
    }
}
