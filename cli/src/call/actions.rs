//! Which requests does an action take?

use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use super::{
    Action, Prompts, Tools, Used, arguments,
    client::{Client, Era, Said},
    message::{header_text, param_header},
    results,
};
use crate::{
    exit::{Failure, Status},
    output,
};

/// A list that has more pages than this has no end.
const PAGES: usize = 1000;
/// A header says something else than the body, or is missing (T15, T18).
const HEADER_MISMATCH: i64 = -32020;

/// Runs an action and prints what came of it.
pub async fn run(
    client: &mut Client,
    era: Era,
    action: &Action,
    as_json: bool,
) -> Result<(), Failure> {
    let hello = client.open(era).await?;
    match action {
        Action::Discover => {
            let found = match hello {
                Some(found) => found,
                None => client.call("server/discover", Map::new()).await?,
            };
            print(as_json, &found, results::server)
        }
        Action::List => {
            let mut found = json!({});
            for kind in ["tools", "prompts"] {
                found[kind] = list_if_there(client, kind).await?.into();
            }
            print(as_json, &found, |found| {
                let tools = results::list("tools", &found["tools"]);
                format!("{tools}\n{}", results::list("prompts", &found["prompts"]))
            })
        }
        Action::Tools(Tools::List) => list_one(client, "tools", as_json).await,
        Action::Prompts(Prompts::List) => list_one(client, "prompts", as_json).await,
        Action::Tools(Tools::Get { name }) => {
            let found = list(client, "tools", Some(name)).await?.pop().ok_or_else(|| {
                Failure::other(format!(
                    "the server lists no tool `{name}`; `tools list` shows them"
                ))
            })?;
            print(as_json, &found, results::tool)
        }
        Action::Tools(Tools::Call(used)) | Action::Call(used) => {
            let result = call_tool(client, used).await?;
            let failed = result["isError"] == true;
            if failed && !as_json {
                let text =
                    format!("the tool reports an error: {}", results::content(&result).trim_end());
                return Err(Failure::new(Status::ToolError, text));
            }
            print(as_json, &result, results::content)?;
            let text = "the tool reports an error; the result says which";
            if failed { Err(Failure::new(Status::ToolError, text)) } else { Ok(()) }
        }
        Action::Prompts(Prompts::Get(used)) | Action::Get(used) => {
            let given = match &used.args {
                Some(object) => object.clone(),
                None => arguments::object(&used.arguments, None)?, // always text (PROMPTS)
            };
            let result = client.call("prompts/get", named(&used.name, given)).await?;
            print(as_json, &result, results::prompt)
        }
    }
}

fn print(as_json: bool, value: &Value, words: impl Fn(&Value) -> String) -> Result<(), Failure> {
    output::print(&if as_json { output::json(value) } else { words(value) })
}

fn named(name: &str, arguments: Map<String, Value>) -> Map<String, Value> {
    let mut params = Map::from_iter([("name".to_owned(), name.into())]);
    params.insert("arguments".into(), arguments.into());
    params
}

async fn call_tool(client: &mut Client, used: &Used) -> Result<Value, Failure> {
    let Used { name, arguments, args } = used;
    let mut tool = None;
    if arguments::need_schema(arguments) {
        tool = find_tool(client, name).await?;
    }
    let given = match args {
        Some(object) => object.clone(),
        None => arguments::object(arguments, tool.as_ref().map(|tool| &tool["inputSchema"]))?,
    };
    let headers = mirrored(client, tool.as_ref(), &given);
    let reply = client.post("tools/call", named(name, given.clone()), headers).await?;
    if let (None, Said::Error(error)) = (&tool, &reply.said)
        && error["code"] == HEADER_MISMATCH
        && let Some(tool) = find_tool(client, name).await?
    {
        // it wants an argument in a header too, which only its schema tells
        let headers = mirrored(client, Some(&tool), &given);
        if !headers.is_empty() {
            let reply = client.post("tools/call", named(name, given), headers).await?;
            return client.result(reply).await;
        }
    }
    client.result(reply).await
}

/// The tool as the server lists it. Who may not list may still be allowed to call: the call itself will
/// tell, and until then text is text.
async fn find_tool(client: &mut Client, name: &str) -> Result<Option<Value>, Failure> {
    match list(client, "tools", Some(name)).await {
        Ok(mut found) => Ok(found.pop()),
        Err(failure) if failure.is(Status::Forbidden) => {
            output::note(
                "the tools cannot be listed with this token, so every k=v is sent as text",
            );
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Arguments that the tool wants in headers as well, so that a proxy can route by them (T18).
fn mirrored(client: &Client, tool: Option<&Value>, given: &Map<String, Value>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(tool) = tool.filter(|_| client.is_modern()) else { return headers };
    let mut next = vec![(&tool["inputSchema"]["properties"], given)];
    while let Some((properties, values)) = next.pop() {
        for (key, property) in properties.as_object().into_iter().flatten() {
            let value = values.get(key).unwrap_or(&Value::Null);
            let text = match value {
                Value::Object(inner) => {
                    next.push((&property["properties"], inner));
                    continue;
                }
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => continue,
            };
            if let Some(name) = property["x-mcp-header"].as_str().and_then(param_header) {
                headers.insert(name, header_text(&text));
            }
        }
    }
    headers
}

async fn list_one(client: &mut Client, kind: &str, as_json: bool) -> Result<(), Failure> {
    let found = json!({ kind: list(client, kind, None).await? });
    print(as_json, &found, |found| results::list(kind, &found[kind]))
}

/// A list, empty if the server has no such method.
async fn list_if_there(client: &mut Client, kind: &str) -> Result<Vec<Value>, Failure> {
    match list(client, kind, None).await {
        Err(failure) if failure.says_unknown_method() => Ok(Vec::new()),
        found => found,
    }
}

/// All that the server lists, page after page (F11); or only the one with this name.
async fn list(
    client: &mut Client,
    kind: &str,
    wanted: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    let method = format!("{kind}/list");
    let (mut all, mut params, mut cursors) = (Vec::new(), Map::new(), Vec::new());
    for _ in 0..PAGES {
        let mut page = client.call(&method, params.clone()).await?;
        let Value::Array(entries) = page[kind].take() else {
            return Err(Failure::other(format!("the result of {method} has no list `{kind}`")));
        };
        if let Some(wanted) = wanted
            && let Some(found) = entries.iter().find(|entry| entry["name"] == wanted)
        {
            return Ok(vec![found.clone()]);
        }
        all.extend(entries);
        let cursor = page["nextCursor"].take();
        if cursor.is_null() {
            return Ok(if wanted.is_some() { Vec::new() } else { all });
        }
        if cursors.contains(&cursor) {
            break;
        }
        cursors.push(cursor.clone());
        params.insert("cursor".into(), cursor);
    }
    Err(Failure::other(format!("{method} comes to no end: its pages repeat, or are over {PAGES}")))
}
