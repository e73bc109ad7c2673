//! Contract 1: does it live well? What every server of the workshop answers, whatever else it does.

use axum::http::Method;
use serde_json::json;

use crate::{Answer, Kept, Promise, Target};

/// The promises of lesson 1.
pub const PROMISES: &[Promise] = promises! {
    health_says_healthy, "", "GET /health is 200 {\"status\":\"healthy\"}";
    health_answers_head, "", "HEAD /health is 200 without a body";
    unknown_paths_are_404, "", "a path where nothing is gets 404, as JSON, whatever the method";
    wrong_methods_are_405, "", "a method that a path does not take gets 405, as JSON, with Allow";
    every_answer_has_a_request_id, "", "each answer has an x-request-id of its own";
    harmless_request_ids_are_kept, "", "an x-request-id of [A-Za-z0-9-]{1,64} comes back";
    other_request_ids_are_replaced, "", "an x-request-id of any other shape is replaced by a new one";
};

async fn health_says_healthy(t: &Target) -> Kept {
    let answer = t.get("/health").send().await?;
    let body = answer.is(200)?.json()?;
    demand!(body == json!({"status": "healthy"}), "{}", answer.unlike("{\"status\":\"healthy\"}"));
    t.get("/health").query("verbose=1").send().await?.is(200)?;
    Ok(())
}

async fn health_answers_head(t: &Target) -> Kept {
    t.call(Method::HEAD, "/health").send().await?.is(200)?.empty()?;
    Ok(())
}

/// Expects a refusal with a sentence.
fn described(answer: &Answer, status: u16) -> Kept {
    let body = answer.refused(status)?;
    let sentence = body["error_description"].as_str().is_some_and(|text| text.contains(' '));
    demand!(sentence, "{}", answer.unlike("error_description, a sentence"));
    Ok(())
}

async fn unknown_paths_are_404(t: &Target) -> Kept {
    for path in
        ["/", "/nothing-here", "/health/", "/health/more", "/HEALTH", "//health", "/%2e%2e/x"]
    {
        described(&t.get(path).send().await?, 404)?;
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        t.call(method, "/nothing-here").send().await?.refused(404)?;
    }
    t.call(Method::HEAD, "/nothing-here").send().await?.is(404)?.empty()?;
    Ok(())
}

async fn wrong_methods_are_405(t: &Target) -> Kept {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = t.call(method, "/health").send().await?;
        described(&answer, 405)?;
        let mut allowed = answer.list("allow");
        allowed.sort();
        demand!(
            allowed == ["get", "head"],
            "{}",
            answer.unlike("Allow: GET, HEAD") + &said(&answer)
        );
    }
    Ok(())
}

fn said(answer: &Answer) -> String {
    format!(", Allow: {:?}", answer.list("allow"))
}

/// The request id of an answer, which must have a harmless one.
fn request_id(answer: &Answer) -> Result<&str, String> {
    let id = answer.header("x-request-id")?.unwrap_or_default();
    demand!(is_harmless(id), "{}, x-request-id: {id:?}", answer.unlike("an x-request-id"));
    Ok(id)
}

fn is_harmless(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

async fn every_answer_has_a_request_id(t: &Target) -> Kept {
    let mut seen = Vec::new();
    for call in [
        t.get("/health"),
        t.get("/health"),
        t.call(Method::HEAD, "/health"),
        t.call(Method::POST, "/health"),
        t.get("/nothing-here"),
        t.get("/nothing-here").anonymous(),
    ] {
        let answer = call.send().await?;
        let id = request_id(&answer)?.to_owned();
        demand!(!seen.contains(&id), "{}: the id {id} was used before", answer.to);
        seen.push(id);
    }
    Ok(())
}

async fn harmless_request_ids_are_kept(t: &Target) -> Kept {
    let longest = "x".repeat(64);
    for id in ["a", "-", "0198c7e2-5a3b-7c11-9d2e-000000000001", "ABC-xyz-09", &longest] {
        for path in ["/health", "/nothing-here"] {
            let answer = t.get(path).header("x-request-id", id).send().await?;
            let kept = request_id(&answer)? == id;
            demand!(kept, "{}", answer.unlike(format!("x-request-id: {id}")));
        }
    }
    Ok(())
}

async fn other_request_ids_are_replaced(t: &Target) -> Kept {
    let long = "x".repeat(65);
    let evil: [&[u8]; 8] =
        [b"", long.as_bytes(), b"a b", b"a_b", b"a;b", b"a\tb", "caf\u{e9}".as_bytes(), b"\xff"];
    for given in evil {
        let answer = t.get("/health").header("x-request-id", given).send().await?;
        let id = request_id(&answer)?;
        let shown = String::from_utf8_lossy(given);
        demand!(id.as_bytes() != given, "{}", answer.unlike(format!("another id than {shown:?}")));
    }
    let two = t.get("/health").header("x-request-id", "one").header("x-request-id", "two");
    let answer = two.with("two request ids").send().await?;
    let id = request_id(&answer)?;
    demand!(id != "one" && id != "two", "{}", answer.unlike("a new id, neither of them"));
    Ok(())
}
