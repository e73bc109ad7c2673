//! Do the headers tell the truth? Proxies route and filter by them, the server obeys the body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{Answer, Call, Kept, Promise, Target, contracts::methods, target::MODERN};

/// Promises about `Mcp-Method`, `Mcp-Name` and headers of earlier revisions.
pub const PROMISES: &[Promise] = promises! {
    the_method_header_is_the_method, "T15 T16 T21", "Mcp-Method missing, twice, or another than the body's is 400 -32020";
    the_name_header_is_the_name, "T15 T16 T21", "Mcp-Name missing, twice, or another than the body's is 400 -32020";
    names_may_be_in_base64, "T17", "Mcp-Name may be =?base64?…?=, and is decoded before it is compared";
    bad_base64_is_refused, "T17", "Mcp-Name with bad padding or alphabet, or not UTF-8 inside, is 400 -32020";
    half_a_marker_is_literal, "T17", "without both markers a name is what it says";
    headers_come_before_methods, "T15 T13", "a lying header is told before an unknown method";
    the_old_era_has_no_such_headers, "T15", "a request of 2025 is not refused for headers that it does not know";
    no_session_id_ever, "T19 G4", "no answer has an Mcp-Session-Id";
    stray_session_ids_are_ignored, "T19 G4", "Mcp-Session-Id and Last-Event-ID change nothing";
};

async fn the_method_header_is_the_method(t: &Target) -> Kept {
    let call = || t.modern("server/discover", json!({}));
    for other in [
        "",
        "ping",
        "Server/Discover",
        "server/discover/",
        "tools/call",
        "=?base64?c2VydmVyL2Rpc2NvdmVy?=",
    ] {
        let call = call().set("mcp-method", other).with(format!("Mcp-Method: {other}"));
        call.send().await?.error(400, -32020)?;
    }
    call().without("mcp-method").with("no Mcp-Method").send().await?.error(400, -32020)?;
    for second in ["server/discover", "ping"] {
        let call = call().header("mcp-method", second).with(format!("a second, {second}"));
        call.send().await?.error(400, -32020)?;
    }
    let call = call().set("mcp-method", b"server/discover\xff");
    call.with("Mcp-Method in no ASCII").send().await?.error(400, -32020)?;
    Ok(())
}

async fn the_name_header_is_the_name(t: &Target) -> Kept {
    for (method, member) in
        [("tools/call", "name"), ("prompts/get", "name"), ("resources/read", "uri")]
    {
        let call = || t.modern(method, json!({member: "no-such-name"}));
        for other in ["", "echo", "No-Such-Name", "no-such-name ,x"] {
            let call = call().set("mcp-name", other).with(format!("Mcp-Name: {other}"));
            call.send().await?.error(400, -32020)?;
        }
        call().without("mcp-name").with("no Mcp-Name").send().await?.error(400, -32020)?;
        let two = call().header("mcp-name", "no-such-name").with("two Mcp-Name");
        two.send().await?.error(400, -32020)?;
        not_a_mismatch(call()).await?;
    }
    Ok(())
}

/// Sends a call of something that is not there, whose headers are right.
async fn not_a_mismatch(call: Call<'_>) -> Result<Answer, String> {
    let answer = call.send().await?;
    let code = answer.json()?["error"]["code"].as_i64();
    let fits = matches!(code, Some(-32601 | -32602));
    demand!(fits, "{}", answer.unlike("headers that are believed: -32601 or -32602"));
    Ok(answer)
}

async fn names_may_be_in_base64(t: &Target) -> Kept {
    for name in ["no-such-name", "kein Werkzeug für \u{1F600}", "line\nbreak", " blank ", ""] {
        let coded = format!("=?base64?{}?=", STANDARD.encode(name));
        let call = t.modern("tools/call", json!({"name": "to be replaced"}));
        let call = call.edit(|m| m["params"]["name"] = json!(name));
        not_a_mismatch(call.set("mcp-name", &coded).with(format!("Mcp-Name: {coded}"))).await?;
    }
    let lie = format!("=?base64?{}?=", STANDARD.encode("other"));
    let call = t.modern("tools/call", json!({"name": "no-such-name"})).set("mcp-name", &lie);
    call.with(format!("Mcp-Name: {lie}")).send().await?.error(400, -32020)?;
    Ok(())
}

async fn bad_base64_is_refused(t: &Target) -> Kept {
    // "abcd" is YWJjZA==; the last but two end in bits that no encoder writes, the last is no UTF-8
    for coded in
        ["YWJjZA", "YWJjZA=", "YWJj ZA==", "YWJjZA==\t", "YWJj-_==", "YWJjZB==", "YWJjZP==", "/w=="]
    {
        let header = format!("=?base64?{coded}?=");
        // not even for a tool whose name is the header as it stands, or what a lenient reader makes of it
        for name in ["abcd", &header, "\u{fffd}"] {
            let call = t.modern("tools/call", json!({"name": name})).set("mcp-name", &header);
            call.with(format!("Mcp-Name: {header}")).send().await?.error(400, -32020)?;
        }
    }
    Ok(())
}

async fn half_a_marker_is_literal(t: &Target) -> Kept {
    for name in ["=?base64?YWJjZA==", "YWJjZA==?=", "=?base32?YWJjZA==?="] {
        let call = t.modern("tools/call", json!({"name": name}));
        not_a_mismatch(call.with(format!("Mcp-Name: {name}"))).await?;
    }
    Ok(())
}

async fn headers_come_before_methods(t: &Target) -> Kept {
    let call = t.modern(methods::UNKNOWN, json!({})).set("mcp-method", "server/discover");
    call.with("a lying Mcp-Method").send().await?.error(400, -32020)?;
    Ok(())
}

async fn the_old_era_has_no_such_headers(t: &Target) -> Kept {
    let call = t.legacy("ping", json!({})).header("mcp-method", "tools/call");
    call.header("mcp-name", "=?base64?!?=").with("odd headers").send().await?.result()?;
    Ok(())
}

async fn no_session_id_ever(t: &Target) -> Kept {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}});
    for call in [
        t.legacy("initialize", params.clone()),
        t.legacy("initialize", params).header("mcp-session-id", "s-1").with("a session id"),
        t.legacy_notification("notifications/initialized").header("mcp-session-id", "s-1"),
        t.legacy("ping", json!({})),
        t.legacy("ping", json!({})).body("{").named("broken JSON"),
        t.modern("server/discover", json!({})),
        t.modern("server/discover", json!({})).header("mcp-session-id", "s-1"),
        t.endpoint(axum::http::Method::GET).header("accept", "text/event-stream"),
        t.endpoint(axum::http::Method::DELETE).header("mcp-session-id", "s-1"),
    ] {
        let answer = call.send().await?;
        let none = !answer.headers.contains_key("mcp-session-id");
        demand!(none, "{}", answer.unlike("no Mcp-Session-Id"));
    }
    Ok(())
}

async fn stray_session_ids_are_ignored(t: &Target) -> Kept {
    for call in [t.modern("server/discover", json!({})), t.legacy("ping", json!({}))] {
        let plain = call.clone().send().await?.result()?;
        let call = call.header("mcp-session-id", "never-issued").header("last-event-id", "7");
        let answer = call.with("a stray session id").send().await?;
        demand!(answer.result()? == plain, "{}", answer.unlike("the answer that comes without it"));
    }
    let call = t.endpoint(axum::http::Method::GET).header("mcp-protocol-version", MODERN);
    call.header("last-event-id", "7").with("Last-Event-ID").send().await?.is(405)?;
    Ok(())
}
