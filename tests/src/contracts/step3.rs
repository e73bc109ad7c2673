//! Contract 3: which tools and prompts are there? A list that a model and a cache can rely on.

use serde_json::{Value, json};

use crate::{Answer, Call, Kept, Promise, Target};

/// The promises of lesson 3.
pub const PROMISES: &[Promise] = promises! {
    the_tools_of_the_workshop_are_listed, "F1", "tools/list has echo and get_time, and from step 6 on whoami, in both eras";
    the_prompts_of_the_workshop_are_listed, "F1", "prompts/list has greeting and help with their arguments, in both eras";
    tools_say_what_they_take, "F3 B9", "a tool has an inputSchema, an object, whose properties are described";
    echo_is_described_to_the_letter, "F3", "the schema of echo comes from its type: required message, repeat_count from 1 to 10 or 1";
    tools_are_described_for_people, "F3", "a tool has title, description and annotations";
    names_are_well_formed, "F4", "names have 1 to 64 letters, digits, _ - or ., and stand once";
    lists_keep_their_order, "F1 F2", "a list is sorted by name, and is the same whatever was asked before";
    bad_cursors_are_refused, "F11", "a cursor that was not given is -32602, HTTP 200, and an empty one begins at the beginning";
    lists_may_be_kept, "F12", "a modern list says for how long it may be kept, and by whom";
    lists_are_declared, "B8 F14", "tools and prompts are declared, without listChanged";
};

/// Both eras of a request.
pub(crate) fn eras<'a>(t: &'a Target, method: &str, params: Value) -> [Call<'a>; 2] {
    [t.modern(method, params.clone()), t.legacy(method, params)]
}

/// The entries of a list.
async fn listed(call: Call<'_>, member: &str) -> Result<(Answer, Vec<Value>), String> {
    let answer = call.send().await?;
    let result = answer.result()?;
    let Some(entries) = result[member].as_array() else {
        return Err(answer.unlike(format!("a list {member}")));
    };
    Ok((answer, entries.clone()))
}

async fn names(call: Call<'_>, member: &str) -> Result<Vec<String>, String> {
    let (_, entries) = listed(call, member).await?;
    Ok(entries.iter().map(|e| e["name"].as_str().unwrap_or_default().to_owned()).collect())
}

async fn the_tools_of_the_workshop_are_listed(t: &Target) -> Kept {
    let mut expected = vec!["echo", "get_time"];
    if t.step >= 6 {
        expected.push("whoami");
    }
    for call in eras(t, "tools/list", json!({})) {
        let names = names(call, "tools").await?;
        let has = |tool: &&str| names.iter().any(|name| name == tool); // a learner may add his own
        demand!(expected.iter().all(has), "tools/list: expected {expected:?}, got {names:?}");
    }
    Ok(())
}

async fn the_prompts_of_the_workshop_are_listed(t: &Target) -> Kept {
    for call in eras(t, "prompts/list", json!({})) {
        let (answer, prompts) = listed(call, "prompts").await?;
        let told: Vec<_> = prompts.iter().map(arguments).collect();
        let greeting = vec![("language".to_owned(), false), ("name".to_owned(), true)];
        let expected = [("greeting".to_owned(), greeting), ("help".to_owned(), vec![])];
        demand!(told == expected, "{}", answer.unlike(format!("{expected:?}")));
    }
    Ok(())
}

/// Name of a prompt, and names of its arguments with whether they are required.
fn arguments(prompt: &Value) -> (String, Vec<(String, bool)>) {
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let arguments = prompt["arguments"].as_array().cloned().unwrap_or_default();
    let mut told: Vec<_> =
        arguments.iter().map(|a| (name(a), a["required"].as_bool().unwrap_or(false))).collect();
    told.sort();
    (name(prompt), told)
}

async fn tools_say_what_they_take(t: &Target) -> Kept {
    let (answer, tools) = listed(t.modern("tools/list", json!({})), "tools").await?;
    for tool in &tools {
        let schema = &tool["inputSchema"];
        let closed = schema["type"] == "object" && schema["additionalProperties"] == false;
        demand!(closed, "{}", answer.unlike("inputSchema, an object without other properties"));
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let told = property["description"].as_str().is_some_and(|text| !text.is_empty());
            demand!(told, "{}", answer.unlike(format!("{name} with a description")));
        }
        let zone = &schema["properties"]["timezone"]["default"];
        let told = tool["name"] != "get_time" || zone == "UTC";
        demand!(told, "{}", answer.unlike("get_time with the default time zone UTC"));
        demand!(
            !schema.to_string().contains("\"$ref\":\"http"),
            "{}",
            answer.unlike("no remote $ref")
        );
    }
    Ok(())
}

async fn echo_is_described_to_the_letter(t: &Target) -> Kept {
    let (answer, tools) = listed(t.modern("tools/list", json!({})), "tools").await?;
    let schema = tools.iter().find(|tool| tool["name"] == "echo").map(|tool| &tool["inputSchema"]);
    let Some(schema) = schema else { return Err(answer.unlike("a tool echo")) };
    let count = &schema["properties"]["repeat_count"];
    let number = |name: &str| count[name].as_f64();
    let told = [number("minimum"), number("maximum"), number("default")];
    demand!(
        told == [Some(1.0), Some(10.0), Some(1.0)],
        "{}",
        answer.unlike("repeat_count 1-10 = 1")
    );
    demand!(count["type"] == "integer", "{}", answer.unlike("repeat_count, an integer"));
    demand!(schema["required"] == json!(["message"]), "{}", answer.unlike("required: message"));
    let message = &schema["properties"]["message"]["type"];
    demand!(message == "string", "{}", answer.unlike("message, a string"));
    Ok(())
}

async fn tools_are_described_for_people(t: &Target) -> Kept {
    for (method, member) in [("tools/list", "tools"), ("prompts/list", "prompts")] {
        let (answer, entries) = listed(t.modern(method, json!({})), member).await?;
        for entry in &entries {
            for text in ["title", "description"] {
                let told = entry[text].as_str().is_some_and(|text| !text.is_empty());
                demand!(told, "{}", answer.unlike(format!("{} with a {text}", entry["name"])));
            }
            let hints = member == "prompts" || entry["annotations"]["readOnlyHint"].is_boolean();
            demand!(hints, "{}", answer.unlike(format!("{} with annotations", entry["name"])));
            // two that change nothing and reach nobody, which a client may tell its people
            let ours =
                member == "tools" && (entry["name"] == "echo" || entry["name"] == "get_time");
            let harmless = json!({"readOnlyHint": true, "destructiveHint": false,
                                  "idempotentHint": true, "openWorldHint": false});
            let told = !ours || entry["annotations"] == harmless;
            demand!(told, "{}", answer.unlike(format!("{} with {harmless}", entry["name"])));
        }
    }
    Ok(())
}

async fn names_are_well_formed(t: &Target) -> Kept {
    for (method, member) in [("tools/list", "tools"), ("prompts/list", "prompts")] {
        let names = names(t.modern(method, json!({})), member).await?;
        for (at, name) in names.iter().enumerate() {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
            let fits = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
            demand!(fits, "{method}: the name {name:?} is not 1 to 64 of A-Za-z0-9_-.");
            demand!(!names[..at].contains(name), "{method}: the name {name:?} stands twice");
        }
    }
    Ok(())
}

async fn lists_keep_their_order(t: &Target) -> Kept {
    for (method, member) in [("tools/list", "tools"), ("prompts/list", "prompts")] {
        let (_, first) = listed(t.modern(method, json!({})), member).await?;
        t.legacy("initialize", json!({"protocolVersion": "2025-06-18"})).send().await?;
        t.modern(method, json!({"cursor": "no such cursor"})).send().await?;
        for call in eras(t, method, json!({})) {
            let (answer, again) = listed(call, member).await?;
            demand!(again == first, "{}", answer.unlike("the list that came the first time"));
        }
        let names = names(t.modern(method, json!({})), member).await?;
        demand!(names.is_sorted(), "{method}: expected names in order, got {names:?}");
    }
    Ok(())
}

async fn bad_cursors_are_refused(t: &Target) -> Kept {
    for (method, member) in [("tools/list", "tools"), ("prompts/list", "prompts")] {
        for cursor in
            [json!("no such cursor"), json!("MQ"), json!("1"), json!(0), json!(null), json!([])]
        {
            for call in eras(t, method, json!({"cursor": cursor})) {
                call.with(format!("cursor {cursor}")).send().await?.error(200, -32602)?;
            }
        }
        for call in eras(t, method, json!({"cursor": ""})) {
            let (answer, entries) = listed(call.with("an empty cursor"), member).await?;
            demand!(!entries.is_empty(), "{}", answer.unlike("the first page"));
        }
    }
    Ok(())
}

async fn lists_may_be_kept(t: &Target) -> Kept {
    let scope = if t.step < 6 { "public" } else { "private" };
    for method in ["server/discover", "tools/list", "prompts/list"] {
        let answer = t.modern(method, json!({})).send().await?;
        let result = answer.result()?;
        demand!(result["ttlMs"] == 300_000, "{}", answer.unlike("ttlMs 300000"));
        demand!(result["cacheScope"] == scope, "{}", answer.unlike(format!("cacheScope {scope}")));
        demand!(result["resultType"] == "complete", "{}", answer.unlike("resultType complete"));
    }
    for method in ["tools/list", "prompts/list"] {
        let answer = t.legacy(method, json!({})).send().await?;
        let result = answer.result()?;
        let old = result.get("ttlMs").is_none() && result.get("cacheScope").is_none();
        demand!(old, "{}", answer.unlike("nothing that the old era does not know"));
    }
    Ok(())
}

async fn lists_are_declared(t: &Target) -> Kept {
    let answer = t.modern("server/discover", json!({})).send().await?;
    let declared = answer.result()?["capabilities"].clone();
    for feature in ["tools", "prompts"] {
        demand!(declared[feature].is_object(), "{}", answer.unlike(format!("{feature} declared")));
        let silent = declared[feature].get("listChanged").is_none_or(|told| told == false);
        demand!(silent, "{}", answer.unlike("no listChanged, which nobody would send"));
    }
    Ok(())
}
