//! How is a tool called, and a prompt filled in? Arguments in, results out; and what happens when a tool
//! panics, takes too long, or nobody waits for it any more.

use serde_json::{Map, Value, json};
use tokio::{task::AbortHandle, time::timeout_at};
use tracing::{Instrument as _, error};

use crate::{
    Context, Era,
    jsonrpc::{INTERNAL_ERROR, Refusal},
    prompts::Prompts,
    tools::{Output, Tools, text},
};

/// The result of `tools/call`.
///
/// # Errors
/// -32602 for a tool that is not there or a call without a shape (F6); -32603 when the tool panicked or missed its
/// deadline. What the tool itself refuses is a result with `isError`.
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
        Ok(Output { content, structured: None }) => {
            Ok(json!({"content": content, "isError": false}))
        }
        Ok(Output { content, structured: Some(structured) }) => {
            Ok(json!({"content": content, "structuredContent": structured, "isError": false}))
        }
        Err(sentence) => Ok(json!({"content": [text(sentence)], "isError": true})),
    }
}

/// The result of `prompts/get`.
///
/// # Errors
/// -32602 for a prompt that is not there and for a missing or wrong argument (F8).
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

/// Runs somebody's code so that it cannot take the server with it: in a task of its own, which may
/// panic, and until the deadline. When the client hangs up, the task ends in the modern era (T10) and goes on in the legacy
/// one (G8).
async fn guarded<T: Send + 'static>(
    cx: &Context,
    name: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    // two limits, because work that never awaits cannot be ended from within its own task
    let its_cx = cx.clone();
    let work = async move {
        let result = timeout_at(its_cx.deadline, work).await;
        drop(its_cx); // it holds the request's place among those that are served: work has one until it ends, whoever has left
        result
    };
    let task = tokio::spawn(work.in_current_span());
    let _hang_up = (cx.era == Era::Modern).then(|| AbortOnDrop(task.abort_handle()));
    // each layer may fail, from the outside in: the outer limit, the task (it panicked), the inner limit
    let why = match timeout_at(cx.deadline, task).await {
        Ok(Ok(Ok(result))) => return Ok(result),
        Ok(Err(_)) => "panicked",
        _ => "took too long",
    };
    error!("{name} {why}");
    let refusal = Refusal::new(axum::http::StatusCode::OK, INTERNAL_ERROR, "internal error");
    Err(refusal.with_data(json!({"requestId": cx.request_id})))
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::sync::oneshot;

    use super::*;
    use crate::tools::{NoArguments, Tool};

    fn context(era: Era) -> Context {
        let (parts, ()) = http::Request::new(()).into_parts();
        Context::new(&parts, era, Duration::from_secs(5))
    }

    async fn run(tool: Tool) -> Result<Value, Refusal> {
        let params = json!({"name": "it"});
        call(&Tools::new(vec![tool]), &context(Era::Modern), params.as_object().unwrap()).await
    }

    fn tool<F, Fut>(f: F) -> Tool
    where
        F: Fn() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Output, String>> + Send + 'static,
    {
        Tool::plain("it", "", "", move |_, _: NoArguments| f())
    }

    fn is_internal(result: Result<Value, Refusal>) -> bool {
        matches!(result, Err(Refusal::Error { code: INTERNAL_ERROR, .. }))
    }

    #[tokio::test]
    async fn a_tool_that_panics_is_an_internal_error() {
        assert!(is_internal(run(tool(|| async { panic!("on purpose") })).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_takes_too_long_is_an_internal_error() {
        assert!(is_internal(run(tool(std::future::pending)).await));
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_ends_a_modern_call_and_not_a_legacy_one() {
        for (era, goes_on) in [(Era::Modern, false), (Era::Legacy, true)] {
            let (started, is_started) = oneshot::channel();
            let (proceed, may_proceed) = oneshot::channel::<()>();
            let (done, is_done) = oneshot::channel();
            let work = async move {
                started.send(()).unwrap();
                may_proceed.await.unwrap();
                done.send(()).unwrap();
            };
            let mut cx = context(era);
            let taken = Arc::new(());
            let place = Arc::downgrade(&taken);
            cx.extensions.insert(taken);
            let call = tokio::spawn(async move { guarded(&cx, "it", work).await.is_ok() });
            is_started.await.unwrap();
            call.abort();
            assert!(call.await.unwrap_err().is_cancelled());
            if goes_on {
                assert!(place.upgrade().is_some(), "work that goes on keeps its place");
            }
            let _ = proceed.send(());
            assert_eq!(is_done.await.is_ok(), goes_on, "{era:?}");
            while place.upgrade().is_some() {
                tokio::task::yield_now().await; // it is given back when the task has ended
            }
        }
    }

    #[test]
    fn a_bad_argument_is_named_with_what_is_allowed() {
        let echo = |arguments: Value| {
            let tool = crate::tools::echo();
            let answer = tool.run(context(Era::Modern), arguments.as_object().unwrap().clone());
            at_once(answer).unwrap_err()
        };
        for (arguments, words) in [
            (json!({}), &["message"][..]),
            (json!({"message": 5}), &["message", "string"]),
            (json!({"message": "a", "repeat_count": 0}), &["repeat_count", "1 to 10", "0"]),
            (json!({"message": "a", "repeat_count": 11}), &["repeat_count", "1 to 10", "11"]),
            (json!({"message": "a", "repeat_count": 1.5}), &["repeat_count", "1 to 10", "1.5"]),
            (json!({"message": "a", "repeat_count": null}), &["repeat_count", "1 to 10"]),
            (json!({"message": "a", "volume": 3}), &["volume", "message", "repeat_count"]),
        ] {
            let sentence = echo(arguments);
            for word in words {
                assert!(sentence.contains(word), "{sentence} does not say {word}");
            }
        }
    }

    /// Runs a future that never waits.
    fn at_once<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }
}
