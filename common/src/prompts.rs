//! Which prompts are there? A registry, and the two prompts of the workshop.

use std::sync::Arc;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    Context,
    jsonrpc::Refusal,
    list,
    tools::{NoArguments, arguments, text},
};

type Fill = Arc<dyn Fn(&Context, Map<String, Value>) -> Result<Vec<Value>, String> + Send + Sync>;

/// A prompt: how it is listed, and what it says.
#[derive(Clone)]
pub struct Prompt {
    name: &'static str,
    listed: Value,
    fill: Fill,
}

impl Prompt {
    /// A prompt that takes `A`, whose fields are strings, and gives messages. It sees the request it answers. The list of its
    /// arguments comes from the Rust type.
    pub fn new<A: DeserializeOwned + JsonSchema>(
        name: &'static str,
        title: &str,
        description: &str,
        fill: impl Fn(&Context, A) -> Vec<Value> + Send + Sync + 'static,
    ) -> Self {
        let schema = schema_for!(A).to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let arguments_listed: Vec<_> = properties
            .into_iter()
            .map(|(name, property)| {
                let required = required.contains(&Value::from(name.as_str()));
                json!({"name": name, "description": property["description"], "required": required})
            })
            .collect();
        let listed = json!({
            "name": name,
            "title": title,
            "description": description,
            "arguments": arguments_listed,
        });
        let fill: Fill = Arc::new(move |cx, given| arguments(given).map(|given| fill(cx, given)));
        Self { name, listed, fill }
    }

    /// The messages of this prompt.
    ///
    /// # Errors
    /// A sentence that names the wrong argument and what is allowed.
    pub fn fill(&self, cx: &Context, arguments: Map<String, Value>) -> Result<Vec<Value>, String> {
        (self.fill)(cx, arguments)
    }

    /// What the prompt is for.
    #[must_use]
    pub fn description(&self) -> &Value {
        &self.listed["description"]
    }
}

/// A message from the user with this content block.
#[must_use]
pub fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

/// The prompts of a server, in the order of their names.
#[derive(Clone)]
pub struct Prompts {
    prompts: Vec<Prompt>,
    listed: Vec<(String, Value)>,
}

impl Prompts {
    /// A registry of these prompts.
    #[must_use]
    pub fn new(mut prompts: Vec<Prompt>) -> Self {
        prompts.sort_by_key(|prompt| prompt.name);
        let listed = prompts.iter().map(|p| (p.name.to_owned(), p.listed.clone())).collect();
        Self { prompts, listed }
    }

    /// The result of `prompts/list` (F1).
    ///
    /// # Errors
    /// -32602 for a cursor that we did not give.
    pub fn list(
        &self,
        cx: &Context,
        params: &Map<String, Value>,
        cache_scope: &str,
    ) -> Result<Value, Refusal> {
        list::page("prompts", &self.listed, list::PAGE, cx, params, cache_scope)
    }

    /// The prompt of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.name == name)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Greeting {
    /// Whom to greet
    name: String,
    /// The language of the greeting; English if none is given
    #[serde(default)]
    language: Option<String>,
}

/// The prompt `greeting`: asks for a greeting of somebody, in a language.
#[must_use]
pub fn greeting() -> Prompt {
    greeting_from(|_| None)
}

/// The prompt `greeting`, which says whom the greeting is from, where that is known.
pub fn greeting_from(who: impl Fn(&Context) -> Option<String> + Send + Sync + 'static) -> Prompt {
    let description = "Asks for a short greeting";
    Prompt::new("greeting", "Greeting", description, move |cx, greeting: Greeting| {
        let Greeting { name, language } = greeting;
        let language = language.as_deref().unwrap_or("English");
        let from = who(cx).map(|who| format!(", from {who}")).unwrap_or_default();
        let wish = format!("Write a short, friendly greeting for {name}{from}, in {language}.");
        vec![user(text(wish))]
    })
}

/// The prompt `help`: asks what this server is good for.
#[must_use]
pub fn help() -> Prompt {
    let description = "Asks what can be done with this server";
    Prompt::new("help", "Help", description, |_, _: NoArguments| {
        let wish = "List the tools of this server, and for each one give an example of when I would use it.";
        vec![user(text(wish))]
    })
}
