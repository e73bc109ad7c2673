//! Revisions 2025-11-25 and 2025-06-18: what most clients still say first.

use serde_json::{Map, Value, json};

use crate::ServerInfo;

/// What `initialize` can agree on, newest first. 2026-07-28 is never agreed on this way (G1).
pub const VERSIONS: &[&str] = &["2025-11-25", "2025-06-18"];

/// The result of `initialize`: the version asked for if we speak it, else our newest (G1).
///
/// No session id is issued (G4): a caller proves who he is with each request.
#[must_use]
pub fn initialize(server: ServerInfo, capabilities: &Value, params: &Map<String, Value>) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let agreed = VERSIONS.iter().find(|version| Some(**version) == asked).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": agreed,
        "capabilities": capabilities,
        "serverInfo": {"name": server.name, "version": server.version},
    })
}
