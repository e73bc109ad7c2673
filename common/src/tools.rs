//! Which tools are there? A registry, and the two tools of the workshop.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use chrono::{SecondsFormat, Utc};
use chrono_tz::Tz;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value, json};

use crate::{Context, jsonrpc::Refusal, list};

type Answer = Pin<Box<dyn Future<Output = Result<Output, String>> + Send>>;
type Run = Arc<dyn Fn(Context, Map<String, Value>) -> Answer + Send + Sync>;

/// A tool: how it is listed, and what it does.
#[derive(Clone)]
pub struct Tool {
    name: &'static str,
    listed: Value,
    run: Run,
}

/// What a tool gives back.
#[derive(Clone, Debug)]
pub struct Output {
    /// Content blocks of MCP (F9), for people and models.
    pub content: Vec<Value>,
    /// The result for programs, as the tool's `outputSchema` says (F5).
    pub structured: Option<Value>,
}

/// The arguments of a tool that takes none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArguments {}

impl Tool {
    /// A tool that takes `A` and gives `R`: both schemas come from the Rust types (F3), and the
    /// text of the result from its `Display`.
    ///
    /// What `run` returns as `Err` is for the model to read and try again: it becomes a result with
    /// `isError` (F6). Bad arguments become one before `run` is asked.
    pub fn new<A, R, F, Fut>(name: &'static str, title: &str, description: &str, run: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send,
        R: Serialize + JsonSchema + fmt::Display,
        F: Fn(Context, A) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R, String>> + Send + 'static,
    {
        let run = move |cx, arguments| {
            let result = run(cx, arguments);
            async move {
                let result = result.await?;
                let structured =
                    serde_json::to_value(&result).map_err(|error| error.to_string())?;
                Ok(Output { content: vec![text(result.to_string())], structured: Some(structured) })
            }
        };
        let mut tool = Self::plain(name, title, description, run);
        tool.listed["outputSchema"] = schema_for!(R).to_value();
        tool
    }

    /// A tool that takes `A` and gives any content blocks, without a schema for them.
    pub fn plain<A, F, Fut>(name: &'static str, title: &str, description: &str, run: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send,
        F: Fn(Context, A) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Output, String>> + Send + 'static,
    {
        let listed = json!({
            "name": name,
            "title": title,
            "description": description,
            "inputSchema": schema_for!(A).to_value(),
            "annotations": {
                "readOnlyHint": true,
                "destructiveHint": false,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        });
        let run: Run = Arc::new(move |cx, given| match arguments::<A>(given) {
            Ok(parsed) => Box::pin(run(cx, parsed)),
            Err(sentence) => Box::pin(std::future::ready(Err(sentence))),
        });
        Self { name, listed, run }
    }

    /// Runs the tool.
    pub fn run(&self, cx: Context, arguments: Map<String, Value>) -> Answer {
        (self.run)(cx, arguments)
    }
}

/// Parses arguments into a type.
///
/// # Errors
/// A sentence that names the argument and what is allowed.
pub fn arguments<A: DeserializeOwned>(given: Map<String, Value>) -> Result<A, String> {
    serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { inner.to_string() } else { format!("{path}: {inner}") }
    })
}

/// A content block of text.
pub fn text(text: impl Into<String>) -> Value {
    json!({"type": "text", "text": text.into()})
}

/// The tools of a server, in the order of their names (F2).
#[derive(Clone)]
pub struct Tools {
    tools: Vec<Tool>,
    listed: Vec<(String, Value)>,
}

impl Tools {
    /// A registry of these tools.
    #[must_use]
    pub fn new(mut tools: Vec<Tool>) -> Self {
        tools.sort_by_key(|tool| tool.name);
        let listed = tools.iter().map(|tool| (tool.name.to_owned(), tool.listed.clone())).collect();
        Self { tools, listed }
    }

    /// The result of `tools/list` (F1).
    ///
    /// # Errors
    /// -32602 for a cursor that we did not give.
    pub fn list(
        &self,
        cx: &Context,
        params: &Map<String, Value>,
        cache_scope: &str,
    ) -> Result<Value, Refusal> {
        list::page("tools", &self.listed, list::PAGE, cx, params, cache_scope)
    }

    /// The tool of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Echo {
    /// What to say
    message: String,
    /// How often to say it
    #[serde(default = "once", deserialize_with = "one_to_ten")]
    #[schemars(range(min = 1, max = 10))]
    repeat_count: u8,
}

#[derive(Serialize, JsonSchema)]
struct Echoed {
    /// The message, repeated without a separator
    text: String,
}

impl fmt::Display for Echoed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn once() -> u8 {
    1
}

fn one_to_ten<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    let given = Value::deserialize(from)?;
    let count = given.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=10).contains(n));
    count.ok_or_else(|| {
        D::Error::custom(format!("a whole number from 1 to 10 is expected, not {given}"))
    })
}

/// The tool `echo`: says `message`, `repeat_count` times.
#[must_use]
pub fn echo() -> Tool {
    Tool::new("echo", "Echo", "Repeats a message", |_: Context, echo: Echo| async move {
        Ok(Echoed { text: echo.message.repeat(echo.repeat_count.into()) })
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetTime {
    /// An IANA name, such as Europe/Berlin
    #[serde(default = "utc", deserialize_with = "zone")]
    #[schemars(with = "String", extend("default" = "UTC"))]
    timezone: Tz,
}

#[derive(Serialize, JsonSchema)]
struct Time {
    /// The time zone, by its IANA name
    timezone: String,
    /// Date and time with the offset from UTC, as RFC 3339 writes it
    time: String,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.time)
    }
}

fn utc() -> Tz {
    Tz::UTC
}

fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(|_| {
        D::Error::custom(format!(
            "{name:?} is no IANA time zone; one is Europe/Berlin, another UTC"
        ))
    })
}

/// The tool `get_time`: the time now, in a time zone.
#[must_use]
pub fn get_time() -> Tool {
    let description = "Tells date and time in a time zone";
    Tool::new("get_time", "Get the time", description, |_: Context, asked: GetTime| async move {
        let now = Utc::now().with_timezone(&asked.timezone);
        let time = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        Ok(Time { timezone: asked.timezone.name().to_owned(), time })
    })
}
