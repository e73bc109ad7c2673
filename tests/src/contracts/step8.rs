//! Contract 8: what may this caller do?

use serde_json::{Value, json};

use super::step3::eras;
use crate::{Answer, Kept, Promise, Target, challenge::Challenge, contracts::methods};

/// The promises of lesson 8, all of them tried with tokens of our own.
pub const PARTS: &[&[Promise]] = &[PROMISES, ROLES];

/// What a role opens.
pub const ROLES: &[Promise] = promises! {
    signs: true;
    roles_grant_by_the_table_alone, "A10", "the role admin grants all three scopes, and no other role anything";
};

const PROMISES: &[Promise] = promises! {
    signs: true;
    scopes_open_what_they_name, "A3 A10 F7 A16", "the permission matrix: each set of scopes opens its methods and no other";
    scopes_are_read_from_three_claims, "A10", "scopes come as a string, as a list `scope`, as a list `scopes`; roles from `roles` and `realm_access.roles`";
    scopes_are_whole_words, "A10", "mcp:tools is not in xmcp:toolsy, nor in mcp:*";
    odd_claims_are_refused, "A3 A6", "a scope or role claim of the wrong type is a bad token, 401";
    a_403_names_what_is_needed, "A9 A2", "403 insufficient_scope carries in one challenge the scope that is needed and the metadata";
    a_403_is_no_json_rpc, "A9 B11", "403 is OAuth's refusal, never a JSON-RPC error, for those who want streams too";
    notifications_need_no_scope, "T5", "a notification needs a token and no scope";
    scopes_come_before_parameters, "A6", "without the scope nobody learns which tools are there; headers and methods are told first";
    lists_are_for_the_caller_alone, "F12 A16", "what depends on the caller is private";
};

const METHODS: [(&str, Option<&str>); 8] = [
    ("server/discover", None),
    ("initialize", None),
    ("ping", None),
    ("tools/list", None),
    ("tools/call", Some("echo")),
    ("tools/call", Some("whoami")),
    ("prompts/list", None),
    ("prompts/get", Some("help")),
];

/// The status of a method for a caller with these claims, in the era that has the method.
async fn asked(
    t: &Target,
    claims: &Value,
    method: &str,
    name: Option<&str>,
) -> Result<Vec<Answer>, String> {
    let issuer = t.issuer().ok_or("this needs the keys that the server trusts")?;
    let token = issuer.token(claims)?;
    let params = match name {
        Some("echo") => json!({"name": "echo", "arguments": {"message": "hi"}}),
        Some(name) => json!({"name": name}),
        None => json!({}),
    };
    let [modern, legacy] = eras(t, method, params);
    let calls = match method {
        "server/discover" => vec![modern],
        "initialize" | "ping" => vec![legacy],
        _ => vec![modern, legacy],
    };
    let mut answers = Vec::new();
    for call in calls {
        let name = name.unwrap_or_default();
        answers.push(call.token(&token).with(format!("{name} and {claims}")).send().await?);
    }
    Ok(answers)
}

/// Expects that a caller with these claims may do what the row says, for the methods of [`METHODS`].
pub(super) async fn row(t: &Target, claims: Value, allowed: [bool; 8]) -> Kept {
    for ((method, name), allowed) in METHODS.into_iter().zip(allowed) {
        for answer in asked(t, &claims, method, name).await? {
            if allowed {
                answer.result()?;
            } else {
                answer.refused(403)?;
            }
        }
    }
    Ok(())
}

pub(super) const NOTHING: [bool; 8] = [true, true, true, false, false, false, false, false];
const ALL: [bool; 8] = [true; 8];

async fn scopes_open_what_they_name(t: &Target) -> Kept {
    let (yes, no) = (true, false);
    for (scope, allowed) in [
        // discover, initialize, ping, tools/list, echo, whoami, prompts/list, prompts/get
        ("mcp:read mcp:tools mcp:prompts", ALL),
        ("mcp:read mcp:tools", [yes, yes, yes, yes, yes, yes, yes, no]),
        ("mcp:read mcp:prompts", [yes, yes, yes, yes, no, no, yes, yes]),
        ("mcp:read", [yes, yes, yes, yes, no, no, yes, no]),
        ("mcp:tools", [yes, yes, yes, yes, yes, yes, no, no]),
        ("mcp:prompts", [yes, yes, yes, no, no, no, yes, yes]),
        ("", NOTHING),
        ("something:else", NOTHING),
    ] {
        row(t, json!({"scope": scope}), allowed).await?;
    }
    row(t, json!({"scope": null}), NOTHING).await?;
    row(t, json!({"scope": [""]}), NOTHING).await
}

async fn roles_grant_by_the_table_alone(t: &Target) -> Kept {
    row(t, json!({"scope": "", "roles": ["admin"]}), ALL).await?;
    row(t, json!({"scope": "", "realm_access": {"roles": ["admin"]}}), ALL).await?;
    for role in ["Admin", "admin ", "administrator", "root", "mcp:tools", "notadminreally", "*"] {
        row(t, json!({"scope": "", "roles": [role]}), NOTHING).await?;
    }
    row(t, json!({"scope": "admin"}), NOTHING).await?;
    row(t, json!({"scope": "", "sub": "admin", "role": "admin", "groups": ["admin"]}), NOTHING)
        .await
}

async fn scopes_are_read_from_three_claims(t: &Target) -> Kept {
    for claims in [
        json!({"scope": "mcp:prompts  mcp:tools mcp:read"}),
        json!({"scope": ["mcp:read", "mcp:tools", "mcp:prompts"]}),
        json!({"scope": null, "scopes": ["mcp:read", "mcp:tools", "mcp:prompts"]}),
        json!({"scope": "mcp:read", "scopes": ["mcp:tools", "mcp:prompts"]}),
    ] {
        row(t, claims, ALL).await?;
    }
    Ok(())
}

async fn scopes_are_whole_words(t: &Target) -> Kept {
    for scope in [
        "xmcp:toolsy",
        "xmcp:readx",
        "mcp",
        "mcp:",
        "mcp:*",
        "*",
        "MCP:READ",
        "mcp:tools,mcp:read",
        "mcp:tools\tmcp:read",
    ] {
        row(t, json!({"scope": scope}), NOTHING).await?;
    }
    row(t, json!({"scope": ["xmcp:toolsy"], "scopes": ["mcp:toolsmcp:read"]}), NOTHING).await
}

async fn odd_claims_are_refused(t: &Target) -> Kept {
    for claims in [
        json!({"scope": {"mcp:tools": true}}),
        json!({"scope": true}),
        json!({"scope": 5}),
        json!({"scope": ["mcp:read", 5]}),
        json!({"scope": ["mcp:read mcp:tools"]}),
        json!({"scope": [["mcp:tools"]]}),
        json!({"scopes": "mcp:tools"}),
        json!({"scopes": {}}),
        json!({"roles": "admin"}),
        json!({"roles": {"admin": true}}),
        json!({"roles": ["admin", 1]}),
        json!({"realm_access": ["admin"]}),
        json!({"realm_access": {"roles": "admin"}}),
    ] {
        for answer in asked(t, &claims, "server/discover", None).await? {
            let body = answer.refused(401)?;
            demand!(body["error"] == "invalid_token", "{}", answer.unlike("invalid_token"));
        }
    }
    Ok(())
}

async fn a_403_names_what_is_needed(t: &Target) -> Kept {
    let metadata =
        format!("{}/.well-known/oauth-protected-resource{}", t.origin(), t.endpoint_path());
    for (method, name, scope) in [
        ("tools/list", None, "mcp:read"),
        ("prompts/list", None, "mcp:read"),
        ("tools/call", Some("echo"), "mcp:tools"),
        ("tools/call", Some("whoami"), "mcp:tools"),
        ("prompts/get", Some("help"), "mcp:prompts"),
    ] {
        for answer in asked(t, &json!({"scope": ""}), method, name).await? {
            let body = answer.refused(403)?;
            let told = body["error"] == "insufficient_scope";
            demand!(told, "{}", answer.unlike("insufficient_scope"));
            let challenge = Challenge::of(&answer)?;
            for (name, expected) in [
                ("error", "insufficient_scope"),
                ("scope", scope),
                ("resource_metadata", &metadata),
            ] {
                let told = challenge.get(name) == Some(expected);
                demand!(told, "{}, {challenge:?}", answer.unlike(format!("{name}=\"{expected}\"")));
            }
        }
    }
    Ok(())
}

async fn a_403_is_no_json_rpc(t: &Target) -> Kept {
    let issuer = t.issuer().ok_or("this needs the keys that the server trusts")?;
    let token = issuer.token(&json!({"scope": "mcp:read"}))?;
    for accept in ["text/event-stream", "application/json", "application/json, text/event-stream"] {
        for call in eras(t, "tools/call", json!({"name": "echo", "arguments": {"message": "hi"}})) {
            let call = call.token(&token).set("accept", accept);
            let answer = call.with(format!("Accept: {accept}")).send().await?;
            let body = answer.refused(403)?;
            let text = body.to_string();
            let plain = !text.contains("-32001") && body.get("id").is_none();
            demand!(plain, "{}", answer.unlike("a refusal that is not JSON-RPC"));
        }
    }
    Ok(())
}

async fn notifications_need_no_scope(t: &Target) -> Kept {
    let issuer = t.issuer().ok_or("this needs the keys that the server trusts")?;
    let token = issuer.token(&json!({"scope": ""}))?;
    for name in ["notifications/initialized", "notifications/cancelled", "tools/call"] {
        for call in [t.modern_notification(name), t.legacy_notification(name)] {
            call.token(&token).send().await?.is(202)?.empty()?;
        }
    }
    Ok(())
}

async fn scopes_come_before_parameters(t: &Target) -> Kept {
    let issuer = t.issuer().ok_or("this needs the keys that the server trusts")?;
    let token = issuer.token(&json!({"scope": "mcp:read"}))?;
    for params in
        [json!({"name": "no-such-tool"}), json!({"name": "echo", "arguments": {}}), json!({})]
    {
        for call in eras(t, "tools/call", params.clone()) {
            call.token(&token).with(params.clone()).send().await?.refused(403)?;
        }
    }
    let nothing = issuer.token(&json!({"scope": ""}))?;
    let cursor = json!({"cursor": "no such cursor"});
    for call in eras(t, "tools/list", cursor) {
        call.token(&nothing).with("a bad cursor").send().await?.refused(403)?;
    }
    let call = t.modern("tools/call", json!({"name": "echo"})).set("mcp-method", "ping");
    call.token(&nothing).with("a lying header").send().await?.error(400, -32020)?;
    t.modern(methods::UNKNOWN, json!({})).token(&nothing).send().await?.error(404, -32601)?;
    t.legacy(methods::UNKNOWN, json!({})).token(&nothing).send().await?.error(200, -32601)?;
    Ok(())
}

async fn lists_are_for_the_caller_alone(t: &Target) -> Kept {
    for method in ["tools/list", "prompts/list", "server/discover"] {
        for answer in asked(t, &json!({"scope": "mcp:read"}), method, None).await? {
            let scope = answer.result()?["cacheScope"].clone();
            let fits = scope.is_null() || scope == "private"; // the old era has no such member
            demand!(fits, "{}", answer.unlike("cacheScope private"));
        }
    }
    Ok(())
}
