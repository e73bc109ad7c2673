//! Breakages of tools and prompts, listed and used.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Breakage, How, breakage};
use crate::Answer;

/// Breakages of what lessons 3 and 4 promise.
pub const BREAKAGES: &[Breakage] = &[
    breakage(
        3,
        "shuffled-lists",
        "lists_keep_their_order",
        "every other list is in another order",
        How::Answered(|asked, answer| {
            each_list(answer, |entries| {
                if asked.number % 2 == 1 {
                    entries.reverse();
                }
            });
        }),
    ),
    breakage(
        3,
        "lists-without-age",
        "lists_may_be_kept",
        "lists have no ttlMs",
        How::Answered(|_, answer| result(answer, |result| remove(result, "ttlMs"))),
    ),
    breakage(
        3,
        "lists-of-nobody",
        "lists_may_be_kept",
        "cacheScope is another one",
        How::Answered(|_, answer| {
            result(answer, |result| {
                let other = if result["cacheScope"] == "public" { "private" } else { "public" };
                if result.get("cacheScope").is_some() {
                    result["cacheScope"] = json!(other);
                }
            });
        }),
    ),
    breakage(
        3,
        "any-cursor",
        "bad_cursors_are_refused",
        "a cursor is not looked at",
        How::Asked(|asked| {
            let mut message = asked.message();
            if message["params"].get("cursor").is_some() {
                remove(&mut message["params"], "cursor");
                asked.body = message.to_string().into();
            }
        }),
    ),
    breakage(
        3,
        "schema-of-anything",
        "echo_is_described_to_the_letter",
        "the schema of a tool is an empty object",
        How::Answered(|_, answer| {
            each_list(answer, |entries| {
                for entry in entries.iter_mut().filter(|entry| entry.get("inputSchema").is_some()) {
                    entry["inputSchema"] = json!({"type": "object", "additionalProperties": false});
                }
            });
        }),
    ),
    breakage(
        3,
        "open-schema",
        "tools_say_what_they_take",
        "a schema allows arguments that the tool refuses",
        How::Answered(|_, answer| {
            each_list(answer, |entries| {
                for entry in entries {
                    remove(&mut entry["inputSchema"], "additionalProperties");
                }
            });
        }),
    ),
    breakage(
        3,
        "names-with-blanks",
        "names_are_well_formed",
        "the name of a tool has a blank in it",
        How::Answered(|_, answer| {
            each_list(answer, |entries| entries[0]["name"] = json!("a name"));
        }),
    ),
    breakage(
        3,
        "list-changed",
        "lists_are_declared",
        "listChanged is declared, and nothing comes of it",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if result["capabilities"]["tools"].is_object() {
                    result["capabilities"]["tools"]["listChanged"] = json!(true);
                }
            });
        }),
    ),
    breakage(
        4,
        "bad-arguments-are-errors",
        "bad_arguments_are_for_the_model",
        "a bad argument is a protocol error",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["result"]["isError"] == true {
                    remove(message, "result");
                    message["error"] = json!({"code": -32602, "message": "bad arguments"});
                }
            });
        }),
    ),
    breakage(
        4,
        "mute-errors",
        "bad_arguments_are_for_the_model",
        "a bad argument is not named",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if result["isError"] == true {
                    result["content"] = json!([{"type": "text", "text": "bad arguments"}]);
                }
            });
        }),
    ),
    breakage(
        4,
        "unknown-tools-are-results",
        "unknown_tools_are_a_protocol_error",
        "an unknown tool is a result with isError",
        How::Answered(|_, answer| {
            answer.change(|message| {
                if message["error"]["code"] == -32602 {
                    remove(message, "error");
                    message["result"] = json!({"isError": true, "content": []});
                }
            });
        }),
    ),
    breakage(
        4,
        "unknown-prompts-are-400",
        "bad_prompt_arguments_are_refused",
        "a prompt with bad arguments is HTTP 400",
        How::Answered(|_, answer| {
            if answer.message()["error"]["code"] == -32602 {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
    breakage(
        4,
        "text-only",
        "results_are_structured",
        "results have no structuredContent",
        How::Answered(|_, answer| result(answer, |result| remove(result, "structuredContent"))),
    ),
    breakage(
        4,
        "other-structure",
        "results_are_structured",
        "structuredContent is not as outputSchema says",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if let Some(told) = result["structuredContent"].as_object_mut() {
                    told.insert("extra".into(), json!(1));
                }
            });
        }),
    ),
    breakage(
        4,
        "an-echo-too-few",
        "echo_repeats",
        "echo repeats with a blank between",
        How::Answered(|asked, answer| {
            let arguments = asked.message()["params"]["arguments"].clone();
            let (said, count) = (arguments["message"].as_str(), arguments["repeat_count"].as_u64());
            if let (Some(said), Some(count @ 2..=10)) = (said, count) {
                let text = vec![said; usize::try_from(count).unwrap_or(1)].join(" ");
                result(answer, |result| result["content"][0]["text"] = json!(text));
            }
        }),
    ),
    breakage(
        4,
        "always-noon",
        "get_time_tells_the_time",
        "get_time tells the same time at all times",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if result["structuredContent"]["time"].is_string() {
                    result["structuredContent"]["time"] = json!("2026-01-01T12:00:00Z");
                }
            });
        }),
    ),
    breakage(
        4,
        "nobody-greeted",
        "prompts_are_filled_in",
        "a prompt forgets what was asked for",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if result["messages"].is_array() {
                    result["messages"][0]["content"]["text"] = json!("Write a greeting.");
                }
            });
        }),
    ),
    breakage(
        3,
        "hidden-tool",
        "the_tools_of_the_workshop_are_listed",
        "the first tool is not listed",
        How::Answered(|_, answer| {
            result(answer, |result| {
                if let Some(tools) = result["tools"].as_array_mut() {
                    tools.remove(0);
                }
            });
        }),
    ),
    breakage(
        3,
        "hidden-prompt",
        "the_prompts_of_the_workshop_are_listed",
        "the arguments of a prompt are not listed",
        How::Answered(|_, answer| {
            each_list(answer, |entries| {
                entries.iter_mut().for_each(|entry| remove(entry, "arguments"))
            });
        }),
    ),
    breakage(
        3,
        "untitled",
        "tools_are_described_for_people",
        "what is listed has no title",
        How::Answered(|_, answer| {
            each_list(answer, |entries| {
                entries.iter_mut().for_each(|entry| remove(entry, "title"))
            });
        }),
    ),
    breakage(
        4,
        "shapeless-calls-are-400",
        "calls_without_shape_are_a_protocol_error",
        "a call without shape is HTTP 400",
        How::Answered(|asked, answer| {
            if asked.message()["params"]["name"].is_array() {
                answer.status = StatusCode::BAD_REQUEST;
            }
        }),
    ),
];

/// Changes a result, if there is one.
pub(super) fn result(answer: &mut Answer, change: impl FnOnce(&mut Value)) {
    answer.change(|message| {
        if message["result"].is_object() {
            change(&mut message["result"]);
        }
    });
}

/// Changes the lists of tools or prompts in a result.
fn each_list(answer: &mut Answer, change: impl Fn(&mut Vec<Value>)) {
    result(answer, |result| {
        for member in ["tools", "prompts"] {
            if let Some(entries) = result.get_mut(member).and_then(Value::as_array_mut) {
                change(entries);
            }
        }
    });
}

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().and_then(|object| object.remove(member));
}
