//! Is a list that is longer than a page read to its end? The lesson of step 3 and the library, side by side, with more
//! tools than the workshop has.

use std::time::Duration;

use axum::http::Request;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    Context, Era, RequestId,
    jsonrpc::Refusal,
    tools::{NoArguments, Output},
};
use serde_json::{Map, Value};

fn context() -> Context {
    let mut request = Request::new(());
    request.extensions_mut().insert(RequestId("the-id".into()));
    Context::new(&request.into_parts().0, Era::Modern, Duration::from_secs(5))
}

/// The lesson's list and the library's, of the same tools.
type Lists = [Box<dyn Fn(&Context, &Map<String, Value>) -> Result<Value, Refusal>>; 2];

fn lists(names: &'static [&'static str]) -> Lists {
    let lesson =
        |name: &&'static str| step3::tools::Tool::new::<NoArguments>(name, "Title", "Text");
    let lesson = step3::tools::Tools::new(names.iter().map(lesson).collect());
    let nothing = async |_, _: NoArguments| Ok(Output { content: Vec::new(), structured: None });
    let library = |name: &&'static str| common::tools::Tool::plain(name, "Title", "Text", nothing);
    let library = common::tools::Tools::new(names.iter().map(library).collect());
    [
        Box::new(move |cx, params| lesson.list(cx, params, "public")),
        Box::new(move |cx, params| library.list(cx, params, "public")),
    ]
}

#[test]
fn a_long_list_has_pages_each_tool_once_and_an_end() {
    let names: Vec<&'static str> =
        (0..120).map(|at| &*Box::leak(format!("tool-{at:03}").into_boxed_str())).collect();
    let names: &'static [&'static str] = Vec::leak(names);
    let cx = context();
    for list in lists(names) {
        let (mut params, mut pages, mut seen) = (Map::new(), Vec::new(), Vec::new());
        loop {
            let result = list(&cx, &params).unwrap();
            let tools = result["tools"].as_array().unwrap();
            pages.push(tools.len());
            seen.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = result.get("nextCursor") else { break };
            let plain = names.contains(&cursor.as_str().unwrap());
            assert!(!plain, "a cursor that says what it is will be made up: {cursor}");
            params.insert("cursor".into(), cursor.clone());
            assert!(pages.len() < 10, "the list comes to no end: {pages:?}");
        }
        assert_eq!(pages, [50, 50, 20]);
        assert_eq!(seen, names);
        let past = params["cursor"].as_str().unwrap().to_owned();
        // the cursor behind the last tool is one that nobody was given
        let last = URL_SAFE_NO_PAD.encode(names.last().unwrap());
        assert_ne!(past, last);
        params.insert("cursor".into(), last.into());
        assert!(list(&cx, &params).is_err());
    }
}
