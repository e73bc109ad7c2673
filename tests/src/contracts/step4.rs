//! Contract 4: how is a tool called, and a prompt filled in?

use serde_json::{Value, json};

use super::step3::eras;
use crate::{Answer, Kept, Promise, Target};

/// The promises of lesson 4.
pub const PROMISES: &[Promise] = promises! {
    echo_repeats, "F5", "echo repeats its message without a separator, once if it is not told how often";
    get_time_tells_the_time, "F5", "get_time tells the time now, in UTC or the time zone asked for";
    results_are_structured, "F5 F9", "structuredContent is as outputSchema says, and stands as text too";
    unknown_tools_are_a_protocol_error, "F6", "a tool that is not there is HTTP 200 with -32602, in both eras";
    calls_without_shape_are_a_protocol_error, "F6", "a call whose name is no string or whose arguments are no object is -32602";
    bad_arguments_are_for_the_model, "F6 F7", "a bad argument is a result with isError that names it and what is allowed";
    prompts_are_filled_in, "F8 F9", "greeting and help give messages of the user, with what was asked for";
    bad_prompt_arguments_are_refused, "F8", "a prompt that is not there, or lacks an argument, is HTTP 200 with -32602";
};

/// The result of a tool, in both eras.
async fn called(t: &Target, name: &str, arguments: Value) -> Result<Vec<(Answer, Value)>, String> {
    let mut results = Vec::new();
    for call in eras(t, "tools/call", json!({"name": name, "arguments": arguments})) {
        let answer = call.with(format!("{name} {arguments}")).send().await?;
        let result = answer.result()?;
        results.push((answer, result));
    }
    Ok(results)
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

async fn echo_repeats(t: &Target) -> Kept {
    for (arguments, said) in [
        (json!({"message": "hi"}), "hi"),
        (json!({"message": "hi", "repeat_count": 1}), "hi"),
        (json!({"message": "hi ", "repeat_count": 3}), "hi hi hi "),
        (json!({"message": "a", "repeat_count": 10}), "aaaaaaaaaa"),
        (json!({"message": "é\u{1F600}\n\"", "repeat_count": 2}), "é\u{1F600}\n\"é\u{1F600}\n\""),
        (json!({"message": "", "repeat_count": 5}), ""),
    ] {
        for (answer, result) in called(t, "echo", arguments).await? {
            demand!(result["isError"] != true, "{}", answer.unlike("no error"));
            demand!(text(&result) == said, "{}", answer.unlike(format!("the text {said:?}")));
        }
    }
    Ok(())
}

async fn get_time_tells_the_time(t: &Target) -> Kept {
    for (arguments, zone) in [
        (json!({}), "UTC"),
        (json!({"timezone": "UTC"}), "UTC"),
        (json!({"timezone": "Europe/Berlin"}), "Europe/Berlin"),
        (json!({"timezone": "Asia/Kathmandu"}), "Asia/Kathmandu"),
    ] {
        for (answer, result) in called(t, "get_time", arguments.clone()).await? {
            let told = &result["structuredContent"];
            demand!(told["timezone"] == zone, "{}", answer.unlike(format!("timezone {zone}")));
            let time = told["time"].as_str().unwrap_or_default();
            let Ok(parsed) = chrono::DateTime::parse_from_rfc3339(time) else {
                return Err(answer.unlike("a time as RFC 3339 writes it"));
            };
            let late = (chrono::Utc::now() - parsed.to_utc()).num_seconds().abs();
            demand!(late < 120, "{}, {late} s off", answer.unlike("the time now"));
            let zone: Option<chrono_tz::Tz> = zone.parse().ok();
            let local = zone.map(|zone| parsed.with_timezone(&zone).naive_local());
            let fits = local == Some(parsed.naive_local());
            demand!(fits, "{}", answer.unlike("the offset of the time zone"));
        }
    }
    Ok(())
}

async fn results_are_structured(t: &Target) -> Kept {
    let listed = t.modern("tools/list", json!({})).send().await?.result()?;
    for (name, arguments) in [("echo", json!({"message": "hi"})), ("get_time", json!({}))] {
        let tools = listed["tools"].as_array().cloned().unwrap_or_default();
        let tool = tools.into_iter().find(|tool| tool["name"] == name).unwrap_or_default();
        let schema = &tool["outputSchema"];
        demand!(schema["type"] == "object", "tools/list: {name} has no outputSchema, an object");
        for (answer, result) in called(t, name, arguments).await? {
            let told = &result["structuredContent"];
            if let Err(why) = conforms(told, schema) {
                return Err(answer.unlike(format!("structuredContent as outputSchema says: {why}")));
            }
            let found =
                told.as_object().into_iter().flatten().any(|(_, value)| value == text(&result));
            demand!(found, "{}", answer.unlike("the text of the result in structuredContent too"));
            let kind = &result["content"][0]["type"];
            demand!(kind == "text", "{}", answer.unlike("content of type text"));
        }
    }
    Ok(())
}

/// Does a value fit a schema of an object with properties of plain types?
fn conforms(value: &Value, schema: &Value) -> Kept {
    let Some(object) = value.as_object() else { return Err("it is no object".into()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        demand!(object.contains_key(name), "{name} is missing");
    }
    for (name, value) in object {
        let kind = schema["properties"][name]["type"].as_str();
        let fits = match kind {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => return Err(format!("{name} is not in the schema")),
        };
        demand!(fits, "{name} is not of type {}", kind.unwrap_or_default());
    }
    Ok(())
}

async fn unknown_tools_are_a_protocol_error(t: &Target) -> Kept {
    for name in ["no-such-tool", "Echo", "echo ", "", "greeting"] {
        let params = json!({"name": name, "arguments": {"message": "hi"}});
        for call in eras(t, "tools/call", params) {
            // a blank at the end of a header is no part of its value, so this name needs base64
            let call = if name == "echo " { call.coded_name("=?base64?ZWNobyA=?=") } else { call };
            let answer = call.with(format!("the tool {name:?}")).send().await?;
            let message = answer.error(200, -32602)?;
            demand!(message["id"] == 1, "{}", answer.unlike("the id 1"));
        }
    }
    Ok(())
}

async fn calls_without_shape_are_a_protocol_error(t: &Target) -> Kept {
    for method in ["tools/call", "prompts/get"] {
        for params in
            [json!({}), json!({"name": 5}), json!({"name": null}), json!({"name": ["echo"]})]
        {
            for call in eras(t, method, params.clone()) {
                call.with(&params).send().await?.error(200, -32602)?;
            }
        }
        let name = if method == "tools/call" { "get_time" } else { "help" };
        for arguments in [json!([]), json!("{}"), json!(null), json!(1)] {
            let params = json!({"name": name, "arguments": arguments});
            for call in eras(t, method, params) {
                let call = call.with(format!("arguments {arguments}"));
                call.send().await?.error(200, -32602)?;
            }
        }
    }
    Ok(())
}

async fn bad_arguments_are_for_the_model(t: &Target) -> Kept {
    for (tool, arguments, words) in [
        ("echo", json!({}), &["message"][..]),
        ("echo", json!({"message": 5}), &["message", "string"]),
        ("echo", json!({"message": null}), &["message", "string"]),
        ("echo", json!({"message": "a", "repeat_count": 0}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "repeat_count": 11}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "repeat_count": -1}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "repeat_count": 1.5}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "repeat_count": "3"}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "repeat_count": 1e9}), &["repeat_count", "1", "10"]),
        ("echo", json!({"message": "a", "loud": true}), &["loud", "message"]),
        ("get_time", json!({"timezone": "Mars/Olympus"}), &["timezone", "IANA"]),
        ("get_time", json!({"timezone": "../../etc/passwd"}), &["timezone", "IANA"]),
        ("get_time", json!({"timezone": 1}), &["timezone"]),
        ("get_time", json!({"zone": "UTC"}), &["zone", "timezone"]),
    ] {
        for (answer, result) in called(t, tool, arguments).await? {
            demand!(result["isError"] == true, "{}", answer.unlike("isError: true"));
            demand!(result.get("structuredContent").is_none(), "{}", answer.unlike("no result"));
            for word in words {
                let named = text(&result).contains(word);
                demand!(named, "{}", answer.unlike(format!("a text that says {word:?}")));
            }
        }
    }
    Ok(())
}

async fn prompts_are_filled_in(t: &Target) -> Kept {
    for (name, arguments, words) in [
        ("greeting", json!({"name": "Ada"}), &["Ada"][..]),
        ("greeting", json!({"name": "Ada", "language": "Welsh"}), &["Ada", "Welsh"]),
        ("help", json!({}), &["tool"]),
    ] {
        let params = json!({"name": name, "arguments": arguments});
        for call in eras(t, "prompts/get", params) {
            let answer = call.with(format!("{name} {arguments}")).send().await?;
            let result = answer.result()?;
            let message = &result["messages"][0];
            let fits = message["role"] == "user" && message["content"]["type"] == "text";
            demand!(fits, "{}", answer.unlike("a message of the user, in text"));
            let about = result["description"].as_str().is_some_and(|text| !text.is_empty());
            demand!(about, "{}", answer.unlike("a description"));
            let said = message["content"]["text"].as_str().unwrap_or_default();
            for word in words {
                demand!(said.contains(word), "{}", answer.unlike(format!("{word:?} in the text")));
            }
        }
    }
    for call in eras(t, "prompts/get", json!({"name": "help"})) {
        call.with("help without arguments").send().await?.result()?;
    }
    Ok(())
}

async fn bad_prompt_arguments_are_refused(t: &Target) -> Kept {
    for (name, arguments, word) in [
        ("no-such-prompt", json!({}), "no-such-prompt"),
        ("echo", json!({"message": "hi"}), "echo"),
        ("greeting", json!({}), "name"),
        ("greeting", json!({"name": 5}), "name"),
        ("greeting", json!({"language": "Welsh"}), "name"),
        ("greeting", json!({"name": "Ada", "tone": "warm"}), "tone"),
    ] {
        for call in eras(t, "prompts/get", json!({"name": name, "arguments": arguments})) {
            let answer = call.with(format!("{name} {arguments}")).send().await?;
            let message = answer.error(200, -32602)?;
            let said = message["error"]["message"].as_str().unwrap_or_default();
            demand!(said.contains(word), "{}", answer.unlike(format!("a sentence with {word:?}")));
        }
    }
    Ok(())
}
