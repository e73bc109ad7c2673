//! Contract 6: is this token genuine, current, and for us?

use serde_json::{Value, json};

use crate::{Answer, Call, Promise, Target, challenge::Challenge};

pub mod door;
pub mod tokens;

/// The promises of lesson 6, by subject.
pub const PARTS: &[&[Promise]] = &[door::PROMISES, tokens::PROMISES];

fn discover(t: &Target) -> Call<'_> {
    t.modern("server/discover", json!({}))
}

/// Expects 401 `invalid_token`, and gives what a caller can tell refusals apart by.
fn is_invalid_token(answer: &Answer) -> Result<(Value, Challenge, Vec<String>), String> {
    let body = answer.refused(401)?;
    demand!(body["error"] == "invalid_token", "{}", answer.unlike("invalid_token"));
    let challenge = Challenge::of(answer)?;
    let told = challenge.get("error") == Some("invalid_token");
    demand!(told, "{}, {challenge:?}", answer.unlike("invalid_token in the challenge"));
    // the other headers, too, must not tell refusals apart
    let own = ["x-request-id", "date"];
    let others = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> = others.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    Ok((body, challenge, headers))
}
