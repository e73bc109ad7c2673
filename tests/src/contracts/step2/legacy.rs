//! Does the old era work? `initialize`, `ping`, and errors that are HTTP 200.

use serde_json::json;

use crate::{Kept, Promise, Target, contracts::methods, target::LEGACY};

/// Promises to clients of 2025.
pub const PROMISES: &[Promise] = promises! {
    initialize_agrees_on_a_version, "G1", "initialize agrees on 2025-11-25 or 2025-06-18 if asked for, else on the newer";
    initialize_never_agrees_on_modern, "G1 T20", "initialize never agrees on 2026-07-28";
    ping_is_answered, "G10", "ping gets an empty result, in both versions";
    old_versions_in_the_header_are_taken, "G5", "2025-11-25 and 2025-06-18 are taken in the header, older ones are not";
    unknown_methods_are_200_in_the_old_era, "G10", "a method that is not there is HTTP 200 with -32601";
};

async fn agreed(t: &Target, asked: serde_json::Value) -> Result<String, String> {
    let params = json!({
        "protocolVersion": asked,
        "capabilities": {},
        "clientInfo": {"name": "contract", "version": "1"},
    });
    let call = t.legacy("initialize", params).without("mcp-protocol-version");
    let answer = call.with(format!("protocolVersion {asked}")).send().await?;
    let result = answer.result()?;
    let info = &result["serverInfo"];
    let named = info["name"].is_string() && info["version"].is_string();
    demand!(named, "{}", answer.unlike("serverInfo with name and version"));
    demand!(result["capabilities"].is_object(), "{}", answer.unlike("capabilities, an object"));
    Ok(result["protocolVersion"].as_str().unwrap_or_default().to_owned())
}

async fn initialize_agrees_on_a_version(t: &Target) -> Kept {
    for version in [LEGACY, "2025-06-18"] {
        let agreed = agreed(t, json!(version)).await?;
        demand!(agreed == version, "initialize for {version}: expected it, got {agreed:?}");
    }
    for other in
        [json!("2024-11-05"), json!("2025-03-26"), json!("x"), json!(""), json!(null), json!(5)]
    {
        let agreed = agreed(t, other.clone()).await?;
        demand!(agreed == LEGACY, "initialize for {other}: expected {LEGACY}, got {agreed:?}");
    }
    let call = t.legacy("initialize", json!({})).without("mcp-protocol-version");
    let version = call.with("no version").send().await?.result()?["protocolVersion"].clone();
    demand!(version == LEGACY, "initialize without a version: expected {LEGACY}, got {version}");
    // the header may be a client's own newest version: what is spoken is only being agreed on
    let call = t.legacy("initialize", json!({})).set("mcp-protocol-version", "2099-01-01");
    call.with("an unknown version in the header").send().await?.result()?;
    Ok(())
}

async fn initialize_never_agrees_on_modern(t: &Target) -> Kept {
    let agreed = agreed(t, json!("2026-07-28")).await?;
    demand!(agreed == LEGACY, "initialize for 2026-07-28: expected {LEGACY}, got {agreed:?}");
    Ok(())
}

async fn ping_is_answered(t: &Target) -> Kept {
    for version in [LEGACY, "2025-06-18"] {
        let call = t.legacy("ping", json!({})).set("mcp-protocol-version", version);
        let answer = call.with(format!("version {version}")).send().await?;
        demand!(answer.result()? == json!({}), "{}", answer.unlike("an empty result"));
    }
    let call = t.legacy("ping", json!({})).edit(|m| {
        m.as_object_mut().and_then(|m| m.remove("params"));
    });
    call.with("no params").send().await?.result()?;
    Ok(())
}

async fn old_versions_in_the_header_are_taken(t: &Target) -> Kept {
    for (version, taken) in [(LEGACY, true), ("2025-06-18", true), ("2025-03-26", false)] {
        let call = t.legacy("ping", json!({})).set("mcp-protocol-version", version);
        let answer = call.with(format!("version {version}")).send().await?;
        if taken {
            answer.result()?
        } else {
            answer.error(400, -32022)?
        };
    }
    let two = t.legacy("ping", json!({})).header("mcp-protocol-version", "2025-06-18");
    let answer = two.with("two versions").send().await?;
    demand!(answer.status == 400, "{}", answer.unlike("status 400"));
    Ok(())
}

async fn unknown_methods_are_200_in_the_old_era(t: &Target) -> Kept {
    for method in [methods::UNKNOWN, "server/discover", "resources/subscribe", "Ping", ""] {
        let answer = t.legacy(method, json!({})).send().await?;
        let message = answer.error(200, -32601)?;
        demand!(message["id"] == 1, "{}", answer.unlike("the id 1"));
    }
    Ok(())
}
