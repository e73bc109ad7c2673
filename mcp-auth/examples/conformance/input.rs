//! What asks back: what must be known stands in the answer (`input_required`), and the client calls again with it.

use aws_lc_rs::{error::Unspecified, hmac, rand::SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rmcp::{
    ErrorData,
    model::{CallToolRequestParams, InputResponses},
};
use serde_json::{Map, Value, json};

use crate::{Cx, made, tools::says};

/// What a client is asked by name.
type Requests = Map<String, Value>;

/// Seals what comes back with the next call. The client keeps it meanwhile, so it is not to be believed unseen.
pub(crate) struct States {
    key: hmac::Key,
}

impl States {
    pub(crate) fn new() -> Result<Self, Unspecified> {
        Ok(Self { key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())? })
    }

    fn seal(&self, tool: &str, state: &str) -> String {
        let seal = hmac::sign(&self.key, format!("{tool} {state}").as_bytes());
        format!("{state}.{}", URL_SAFE_NO_PAD.encode(seal))
    }

    fn open<'a>(&self, tool: &str, sealed: &'a str) -> Result<&'a str, ErrorData> {
        let opened = sealed.rsplit_once('.').and_then(|(state, seal)| {
            let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
            hmac::verify(&self.key, format!("{tool} {state}").as_bytes(), &seal).ok()?;
            Some(state)
        });
        opened.ok_or_else(|| {
            ErrorData::invalid_params("this requestState is not one that this tool gave", None)
        })
    }
}

pub(crate) const TOOLS: [&str; 8] = [
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

pub(crate) fn call(
    states: &States,
    request: &CallToolRequestParams,
    cx: &Cx,
) -> Result<Value, ErrorData> {
    let tool = &*request.name;
    let given = Given(request.input_responses.as_ref());
    let sealed = request.request_state.as_deref();
    let state = sealed.map(|sealed| states.open(tool, sealed)).transpose()?;
    let next = |state: &str| Some(states.seal(tool, state));
    let kind = tool.strip_prefix("test_input_required_result_").unwrap_or(tool);
    let (requests, next) = match kind {
        "sampling" => match given.text("capital_question", "/content/text") {
            Some(answer) => return Ok(says(answer)),
            None => (capital(), None),
        },
        "list_roots" => match given.text("client_roots", "/roots/0/uri") {
            Some(root) => return Ok(says(format!("The first root is {root}"))),
            None => (one("client_roots", roots()), None),
        },
        "request_state" | "tampered_state" => match (state, given.get("confirm", "/content/ok")) {
            (Some("asked"), Some(ok)) => return Ok(says(format!("state-ok, and confirmed: {ok}"))),
            _ => {
                let confirm = elicit("Please confirm", "ok", "boolean");
                (one("confirm", confirm), next("asked"))
            }
        },
        "multiple_inputs" => match (
            state,
            given.text("user_name", "/content/name"),
            given.text("greeting", "/content/text"),
            given.text("client_roots", "/roots/0/uri"),
        ) {
            (Some("asked"), Some(name), Some(greeting), Some(root)) => {
                return Ok(says(format!("{greeting} {name}, your first root is {root}")));
            }
            _ => {
                let mut all = one("user_name", elicit("What is your name?", "name", "string"));
                all.extend(one("greeting", sample("Generate a greeting", 50)));
                all.extend(one("client_roots", roots()));
                (all, next("asked"))
            }
        },
        "multi_round" => {
            let name = given.text("step1", "/content/name");
            let color = given.text("step2", "/content/color");
            match (state, name, color) {
                (Some("1"), Some(name), _) => {
                    let color = elicit("Step 2: What is your favorite color?", "color", "string");
                    (one("step2", color), next(&format!("2 {name}")))
                }
                (Some(second), _, Some(color)) if second.starts_with("2 ") => {
                    return Ok(says(format!("{} likes {color}", &second[2..])));
                }
                _ => {
                    let name = elicit("Step 1: What is your name?", "name", "string");
                    (one("step1", name), next("1"))
                }
            }
        }
        "capabilities" => {
            let mut all = one("user_name", elicit("What is your name?", "name", "string"));
            all.extend(capital());
            all.retain(|_, request| must_be_able(cx, request["method"].as_str()).is_ok());
            (all, None)
        }
        _ => match given.text("user_name", "/content/name") {
            Some(name) => return Ok(says(format!("Hello, {name}!"))),
            None => (one("user_name", elicit("What is your name?", "name", "string")), None),
        },
    };
    required(requests, next, cx)
}

/// What the client has answered so far.
pub(crate) struct Given<'a>(pub(crate) Option<&'a InputResponses>);

impl<'a> Given<'a> {
    fn get(&self, name: &str, pointer: &str) -> Option<&'a Value> {
        self.0?.get(name)?.pointer(pointer)
    }

    pub(crate) fn text(&self, name: &str, pointer: &str) -> Option<&'a str> {
        self.get(name, pointer)?.as_str()
    }
}

/// The answer that asks. A client is asked nothing that it has not said it can do.
pub(crate) fn required(
    requests: Requests,
    state: Option<String>,
    cx: &Cx,
) -> Result<Value, ErrorData> {
    for request in requests.values() {
        must_be_able(cx, request["method"].as_str())?;
    }
    let mut answer = json!({"resultType": "input_required", "inputRequests": requests});
    if let Some(state) = state {
        answer["requestState"] = state.into();
    }
    Ok(answer)
}

/// `sampling` for `sampling/createMessage`, and so on: the capability has the name of the method's first part.
pub(crate) fn must_be_able(cx: &Cx, method: Option<&str>) -> Result<(), ErrorData> {
    let capability = method.and_then(|method| method.split('/').next()).unwrap_or_default();
    let able = serde_json::to_value(cx.client_capabilities()).unwrap_or_default();
    if able.get(capability).is_some() {
        return Ok(());
    }
    Err(ErrorData::missing_required_client_capability(made(json!({capability: {}}))?))
}

pub(crate) fn one(name: &str, request: Value) -> Requests {
    Requests::from_iter([(name.to_owned(), request)])
}

pub(crate) fn elicit(message: &str, property: &str, kind: &str) -> Value {
    let schema =
        json!({"type": "object", "properties": {property: {"type": kind}}, "required": [property]});
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

pub(crate) fn sample(prompt: &str, tokens: u32) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": tokens}})
}

fn capital() -> Requests {
    one("capital_question", sample("What is the capital of France?", 100))
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}
