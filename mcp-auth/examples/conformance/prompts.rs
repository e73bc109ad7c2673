//! The prompts, by the names that the suite asks for.

use rmcp::{ErrorData, model::GetPromptRequestParams};
use serde_json::{Value, json};

use crate::{
    Cx,
    input::{Given, elicit, one, required},
    tools::{image, resource, text},
};

pub(crate) fn list() -> Value {
    let argument =
        |name: &str, about: &str| json!({"name": name, "description": about, "required": true});
    let prompt = |name: &str, about: &str, arguments: Value| json!({"name": name, "description": about, "arguments": arguments});
    let (first, second) =
        (argument("arg1", "First test argument"), argument("arg2", "Second test argument"));
    let uri = argument("resourceUri", "URI of the resource to embed");
    json!({"resultType": "complete", "prompts": [
        prompt("test_simple_prompt", "Takes nothing", json!([])),
        prompt("test_prompt_with_arguments", "Takes two", json!([first, second])),
        prompt("test_prompt_with_embedded_resource", "Carries a resource", json!([uri])),
        prompt("test_prompt_with_image", "Shows a picture", json!([])),
        prompt("test_input_required_result_prompt", "Asks back", json!([])),
    ]})
}

pub(crate) fn get(request: &GetPromptRequestParams, cx: &Cx) -> Result<Value, ErrorData> {
    let argument = |name: &str| {
        let given = request.arguments.as_ref().and_then(|given| given.get(name)?.as_str());
        given.ok_or_else(|| ErrorData::invalid_params(format!("{name} must be a text"), None))
    };
    let contents = match request.name.as_str() {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            vec![text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let (uri, words) = (argument("resourceUri")?, "Embedded resource content for testing.");
            let please = text("Please process the embedded resource above.");
            vec![resource(uri, "text/plain", words), please]
        }
        "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
        "test_input_required_result_prompt" => {
            let given = Given(request.input_responses.as_ref());
            let Some(context) = given.text("user_context", "/content/context") else {
                let question = elicit("What context should the prompt use?", "context", "string");
                return required(one("user_context", question), None, cx);
            };
            vec![text(format!("Prompt with context: {context}"))]
        }
        unknown => {
            return Err(ErrorData::invalid_params(format!("there is no prompt {unknown}"), None));
        }
    };
    let messages: Vec<Value> =
        contents.into_iter().map(|content| json!({"role": "user", "content": content})).collect();
    Ok(json!({"resultType": "complete", "messages": messages}))
}

/// What an argument that begins like this may be.
pub(crate) fn complete(begun: &str) -> Value {
    let mut known = vec!["paris", "park", "party", "test", "testing"];
    known.retain(|word| word.starts_with(begun));
    let completion = json!({"total": known.len(), "values": known, "hasMore": false});
    json!({"resultType": "complete", "completion": completion})
}
