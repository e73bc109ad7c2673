//! Is it one message? What a body must be, before anybody asks what it wants.

use serde_json::{Value, json};

use crate::{Answer, Kept, Promise, Target, contracts::methods};

/// Promises about the JSON-RPC envelope.
pub const PROMISES: &[Promise] = promises! {
    what_is_not_json_is_a_parse_error, "T21", "a body that is not JSON in UTF-8 is 400 -32700, without an id";
    a_post_is_one_message, "T4 G10", "a batch, and JSON that is no object, is 400 -32600";
    a_posted_response_is_refused, "T4 G3", "a response from a client is 400 -32600, in both eras";
    the_envelope_is_checked, "T4", "another `jsonrpc`, `method` or `params` than JSON-RPC 2.0 has is 400 -32600";
    a_member_twice_is_refused, "T21", "a member that stands twice is 400 -32600: two readers could read two messages";
    ids_come_back, "B1", "the id of a request, a string or an integer, comes back with result and error";
    other_ids_are_refused, "B1", "an id that is null, fractional or no scalar is 400 -32600, and does not come back";
};

async fn what_is_not_json_is_a_parse_error(t: &Target) -> Kept {
    let good = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let bodies: [Vec<u8>; 9] = [
        b"".into(),
        b"{".into(),
        b"hello".into(),
        b"{'jsonrpc':'2.0'}".into(),
        good.replace('}', ",}").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("\u{feff}{good}").into_bytes(),
        [good.as_bytes(), b"\xff"].concat(),
        br#"{"jsonrpc":2,"#.into(), // wrong before it is broken
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let answer = t.legacy("ping", json!({})).body(body).named(shown).send().await?;
        without_id(&answer, answer.error(400, -32700)?)?;
    }
    let mut latin = good.replace("ping", "p~ng").into_bytes();
    latin.iter_mut().filter(|b| **b == b'~').for_each(|b| *b = 0xe9);
    let answer =
        t.legacy("ping", json!({})).body(latin).named("a method in Latin-1").send().await?;
    without_id(&answer, answer.error(400, -32700)?)
}

async fn a_post_is_one_message(t: &Target) -> Kept {
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let batches = [format!("[{one}]"), format!("[{one},{one}]"), "[]".to_owned(), "[1]".to_owned()];
    // members without their names: some readers take them for a message
    let nameless = [r#"["2.0",1,"ping"]"#, r#" ["2.0",1,"ping",{}]"#].map(str::to_owned);
    let scalars = ["1", "\"ping\"", "null", "true"].map(str::to_owned);
    let lists = batches.into_iter().chain(nameless);
    for body in lists.chain(scalars).chain(["{}".to_owned()]) {
        for call in [t.legacy("ping", json!({})), t.modern("server/discover", json!({}))] {
            let answer = call.body(body.as_str()).named(&body).send().await?;
            without_id(&answer, answer.error(400, -32600)?)?;
        }
    }
    Ok(())
}

async fn a_posted_response_is_refused(t: &Target) -> Kept {
    let result = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}});
    for body in [result, error] {
        for call in [t.legacy("ping", json!({})), t.modern("server/discover", json!({}))] {
            let named = format!("a posted response {body}");
            call.body(body.to_string()).named(named).send().await?.error(400, -32600)?;
        }
    }
    Ok(())
}

async fn the_envelope_is_checked(t: &Target) -> Kept {
    let wrong = [
        ("jsonrpc", json!("1.0")),
        ("jsonrpc", json!(2.0)),
        ("jsonrpc", json!(null)),
        ("jsonrpc", json!("2.0 ")),
        ("method", json!(1)),
        ("method", json!(null)),
        ("method", json!(["ping"])),
        ("params", json!([])),
        ("params", json!("{}")),
        ("params", json!(null)),
    ];
    for (member, value) in wrong {
        let call = t.legacy("ping", json!({})).edit(|m| m[member] = value.clone());
        let answer = call.with(format!("{member}: {value}")).send().await?;
        let message = answer.error(400, -32600)?;
        demand!(message["id"] == 1, "{}", answer.unlike("the id 1, which could be read"));
    }
    for member in ["jsonrpc", "method"] {
        let call = t.legacy("ping", json!({})).edit(|m| {
            m.as_object_mut().and_then(|m| m.remove(member));
        });
        call.named(format!("a request without {member}")).send().await?.error(400, -32600)?;
    }
    Ok(())
}

async fn a_member_twice_is_refused(t: &Target) -> Kept {
    for twice in [
        r#""jsonrpc":"2.0""#,
        r#""id":2"#,
        r#""method":"tools/call""#,
        r#""params":{"name":"x"}"#,
        r#""\u006dethod":"tools/call""#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{}},{twice}}}"#);
        let call = t.legacy("ping", json!({})).body(body.as_str());
        call.named(body).send().await?.error(400, -32600)?;
    }
    Ok(())
}

async fn ids_come_back(t: &Target) -> Kept {
    let ids = [
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!("1"),
        json!("null"),
        json!("a\"b\\c\u{0}\u{1F600}"),
    ];
    for id in ids {
        for call in [
            t.modern("server/discover", json!({})),
            t.legacy("ping", json!({})),
            t.modern(methods::UNKNOWN, json!({})),
            t.legacy(methods::UNKNOWN, json!({})),
            t.modern("server/discover", json!({})).set("mcp-method", "other"),
        ] {
            let call = call.edit(|message| message["id"] = id.clone());
            let answer = call.with(format!("the id {id}")).send().await?;
            let came = answer.json()?["id"].clone();
            demand!(came == id, "{}", answer.unlike(format!("the id {id}")));
        }
    }
    Ok(())
}

async fn other_ids_are_refused(t: &Target) -> Kept {
    for id in [json!(null), json!(1.5), json!(1.0), json!(1e30), json!(true), json!([1]), json!({})]
    {
        for call in [t.modern("server/discover", json!({})), t.legacy("ping", json!({}))] {
            let call = call.edit(|message| message["id"] = id.clone());
            let answer = call.with(format!("the id {id}")).send().await?;
            without_id(&answer, answer.error(400, -32600)?)?;
        }
    }
    Ok(())
}

/// An id that could not be read is left out, or null as JSON-RPC 2.0 §5 has it.
fn without_id(answer: &Answer, message: Value) -> Kept {
    demand!(message.get("id").is_none_or(Value::is_null), "{}", answer.unlike("no id"));
    Ok(())
}
