//! The tools, by the names that the suite calls.

use rmcp::{ErrorData, model::CallToolRequestParams};
use serde_json::{Value, json};

use crate::{
    Changed, Cx, Fixture,
    asks::{ask, choices, defaults, form, log, progress},
    input,
};

/// One red pixel.
pub(crate) const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// The header of a sound, and no sound.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// Tools that take nothing.
const SIMPLE: [(&str, &str); 16] = [
    ("test_simple_text", "Says something"),
    ("test_image_content", "Shows a picture"),
    ("test_audio_content", "Plays a sound"),
    ("test_embedded_resource", "Carries a resource"),
    ("test_multiple_content_types", "Text, picture and resource"),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_progress", "Tells how far it is"),
    ("test_tool_with_logging", "Logs what it does"),
    ("test_logging_tool", "Logs what it does, to whom it may"),
    ("test_elicitation_sep1034_defaults", "Asks with defaults"),
    ("test_elicitation_sep1330_enums", "Asks with choices"),
    ("test_missing_capability", "Needs a client that can sample"),
    ("test_streaming_elicitation", "Asks within its answer"),
    ("test_trigger_tool_change", "Tells whoever listens that the tools have changed"),
    ("test_trigger_prompt_change", "Tells whoever listens that the prompts have changed"),
    ("test_nothing", "Does nothing"),
];

pub(crate) fn list() -> Value {
    let tool = |name: &str, description: &str, schema: Value| json!({"name": name, "description": description, "inputSchema": schema});
    let takes = |properties: Value| {
        let required: Vec<_> =
            properties.as_object().into_iter().flat_map(|all| all.keys()).collect();
        json!({"type": "object", "properties": properties, "required": required})
    };
    let text = json!({"type": "string"});
    let nothing = json!({"type": "object", "properties": {}});
    let mut tools: Vec<Value> =
        SIMPLE.iter().map(|(name, about)| tool(name, about, nothing.clone())).collect();
    tools.extend(input::TOOLS.map(|name| tool(name, "Asks back", nothing.clone())));
    let header = json!({"region": {"type": "string", "x-mcp-header": "Region"}});
    tools.extend([
        tool("test_sampling", "Asks the client's model", takes(json!({"prompt": text}))),
        tool("test_elicitation", "Asks the user", takes(json!({"message": text}))),
        tool("test_custom_header", "Has an argument that a header repeats", takes(header)),
        tool("json_schema_2020_12_tool", "Has a schema with much in it", rich_schema()),
    ]);
    tools.into()
}

pub(crate) async fn call(
    server: &Fixture,
    request: &CallToolRequestParams,
    cx: &Cx,
) -> Result<Value, ErrorData> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|given| given.get(name)?.as_str());
        given.ok_or_else(|| ErrorData::invalid_params(format!("{name} must be a text"), None))
    };
    Ok(match &*request.name {
        "test_simple_text" => says("This is a simple text response for testing."),
        "test_image_content" => done(json!([image()])),
        "test_audio_content" => {
            done(json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]))
        }
        "test_embedded_resource" => {
            let text = "This is an embedded resource content.";
            done(json!([resource("test://embedded-resource", "text/plain", text)]))
        }
        "test_multiple_content_types" => {
            let mixed = "test://mixed-content-resource";
            let mixed = resource(mixed, "application/json", r#"{"test":"data","value":123}"#);
            done(json!([text("Multiple content types test:"), image(), mixed]))
        }
        "test_error_handling" => {
            let mut failed = says("This tool intentionally returns an error for testing");
            failed["isError"] = true.into();
            failed
        }
        "test_tool_with_progress" => {
            progress(cx).await?;
            says("All done.")
        }
        "test_tool_with_logging" | "test_logging_tool" => {
            log(server, cx).await?;
            says("All done.")
        }
        "test_sampling" => {
            let answer = ask(cx, input::sample(argument("prompt")?, 100)).await?;
            let said = answer.pointer("/content/text").and_then(Value::as_str).unwrap_or_default();
            says(format!("LLM response: {said}"))
        }
        "test_elicitation" => {
            let field = |about: &str| json!({"type": "string", "description": about});
            let fields = json!({"username": field("User's response"), "email": field("User's email address")});
            let answer = ask(cx, form(argument("message")?, &fields)).await?;
            says(format!("User response: {answer}"))
        }
        "test_elicitation_sep1034_defaults" => completed(&ask(cx, defaults()).await?),
        "test_elicitation_sep1330_enums" => completed(&ask(cx, choices()).await?),
        "test_missing_capability" => {
            input::must_be_able(cx, Some("sampling/createMessage"))?;
            says("This client can sample.")
        }
        "test_trigger_tool_change" => announce(server, Changed::Tools),
        "test_trigger_prompt_change" => announce(server, Changed::Prompts),
        "test_custom_header" => says(argument("region")?),
        "test_nothing" | "json_schema_2020_12_tool" => says("Nothing was done."),
        "test_streaming_elicitation" => input::call(&server.states, request, cx)?,
        name if input::TOOLS.contains(&name) => input::call(&server.states, request, cx)?,
        unknown => {
            return Err(ErrorData::invalid_params(format!("there is no tool {unknown}"), None));
        }
    })
}

/// The lists stay as they are: what counts is who hears of it.
fn announce(server: &Fixture, changed: Changed) -> Value {
    says(format!("{} listen.", server.changes.send(changed).unwrap_or_default()))
}

fn completed(answer: &Value) -> Value {
    let (action, content) = (answer["action"].as_str().unwrap_or_default(), &answer["content"]);
    says(format!("Elicitation completed: action={action}, content={content}"))
}

/// The result of a tool that says this.
pub(crate) fn says(words: impl Into<String>) -> Value {
    done(json!([text(words)]))
}

fn done(content: Value) -> Value {
    json!({"resultType": "complete", "content": content})
}

pub(crate) fn text(words: impl Into<String>) -> Value {
    json!({"type": "text", "text": words.into()})
}

pub(crate) fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

pub(crate) fn resource(uri: &str, kind: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}})
}

/// Every word of JSON Schema 2020-12 that must come through.
fn rich_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": text, "city": text}}},
        "properties": {
            "name": text, "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": text, "email": text,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}
