//! How is a result read by people?

use serde_json::Value;

use crate::output::{self, BOLD, DIM};

/// `server/discover`, or the result of `initialize`.
pub fn server(found: &Value) -> String {
    let info = &found["serverInfo"]; // in the modern era it stands in `_meta` (B6)
    let info =
        if info.is_null() { &found["_meta"]["io.modelcontextprotocol/serverInfo"] } else { info };
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push([name.to_owned(), value]);
        }
    };
    row("server", format!("{} {}", text(&info["name"]), text(&info["version"])).trim().to_owned());
    row("title", text(&info["title"]));
    row(
        "protocol",
        match &found["supportedVersions"] {
            Value::Array(versions) => join(versions.iter().map(text)),
            _ => text(&found["protocolVersion"]),
        },
    );
    let can_do = found["capabilities"].as_object().into_iter().flatten();
    let can_do = join(can_do.map(|(name, _)| output::line(name)));
    row(
        "can do",
        if can_do.is_empty() { "nothing beyond the protocol itself".into() } else { can_do },
    );
    if let Some(ttl) = found["ttlMs"].as_u64() {
        row("cache", format!("{} s, {}", ttl / 1000, text(&found["cacheScope"])));
    }
    row("says", text(&found["instructions"]));
    output::table(0, &rows)
}

/// Tools or prompts, each with its arguments.
pub fn list(kind: &str, entries: &Value) -> String {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return format!("no {kind}\n");
    }
    let entries: Vec<_> = entries.iter().map(entry).collect();
    entries.join("\n")
}

/// One tool, with its schemas.
pub fn tool(tool: &Value) -> String {
    let mut text = entry(tool);
    for (name, key) in [("takes", "inputSchema"), ("answers", "outputSchema")] {
        if let Some(schema) = tool.get(key) {
            text.push_str(&format!("\n{BOLD}{name}{BOLD:#}\n{}", output::json(schema)));
        }
    }
    text
}

/// What a tool answers.
pub fn content(result: &Value) -> String {
    let blocks = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said: String = blocks.iter().map(block).collect();
    match result.get("structuredContent") {
        Some(structured) if said.is_empty() => output::json(structured),
        _ => said,
    }
}

/// The messages of a prompt.
pub fn prompt(result: &Value) -> String {
    let mut text = String::new();
    if let Some(description) = result["description"].as_str() {
        text.push_str(&format!("{DIM}{}{DIM:#}\n", output::line(description)));
    }
    for message in result["messages"].as_array().into_iter().flatten() {
        let role = self::text(&message["role"]);
        text.push_str(&format!("{BOLD}{role}{BOLD:#}: {}", block(&message["content"])));
    }
    text
}

/// A block of content, ended by a line's end. What is not text is named, not shown.
fn block(block: &Value) -> String {
    let size =
        |data: &Value| data.as_str().map_or(0, |data| data.trim_end_matches('=').len() * 3 / 4);
    let resource = &block["resource"];
    match block["type"].as_str() {
        Some("text") => ended(&block["text"]),
        Some(kind @ ("image" | "audio")) => {
            format!("[{kind}, {}, {} bytes]\n", text(&block["mimeType"]), size(&block["data"]))
        }
        Some("resource") if resource["text"].is_string() => {
            format!("[{}]\n{}", text(&resource["uri"]), ended(&resource["text"]))
        }
        Some("resource") => {
            format!("[{}, {} bytes]\n", text(&resource["uri"]), size(&resource["blob"]))
        }
        Some("resource_link") => format!("[{}: {}]\n", text(&block["name"]), text(&block["uri"])),
        _ => output::json(block),
    }
}

fn ended(said: &Value) -> String {
    let text = output::clean(said.as_str().unwrap_or_default());
    if text.ends_with('\n') { text } else { format!("{text}\n") }
}

/// A tool or a prompt: its name, what it is for, and its arguments.
fn entry(entry: &Value) -> String {
    let about = [&entry["description"], &entry["title"]].map(text);
    let about = about.into_iter().find(|about| !about.is_empty()).unwrap_or_default();
    let name = text(&entry["name"]);
    let head = format!("{BOLD}{name}{BOLD:#}  {about}");
    let mut rows = match entry.get("inputSchema") {
        Some(schema) => properties(schema),
        None => arguments(&entry["arguments"]),
    };
    rows.sort_by_key(|[_, kind, _]| kind.ends_with("optional")); // what must be given comes first
    format!("{}\n{}", head.trim_end(), output::table(4, &rows))
}

/// The arguments of a prompt.
fn arguments(arguments: &Value) -> Vec<[String; 3]> {
    let row = |argument: &Value| {
        let needed = if argument["required"] == true { "required" } else { "optional" };
        [text(&argument["name"]), needed.to_owned(), text(&argument["description"])]
    };
    arguments.as_array().into_iter().flatten().map(row).collect()
}

/// The arguments of a tool.
fn properties(schema: &Value) -> Vec<[String; 3]> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |(name, property): (&String, &Value)| {
        let needed = if required.iter().any(|one| one == name) { "required" } else { "optional" };
        let kind = [kind(property), needed.to_owned()].into_iter().filter(|word| !word.is_empty());
        [output::line(name), join(kind), text(&property["description"])]
    };
    schema["properties"].as_object().into_iter().flatten().map(row).collect()
}

/// The type of an argument and its limits, in a few words.
fn kind(property: &Value) -> String {
    let mut words = Vec::new();
    match &property["type"] {
        Value::String(one) => words.push(output::line(one)),
        Value::Array(many) => words.push(many.iter().map(text).collect::<Vec<_>>().join(" or ")),
        _ => {}
    }
    if let Some(values) = property["enum"].as_array() {
        words.push(format!("one of {}", join(values.iter().map(ToString::to_string))));
    }
    match (&property["minimum"], &property["maximum"]) {
        (Value::Number(from), Value::Number(to)) => words.push(format!("{from} to {to}")),
        (Value::Number(from), _) => words.push(format!("from {from}")),
        (_, Value::Number(to)) => words.push(format!("up to {to}")),
        _ => {}
    }
    if let Some(default) = property.get("default") {
        words.push(format!("default {default}"));
    }
    output::line(&join(words))
}

fn join(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { output::text(value) }
}
