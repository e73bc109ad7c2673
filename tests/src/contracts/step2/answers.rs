//! How is a request answered? Results, errors, and the shape they come in.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{Kept, Promise, Target, contracts::methods, target::MODERN};

/// Promises about answers.
pub const PROMISES: &[Promise] = promises! {
    discover_says_what_is_spoken, "T1 B7 F12", "server/discover lists 2026-07-28 alone, the capabilities, and for how long that is true";
    capabilities_are_honoured, "B8 F15 F19", "what discover and initialize declare is served, and what is served is declared";
    results_are_complete, "B5 B6", "a modern result has resultType and names the server in _meta";
    nothing_needs_an_earlier_request, "B4", "the first request of a client may be any, in both eras";
    unknown_methods_are_404, "T13", "a method that is not there, or no longer, is 404 -32601 in the modern era";
    only_known_codes_go_out, "B11", "errors carry codes that JSON-RPC and MCP define";
    accept_is_no_reason_to_refuse, "T7", "a missing, narrow or odd Accept is answered with JSON";
    a_stream_for_those_who_want_one, "T6 T8 T9 G7", "a client that accepts event streams only gets one event, then the end";
    only_post_is_taken, "T1 T19 G2", "other methods than POST on the endpoint get 405 with Allow";
};

async fn discover_says_what_is_spoken(t: &Target) -> Kept {
    let answer = t.modern("server/discover", json!({})).send().await?;
    let result = answer.result()?;
    let versions = &result["supportedVersions"];
    demand!(*versions == json!([MODERN]), "{}", answer.unlike("supportedVersions [2026-07-28]"));
    demand!(result["capabilities"].is_object(), "{}", answer.unlike("capabilities, an object"));
    let kept = result["ttlMs"].as_u64().is_some_and(|ttl| ttl > 0);
    demand!(kept, "{}", answer.unlike("ttlMs, a whole number above 0"));
    let scope = if t.step < 6 { "public" } else { "private" };
    demand!(result["cacheScope"] == scope, "{}", answer.unlike(format!("cacheScope {scope}")));
    Ok(())
}

async fn capabilities_are_honoured(t: &Target) -> Kept {
    let modern = t.modern("server/discover", json!({})).send().await?.result()?;
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
    let legacy = t.legacy("initialize", params).send().await?.result()?;
    for feature in ["tools", "prompts", "resources", "completions", "logging"] {
        let method = match feature {
            "completions" => "completion/complete".to_owned(),
            "logging" => "logging/setLevel".to_owned(),
            _ => format!("{feature}/list"),
        };
        let answer = t.legacy(&method, json!({})).send().await?;
        let served = answer.json()?["error"]["code"] != -32601;
        for declared in [&modern["capabilities"], &legacy["capabilities"]] {
            let declared = declared.get(feature).is_some_and(Value::is_object);
            let expected = if declared { "a method, as declared" } else { "-32601, as declared" };
            demand!(declared == served, "{}", answer.unlike(expected));
        }
    }
    Ok(())
}

async fn results_are_complete(t: &Target) -> Kept {
    let answer = t.modern("server/discover", json!({})).send().await?;
    let result = answer.result()?;
    demand!(result["resultType"] == "complete", "{}", answer.unlike("resultType complete"));
    let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
    let named = server["name"].is_string() && server["version"].is_string();
    demand!(named, "{}", answer.unlike("serverInfo with name and version"));
    Ok(())
}

async fn nothing_needs_an_earlier_request(t: &Target) -> Kept {
    t.legacy("ping", json!({})).send().await?.result()?;
    t.modern("server/discover", json!({})).send().await?.result()?;
    t.legacy_notification("notifications/cancelled").send().await?.is(202)?;
    Ok(())
}

async fn unknown_methods_are_404(t: &Target) -> Kept {
    let gone = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "roots/list"];
    let odd = ["", "Server/Discover", "server/discover/", methods::UNKNOWN, "subscriptions/listen"];
    for method in gone.into_iter().chain(odd) {
        let answer = t.modern(method, json!({})).send().await?;
        let message = answer.error(404, -32601)?;
        demand!(message["id"] == 1, "{}", answer.unlike("the id 1"));
    }
    Ok(())
}

async fn only_known_codes_go_out(t: &Target) -> Kept {
    let known = [-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022];
    let modern = || t.modern("server/discover", json!({}));
    for call in [
        modern().body("{").named("broken JSON"),
        modern().body("[]").named("a batch"),
        modern().without("mcp-method").with("no Mcp-Method"),
        modern().without("mcp-protocol-version").with("no version header"),
        modern().edit(|m| m["params"]["_meta"] = json!({})).with("an empty _meta"),
        modern().set("mcp-protocol-version", "1").with("two versions"),
        t.legacy("ping", json!({})).set("mcp-protocol-version", "1").with("version 1"),
        t.modern(methods::UNKNOWN, json!({})),
        t.legacy(methods::UNKNOWN, json!({})),
        t.modern("tools/call", json!({"name": "no-such-tool"})),
        t.legacy("tools/call", json!({"name": "no-such-tool"})),
        t.modern("prompts/get", json!({"name": "no-such-prompt"})),
        t.legacy("prompts/get", json!({"name": 5})),
        t.modern("tools/list", json!({"cursor": "no such cursor"})),
        t.modern("resources/read", json!({"uri": "file:///etc/passwd"})),
    ] {
        let answer = call.send().await?;
        let code = answer.json()?["error"]["code"].as_i64();
        let fits = code.is_some_and(|code| known.contains(&code));
        demand!(fits, "{}", answer.unlike(format!("an error with one of {known:?}")));
    }
    Ok(())
}

async fn accept_is_no_reason_to_refuse(t: &Target) -> Kept {
    for accept in [
        "application/json",
        "application/json, text/event-stream",
        "text/event-stream, application/json;q=0.1",
        "text/event-stream, */*",
        "*/*",
        "application/*",
        "text/html",
        "APPLICATION/JSON",
        "",
        ";;,",
    ] {
        let call = t.modern("server/discover", json!({})).set("accept", accept);
        call.with(format!("Accept: {accept}")).send().await?.result()?;
    }
    let call = t.modern("server/discover", json!({})).without("accept");
    call.with("no Accept").send().await?.result()?;
    Ok(())
}

async fn a_stream_for_those_who_want_one(t: &Target) -> Kept {
    for accept in ["text/event-stream", "Text/Event-Stream;q=0.5"] {
        for call in [t.modern("server/discover", json!({})), t.legacy("ping", json!({}))] {
            let call = call.set("accept", accept);
            let answer = call.with(format!("Accept: {accept} alone")).send().await?;
            let kind = answer.is(200)?.header("content-type")?.unwrap_or_default();
            demand!(kind.starts_with("text/event-stream"), "{}", answer.unlike("a stream"));
            let buffering = answer.header("x-accel-buffering")?;
            demand!(buffering == Some("no"), "{}", answer.unlike("X-Accel-Buffering: no"));
            let text = String::from_utf8_lossy(&answer.body);
            let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data:")).collect();
            demand!(data.len() == 1, "{}", answer.unlike("one event with one line of data"));
            demand!(text.ends_with("\n\n"), "{}", answer.unlike("an event that ends"));
            let message: Value = serde_json::from_str(data[0]).unwrap_or_default();
            let fits = message["id"] == 1 && message["result"].is_object();
            demand!(fits, "{}", answer.unlike("the result as the event's data"));
        }
        let call = t.legacy(methods::UNKNOWN, json!({})).set("accept", accept);
        let answer = call.with(format!("an error, Accept: {accept} alone")).send().await?;
        let kind = answer.is(200)?.header("content-type")?.unwrap_or_default();
        let text = String::from_utf8_lossy(&answer.body);
        let fits = kind.starts_with("text/event-stream") && text.contains("-32601");
        demand!(fits, "{}", answer.unlike("the error as an event"));
    }
    Ok(())
}

async fn only_post_is_taken(t: &Target) -> Kept {
    for method in [Method::GET, Method::DELETE, Method::PUT, Method::PATCH, Method::OPTIONS] {
        for accept in ["text/event-stream", "application/json"] {
            let call = t.endpoint(method.clone()).header("accept", accept);
            let answer = call.header("mcp-protocol-version", MODERN).send().await?;
            answer.refused(405)?;
            let allowed = answer.list("allow");
            demand!(allowed == ["post"], "{}, Allow: {allowed:?}", answer.unlike("Allow: POST"));
        }
    }
    t.endpoint(Method::HEAD).send().await?.is(405)?.empty()?;
    Ok(())
}
