//! Which era? The version decides, in the header and in `_meta`, and it must be one that is spoken.

use serde_json::{Value, json};

use crate::{
    Answer, Kept, Promise, Target,
    contracts::methods,
    target::{LEGACY, MODERN},
};

/// Promises about versions and `_meta`.
pub const PROMISES: &[Promise] = promises! {
    unknown_versions_are_named, "T12 G5", "a version that is not spoken is 400 -32022, with all that are and the one asked for";
    two_versions_are_a_mismatch, "T11", "a version header that differs from _meta is 400 -32020";
    modern_needs_its_version_header, "T11 T14", "a modern request without MCP-Protocol-Version is 400 -32020";
    meta_must_be_complete, "B2", "a modern request without version or capabilities in _meta is 400 -32602";
    client_info_is_optional, "B2", "clientInfo may be there, or not";
    trace_context_is_no_reason_to_refuse, "B13", "a malformed traceparent is ignored";
    no_version_means_the_old_era, "T14 G5", "without any version a request is one of 2025";
    the_method_header_decides_nothing, "T14", "Mcp-Method alone makes no request modern";
    the_version_comes_before_the_rest, "T12 T13", "an unknown version is told before what else is wrong";
};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

fn says_unsupported(answer: &Answer, asked: &str) -> Kept {
    let message = answer.error(400, -32022)?;
    demand!(message["id"] == 1, "{}", answer.unlike("the id 1"));
    let data = &message["error"]["data"];
    let supported = data["supported"].as_array().cloned().unwrap_or_default();
    for version in [MODERN, LEGACY, "2025-06-18"] {
        let named = supported.contains(&json!(version));
        demand!(named, "{}", answer.unlike(format!("data.supported with {version}")));
    }
    demand!(data["requested"] == asked, "{}", answer.unlike(format!("data.requested {asked:?}")));
    Ok(())
}

async fn unknown_versions_are_named(t: &Target) -> Kept {
    for version in
        ["1999-01-01", "2026-07-29", "2099-01-01", "2025-03-26", "2024-11-05", "2026-7-28", "x"]
    {
        let both = t.modern("server/discover", json!({})).set("mcp-protocol-version", version);
        let both = both.edit(|m| m["params"]["_meta"][VERSION] = json!(version));
        let header = t.legacy("ping", json!({})).set("mcp-protocol-version", version);
        let meta = t.modern("server/discover", json!({})).without("mcp-protocol-version");
        let meta = meta.edit(|m| m["params"]["_meta"][VERSION] = json!(version));
        for (call, place) in [(both, "header and _meta"), (header, "the header"), (meta, "_meta")] {
            let answer = call.with(format!("version {version} in {place}")).send().await?;
            says_unsupported(&answer, version)?;
        }
    }
    Ok(())
}

async fn two_versions_are_a_mismatch(t: &Target) -> Kept {
    for (header, meta) in [(LEGACY, MODERN), (MODERN, LEGACY), ("1999-01-01", MODERN), ("", MODERN)]
    {
        let call = t.modern("server/discover", json!({})).set("mcp-protocol-version", header);
        let call = call.edit(|m| m["params"]["_meta"][VERSION] = json!(meta));
        let call = call.with(format!("header {header:?} and _meta {meta}"));
        call.send().await?.error(400, -32020)?;
    }
    let two = t.modern("server/discover", json!({})).header("mcp-protocol-version", MODERN);
    two.with("two version headers").send().await?.error(400, -32020)?;
    let odd = t.legacy("ping", json!({})).set("mcp-protocol-version", b"2025-11-25\xff");
    odd.with("a version beyond ASCII").send().await?.error(400, -32020)?;
    Ok(())
}

async fn modern_needs_its_version_header(t: &Target) -> Kept {
    let call = t.modern("server/discover", json!({})).without("mcp-protocol-version");
    call.with("no version header").send().await?.error(400, -32020)?;
    Ok(())
}

async fn meta_must_be_complete(t: &Target) -> Kept {
    let whole = json!({VERSION: MODERN, "io.modelcontextprotocol/clientCapabilities": {}});
    let with = |key: &str, value: Value| {
        let mut meta = whole.clone();
        meta[format!("io.modelcontextprotocol/{key}")] = value;
        meta
    };
    for meta in [
        json!({}),
        json!({VERSION: MODERN}),
        json!({"io.modelcontextprotocol/clientCapabilities": {}}),
        with("clientCapabilities", json!(null)),
        with("clientCapabilities", json!([])),
        with("clientCapabilities", json!("{}")),
        with("protocolVersion", json!(null)),
        with("protocolVersion", json!(20_260_728)),
        with("protocolVersion", json!([MODERN])),
        json!([]),
        json!(null),
        json!("_meta"),
    ] {
        let call = t.modern("server/discover", json!({}));
        let call = call.edit(|m| m["params"]["_meta"] = meta.clone());
        call.with(format!("_meta {meta}")).send().await?.error(400, -32602)?;
    }
    // a version that nobody can read is not the old one, though no header speaks of a new one
    let odd = t.legacy("ping", json!({"_meta": {VERSION: 5}})).without("mcp-protocol-version");
    odd.with("a number for a version").send().await?.error(400, -32602)?;
    let none = t.modern("server/discover", json!({})).edit(|m| m["params"] = json!({}));
    none.with("empty params").send().await?.error(400, -32602)?;
    let call = t.modern("server/discover", json!({})).edit(|m| {
        m.as_object_mut().and_then(|m| m.remove("params"));
    });
    call.with("no params").send().await?.error(400, -32602)?;
    Ok(())
}

async fn client_info_is_optional(t: &Target) -> Kept {
    let info = json!({"name": "someone", "version": "1"});
    let call = t.modern("server/discover", json!({}));
    let call = call.edit(|m| m["params"]["_meta"]["io.modelcontextprotocol/clientInfo"] = info);
    call.with("clientInfo").send().await?.result()?;
    t.modern("server/discover", json!({})).send().await?.result()?;
    Ok(())
}

async fn trace_context_is_no_reason_to_refuse(t: &Target) -> Kept {
    for (key, value) in [
        ("traceparent", json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
        ("traceparent", json!("nonsense")),
        ("traceparent", json!(7)),
        ("tracestate", json!({})),
        ("baggage", json!("==;;")),
    ] {
        let call = t.modern("server/discover", json!({}));
        let call = call.edit(|m| m["params"]["_meta"][key] = value.clone());
        call.with(format!("{key} {value}")).send().await?.result()?;
    }
    Ok(())
}

async fn no_version_means_the_old_era(t: &Target) -> Kept {
    let call = t.legacy("ping", json!({})).without("mcp-protocol-version");
    call.with("no version").send().await?.result()?;
    let call = t.legacy("server/discover", json!({})).without("mcp-protocol-version");
    call.with("no version").send().await?.error(200, -32601)?;
    Ok(())
}

async fn the_method_header_decides_nothing(t: &Target) -> Kept {
    let call = t.legacy("ping", json!({})).without("mcp-protocol-version");
    call.header("mcp-method", "ping").with("Mcp-Method alone").send().await?.result()?;
    let call = t.legacy("ping", json!({})).header("mcp-method", "ping");
    call.with("Mcp-Method").send().await?.result()?;
    Ok(())
}

async fn the_version_comes_before_the_rest(t: &Target) -> Kept {
    let call = t.modern(methods::UNKNOWN, json!({})).set("mcp-protocol-version", "1999-01-01");
    let call = call.edit(|m| m["params"]["_meta"] = json!({VERSION: "1999-01-01"}));
    let answer = call.without("mcp-method").with("an unknown version").send().await?;
    says_unsupported(&answer, "1999-01-01")
}
