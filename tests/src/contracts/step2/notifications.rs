//! What happens to a message that wants no answer? It is accepted, and runs nothing.

use serde_json::json;

use crate::{Kept, Promise, Target, contracts::methods};

/// Promises about notifications.
pub const PROMISES: &[Promise] = promises! {
    notifications_are_202, "T5 G3", "an accepted notification gets 202 without a body, in both eras";
    notifications_run_nothing, "T5", "a notification with the name of a method gets 202, and no result";
    bad_notifications_are_refused, "T5", "a notification that is no message, or of an unknown version, gets 400";
};

async fn notifications_are_202(t: &Target) -> Kept {
    for name in [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/x",
        methods::UNKNOWN,
    ] {
        for call in [t.modern_notification(name), t.legacy_notification(name)] {
            call.send().await?.is(202)?.empty()?;
        }
    }
    let call = t.legacy_notification("notifications/initialized").without("mcp-protocol-version");
    call.with("no version").send().await?.is(202)?.empty()?;
    Ok(())
}

async fn notifications_run_nothing(t: &Target) -> Kept {
    for name in ["server/discover", "initialize", "ping", "tools/list", "tools/call"] {
        for call in [t.modern_notification(name), t.legacy_notification(name)] {
            call.set("accept", "text/event-stream").send().await?.is(202)?.empty()?;
        }
    }
    Ok(())
}

async fn bad_notifications_are_refused(t: &Target) -> Kept {
    let name = "notifications/initialized";
    let call = t.legacy_notification(name).set("mcp-protocol-version", "1999-01-01");
    call.with("an unknown version").send().await?.error(400, -32022)?;
    let call = t.modern_notification(name).set("mcp-protocol-version", "2025-11-25");
    call.with("two versions").send().await?.error(400, -32020)?;
    let call = t.legacy_notification(name).edit(|m| m["jsonrpc"] = json!("1.0"));
    call.with("jsonrpc 1.0").send().await?.error(400, -32600)?;
    let call = t.legacy_notification(name).edit(|m| m["params"] = json!([]));
    call.with("a list of params").send().await?.error(400, -32600)?;
    Ok(())
}
