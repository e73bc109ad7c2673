//! How is a tool called, and a prompt filled in? Arguments in, results out.
//!
//! A tool is somebody else's code inside our server. It may refuse its arguments, panic, take too long, or
//! work for a client that has left: none of these may take the server with it.

use axum::http::StatusCode;
use common::{
    Context, Era,
    jsonrpc::{INTERNAL_ERROR, Refusal},
    prompts::Prompts,
    tools::{Tools, text},
};
use serde_json::{Map, Value, json};
use tokio::{task::AbortHandle, time::timeout_at};
use tracing::{Instrument as _, error};

/// The result of `tools/call`.
///
/// There are two ways to fail, for two readers. A call that makes no sense, such as one of a tool that is not there,
/// is an error of the protocol: a developer reads it. What the tool refuses, such as a bad argument, is a result
/// with `isError`: the model reads it and tries again, so it names the argument and what is allowed (F6).
pub async fn call(
    tools: &Tools,
    cx: &Context,
    params: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let (name, arguments) = named(params)?;
    let Some(tool) = tools.get(name) else {
        return Err(Refusal::invalid_params(format!("unknown tool: {name}")));
    };
    // a tool may panic before it pauses for the first time, so it begins within the guard too
    let (tool, its_cx) = (tool.clone(), cx.clone());
    match guarded(cx, name, async move { tool.run(its_cx, arguments).await }).await? {
        Ok(output) => Ok(json!({
            "content": output.content,               // for people and models
            "structuredContent": output.structured,  // for programs, as `outputSchema` says (F5)
            "isError": false,
        })),
        Err(sentence) => Ok(json!({"content": [text(sentence)], "isError": true})),
    }
}

/// The result of `prompts/get`. A prompt is filled in by a person, so all its refusals are errors of
/// the protocol (F8).
pub async fn get(
    prompts: &Prompts,
    cx: &Context,
    params: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let (name, arguments) = named(params)?;
    let Some(prompt) = prompts.get(name).cloned() else {
        return Err(Refusal::invalid_params(format!("unknown prompt: {name}")));
    };
    let (description, its_cx) = (prompt.description().clone(), cx.clone());
    let messages = guarded(cx, name, async move { prompt.fill(&its_cx, arguments) }).await?;
    let messages = messages.map_err(Refusal::invalid_params)?;
    Ok(json!({"description": description, "messages": messages}))
}

/// The parameters `name` and `arguments`.
fn named(params: &Map<String, Value>) -> Result<(&str, Map<String, Value>), Refusal> {
    let Some(name) = params.get("name").and_then(Value::as_str) else {
        return Err(Refusal::invalid_params("`name` must be a string"));
    };
    match params.get("arguments") {
        None => Ok((name, Map::new())),
        Some(Value::Object(arguments)) => Ok((name, arguments.clone())),
        Some(_) => Err(Refusal::invalid_params("`arguments` must be an object")),
    }
}

/// Runs somebody else's code in a task of its own, which may panic, and until the deadline. The client
/// gets the id of the request, by which we find the cause in the log; the cause it does not get.
async fn guarded<T: Send + 'static>(
    cx: &Context,
    name: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    // the limit stands twice: inside for a task that nobody waits for any more, outside for work that
    // never pauses and so never lets the inner limit have its turn
    let its_cx = cx.clone();
    let work = async move {
        let result = timeout_at(its_cx.deadline, work).await;
        drop(its_cx); // it holds the request's place among those that are served: work has one until it ends, whoever has left
        result
    };
    let task = tokio::spawn(work.in_current_span());
    // when the client hangs up, this function is dropped: in the modern era that ends the task too
    // (T10), in the legacy one it is no sign of anything (G8)
    let _hang_up = (cx.era == Era::Modern).then(|| AbortOnDrop(task.abort_handle()));
    // each layer may fail, from the outside in: the outer limit, the task (it panicked), the inner limit
    let why = match timeout_at(cx.deadline, task).await {
        Ok(Ok(Ok(result))) => return Ok(result),
        Ok(Err(_)) => "panicked",
        Ok(Ok(Err(_))) | Err(_) => "took too long",
    };
    error!("{name} {why}");
    let refusal = Refusal::new(StatusCode::OK, INTERNAL_ERROR, "internal error");
    Err(refusal.with_data(json!({"requestId": cx.request_id})))
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
