//! Which tools are there?
//!
//! A model chooses a tool by what the list says of it, and fills in its arguments by their schema.
//! Both are written once, in Rust: the schema comes from the type that will be parsed, so names, types
//! and defaults cannot differ between list and call. What no type says is checked elsewhere: a `u8` is
//! not 1 to 10, a `String` need not be a time zone.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Context, Era, jsonrpc::Refusal};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Tools on a page.
const PAGE: usize = 50;

/// For how long a client may keep the list, in milliseconds (F12).
const TTL_MS: u64 = 300_000;

/// A tool as it is listed.
pub struct Tool {
    name: &'static str,
    listed: Value,
}

impl Tool {
    /// A tool that takes `A`. Field names, types, ranges, defaults and the texts of the doc
    /// comments go into the schema (F3).
    pub fn new<A: JsonSchema>(name: &'static str, title: &str, description: &str) -> Self {
        let listed = json!({
            "name": name,
            "title": title,
            "description": description,
            "inputSchema": schema_for!(A).to_value(),
            // hints for people who are asked "may it run?"; no client may trust a stranger's hints
            "annotations": {
                "readOnlyHint": true,
                "destructiveHint": false,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        });
        Self { name, listed }
    }
}

/// The tools of a server, in the order of their names: a list that changes its order spoils the
/// caches of whoever reads it (F2).
pub struct Tools(Vec<Tool>);

impl Tools {
    /// A registry of these tools.
    pub fn new(mut tools: Vec<Tool>) -> Self {
        tools.sort_by_key(|tool| tool.name);
        Self(tools)
    }

    /// The result of `tools/list`. In the modern era it says for how long it may be kept, and by
    /// whom: `public` is for everybody, `private` for this caller alone.
    ///
    /// It does not depend on the connection or on earlier requests (F1).
    pub fn list(
        &self,
        cx: &Context,
        params: &Map<String, Value>,
        cache_scope: &str,
    ) -> Result<Value, Refusal> {
        let start = match params.get("cursor") {
            None => 0,
            Some(cursor) => self.after(cursor).ok_or_else(|| {
                Refusal::invalid_params("`cursor` is not one that this list gave")
            })?,
        };
        let end = self.0.len().min(start + PAGE);
        let page: Vec<_> = self.0[start..end].iter().map(|tool| &tool.listed).collect();
        let mut result = json!({"tools": page});
        if end < self.0.len() {
            result["nextCursor"] = URL_SAFE_NO_PAD.encode(self.0[end - 1].name).into();
        }
        if cx.era == Era::Modern {
            result["ttlMs"] = TTL_MS.into();
            result["cacheScope"] = cache_scope.into();
        }
        Ok(result)
    }

    /// Where the page behind this cursor begins. The cursor is the last name of the page before, so
    /// that it stays good when a tool is added; an empty one begins at the beginning (F11).
    fn after(&self, cursor: &Value) -> Option<usize> {
        let name = URL_SAFE_NO_PAD.decode(cursor.as_str()?).ok()?;
        if name.is_empty() {
            return Some(0);
        }
        let last = self.0.iter().position(|tool| tool.name.as_bytes() == name)?;
        (last + 1 < self.0.len()).then_some(last + 1)
    }
}

/// The arguments of `echo`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// What to say
    pub message: String,
    /// How often to say it
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 10))]
    pub repeat_count: u8,
}

fn once() -> u8 {
    1
}

/// The arguments of `get_time`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetTime {
    /// An IANA name, such as Europe/Berlin
    #[serde(default = "utc")]
    pub timezone: String,
}

fn utc() -> String {
    "UTC".into()
}

/// The tool `echo`, which can be called from the next step on.
pub fn echo() -> Tool {
    Tool::new::<Echo>("echo", "Echo", "Repeats a message")
}

/// The tool `get_time`.
pub fn get_time() -> Tool {
    Tool::new::<GetTime>("get_time", "Get the time", "Tells date and time in a time zone")
}
