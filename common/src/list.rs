//! What does a list look like? Pages in a stable order, behind an opaque cursor.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{Context, Era, jsonrpc::Refusal, modern};

/// Items on a page.
pub const PAGE: usize = 50;

/// One page of `items`, which are in the order of their names, as the result of a list method.
///
/// The cursor holds the last name of the page before (F11), so that it stays good when the list grows. It
/// is opaque to clients; an empty one begins at the beginning. In the modern era the result says how long and
/// by whom it may be kept (F12).
///
/// # Errors
/// -32602 for a cursor that we did not give.
pub fn page(
    key: &str,
    items: &[(String, Value)],
    size: usize,
    cx: &Context,
    params: &Map<String, Value>,
    cache_scope: &str,
) -> Result<Value, Refusal> {
    let start = match params.get("cursor") {
        None => 0,
        Some(Value::String(cursor)) if cursor.is_empty() => 0,
        Some(cursor) => after(items, cursor)
            .ok_or_else(|| Refusal::invalid_params("`cursor` is not one that this list gave"))?,
    };
    let end = items.len().min(start + size);
    let page: Vec<_> = items[start..end].iter().map(|(_, item)| item).collect();
    let mut result = json!({key: page});
    if end < items.len() {
        result["nextCursor"] = URL_SAFE_NO_PAD.encode(&items[end - 1].0).into();
    }
    if cx.era == Era::Modern {
        result["ttlMs"] = modern::TTL_MS.into();
        result["cacheScope"] = cache_scope.into();
    }
    Ok(result)
}

/// Where the page behind this cursor begins.
fn after(items: &[(String, Value)], cursor: &Value) -> Option<usize> {
    let name = URL_SAFE_NO_PAD.decode(cursor.as_str()?).ok()?;
    let last = items.iter().position(|(item, _)| item.as_bytes() == name)?;
    (last + 1 < items.len()).then_some(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(params: Value) -> Result<Value, Refusal> {
        let items = ["a", "b", "c"].map(|name| (name.to_owned(), json!({"name": name})));
        let (parts, ()) = http::Request::new(()).into_parts();
        let cx = Context::new(&parts, Era::Modern, std::time::Duration::from_secs(1));
        page("tools", &items, 2, &cx, params.as_object().unwrap(), "public")
    }

    #[test]
    fn the_cursor_of_a_page_leads_to_the_next_one() {
        let first = list(json!({})).unwrap();
        assert_eq!(first["tools"], json!([{"name": "a"}, {"name": "b"}]));
        let second = list(json!({"cursor": first["nextCursor"]})).unwrap();
        assert_eq!(second["tools"], json!([{"name": "c"}]));
        assert!(second.get("nextCursor").is_none(), "the last page leads nowhere");
        assert_eq!(list(json!({"cursor": ""})).unwrap(), first);
    }

    #[test]
    fn a_cursor_that_we_did_not_give_is_refused() {
        for cursor in [json!("nonsense"), json!("Yw"), json!("eA"), json!(7), json!(null)] {
            let refusal = list(json!({"cursor": cursor}));
            assert!(
                matches!(refusal, Err(Refusal::Error { code: -32602, .. })),
                "{cursor}: {refusal:?}"
            );
        }
    }
}
