//! Does the server live on, whatever a tool does? The lesson of step 4 and the library, side by side, with tools that
//! panic, never end, or outlive their client.

use std::{sync::Arc, time::Duration};

use common::{
    Context, Era, RequestId,
    jsonrpc::Refusal,
    tools::{NoArguments, Output, Tool, Tools},
};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

/// A context of request `the-id` with this much time.
fn context(era: Era, time: Duration) -> Context {
    let mut request = axum::http::Request::new(());
    request.extensions_mut().insert(RequestId("the-id".into()));
    Context::new(&request.into_parts().0, era, time)
}

fn tools<F, Fut>(run: F) -> Tools
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Output, String>> + Send + 'static,
{
    Tools::new(vec![Tool::plain("it", "It", "Does it", move |_, _: NoArguments| run())])
}

fn params() -> Map<String, Value> {
    json!({"name": "it"}).as_object().unwrap().clone()
}

fn nothing() -> Result<Output, String> {
    Ok(Output { content: Vec::new(), structured: None })
}

/// What the lesson and the library answer.
async fn both(tools: &Tools, cx: &Context) -> [Result<Value, Refusal>; 2] {
    let lesson = step4::calls::call(tools, cx, &params()).await;
    [lesson, common::calls::call(tools, cx, &params()).await]
}

/// Expects HTTP 200, -32603 and the id by which the log has the cause; never the cause itself.
fn is_internal(result: Result<Value, Refusal>) {
    let Err(Refusal::Error { status, code, message, data }) = result else {
        panic!("an internal error was expected, not {result:?}");
    };
    assert_eq!((status.as_u16(), code), (200, -32603));
    assert_eq!(data, json!({"requestId": "the-id"}));
    assert!(!message.contains("on purpose"), "the client learns the cause: {message}");
}

#[tokio::test]
async fn a_tool_of_step_4_that_panics_is_an_internal_error_and_the_next_call_is_served() {
    let cx = context(Era::Modern, Duration::from_secs(5));
    both(&tools(|| async { panic!("on purpose") }), &cx).await.into_iter().for_each(is_internal);
    let at_once = || -> std::future::Ready<_> { panic!("on purpose, before there is a future") };
    both(&tools(at_once), &cx).await.into_iter().for_each(is_internal);
    for result in both(&tools(|| async { nothing() }), &cx).await {
        assert_eq!(result.unwrap()["isError"], false);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_of_step_4_that_takes_too_long_is_an_internal_error() {
    for era in [Era::Modern, Era::Legacy] {
        let cx = context(era, Duration::from_secs(30));
        both(&tools(std::future::pending), &cx).await.into_iter().for_each(is_internal);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tool_of_step_4_that_never_pauses_is_cut_off_too() {
    let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let until = ended.clone();
    let busy = tools(move || {
        let until = until.clone();
        async move {
            while !until.load(std::sync::atomic::Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            nothing()
        }
    });
    let cx = context(Era::Modern, Duration::from_millis(100));
    let results = both(&busy, &cx).await;
    ended.store(true, std::sync::atomic::Ordering::Relaxed);
    results.into_iter().for_each(is_internal);
}

#[tokio::test]
async fn a_hang_up_ends_a_modern_call_of_step_4_and_not_a_legacy_one() {
    for (era, goes_on) in [(Era::Modern, false), (Era::Legacy, true)] {
        let [started, proceed, done] = [(); 3].map(|()| Arc::new(Semaphore::new(0)));
        let gates = (started.clone(), proceed.clone(), done.clone());
        let tools = tools(move || {
            let (started, proceed, done) = gates.clone();
            async move {
                started.add_permits(1);
                proceed.acquire().await.unwrap().forget();
                done.add_permits(1);
                nothing()
            }
        });
        let held = Arc::downgrade(&proceed);
        let cx = context(era, Duration::from_secs(30));
        let call =
            tokio::spawn(async move { step4::calls::call(&tools, &cx, &params()).await.is_ok() });
        started.acquire().await.unwrap().forget();
        call.abort(); // the client hangs up
        assert!(call.await.unwrap_err().is_cancelled());
        proceed.add_permits(1);
        drop(proceed);
        // the tool has ended when nobody holds its gate any more
        let ended = async {
            while held.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the tool ends");
        assert_eq!(done.available_permits() == 1, goes_on, "{era:?}");
    }
}
