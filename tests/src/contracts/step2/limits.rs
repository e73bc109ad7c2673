//! How much is too much? Type, size and depth of a body.

use serde_json::json;

use crate::{Call, Kept, Promise, Target};

/// Promises about bodies.
pub const PROMISES: &[Promise] = promises! {
    only_json_is_taken, "T21", "another Content-Type than application/json, or none, or two, gets 415";
    json_may_name_its_charset, "T21", "Content-Type in upper case or with parameters is taken";
    packed_bodies_are_refused, "B10", "a Content-Encoding gets 415: a bomb is small before it is unpacked";
    a_mebibyte_is_enough, "B10", "a body of 1 MiB is read, one byte more gets 413";
    depth_64_is_enough, "B10", "JSON nested 64 deep is read, 65 deep it is 400 -32700";
    the_type_comes_before_the_size, "B10", "a wrong type is told before a size";
};

async fn only_json_is_taken(t: &Target) -> Kept {
    let call = || t.modern("server/discover", json!({}));
    for kind in [
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/json-rpc",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/json, text/plain",
        "application",
    ] {
        let call = call().set("content-type", kind).with(format!("Content-Type: {kind}"));
        call.send().await?.refused(415)?;
    }
    call().without("content-type").with("no Content-Type").send().await?.refused(415)?;
    let two = call().header("content-type", "text/plain").with("two Content-Types");
    two.send().await?.refused(415)?;
    Ok(())
}

async fn json_may_name_its_charset(t: &Target) -> Kept {
    for kind in
        ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
    {
        let call = t.modern("server/discover", json!({})).set("content-type", kind);
        call.with(format!("Content-Type: {kind}")).send().await?.result()?;
    }
    Ok(())
}

async fn packed_bodies_are_refused(t: &Target) -> Kept {
    for coding in ["gzip", "br", "deflate", "identity, gzip"] {
        let call = t.modern("server/discover", json!({})).header("content-encoding", coding);
        call.with(format!("Content-Encoding: {coding}")).send().await?.refused(415)?;
    }
    Ok(())
}

/// A good request whose body has this many bytes.
fn of_size(t: &Target, size: usize) -> Call<'_> {
    let call = t.modern("server/discover", json!({}));
    let call = call.edit(|m| m["params"]["padding"] = json!("p".repeat(size)));
    call.resize(size).named(format!("a body of {size} bytes"))
}

async fn a_mebibyte_is_enough(t: &Target) -> Kept {
    let limit = 1 << 20;
    of_size(t, limit).send().await?.result()?;
    of_size(t, limit + 1).send().await?.refused(413)?;
    of_size(t, 2 * limit).send().await?.refused(413)?;
    let padded = t.modern("server/discover", json!({})).resize(limit + 1);
    padded.with("too many blanks").send().await?.refused(413)?;
    Ok(())
}

async fn depth_64_is_enough(t: &Target) -> Kept {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        // two levels are the message and its params
        let nested = |depth: usize| {
            let (open, close) = (open.repeat(depth - 2), close.repeat(depth - 2));
            let inside = if open.starts_with('{') { "1" } else { "" };
            let call = t.modern("server/discover", json!({"nested": "here"}));
            let call = call.replace("\"here\"", &format!("{open}{inside}{close}"));
            call.named(format!("{} nested {depth} deep", &open[..1]))
        };
        nested(64).send().await?.result()?;
        nested(65).send().await?.error(400, -32700)?;
        nested(50_000).send().await?.error(400, -32700)?;
    }
    let text = json!({"brackets": "[{".repeat(1000), "quoted": "\"[[\\"});
    let call = t.modern("server/discover", text).named("brackets in a string");
    call.send().await?.result()?;
    Ok(())
}

async fn the_type_comes_before_the_size(t: &Target) -> Kept {
    let call = of_size(t, 2 << 20).set("content-type", "text/plain");
    call.with("Content-Type: text/plain").send().await?.refused(415)?;
    Ok(())
}
