//! What do the members of a token mean? In words, beside their values.

use mcp_auth::{Identity, identity::seconds, issuer::files::KeyFiles};
use serde_json::Value;

use crate::{folder::Server, output, times};

/// Longer values are cut off: `--json` has them whole.
const WIDTH: usize = 60;

/// A value in one line.
pub fn value(value: &Value) -> String {
    let text = output::text(value);
    match text.char_indices().nth(WIDTH) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A member of the header.
pub fn header(name: &str, value: &Value, keys: &KeyFiles) -> String {
    let text = value.as_str().unwrap_or_default();
    match name {
        "alg" => match text {
            "RS256" => "signed with RSA and SHA-256".into(),
            "HS256" => {
                "signed with a secret that the server would have to know: not taken here".into()
            }
            "none" => "not signed at all: anybody can have written it".into(),
            _ => "an algorithm that is not taken here".into(),
        },
        "kid" => {
            let list = keys.list().unwrap_or_default();
            match list.iter().position(|key| key.kid == text) {
                Some(0) => "the key that signs here".into(),
                Some(_) => "a key of this folder, which signs no more".into(),
                None => "no key of this folder".into(),
            }
        }
        "typ" => match text.to_ascii_lowercase().as_str() {
            "at+jwt" | "application/at+jwt" => "an access token (RFC 9068)".into(),
            "jwt" => "a token of some kind".into(),
            _ => "another kind of token than an access token".into(),
        },
        "jwk" | "jku" | "x5c" | "x5u" => "would let the token choose its own key".into(),
        "crit" | "b64" | "zip" | "enc" => "would let the token choose how it is read".into(),
        _ => String::new(),
    }
}

/// A claim.
pub fn claim(name: &str, value: &Value, server: &Server, now: i64) -> String {
    let time = || match seconds(Some(value)) {
        Some(time) => times::told(time, now),
        None => "not a time in seconds since 1970".into(),
    };
    let expected = |what: &str, expected: String| {
        let listed = value.as_array().is_some_and(|list| list.contains(&expected.as_str().into()));
        if *value == expected || name == "aud" && listed {
            what.to_owned()
        } else {
            format!("{what}; here that is to be {expected}")
        }
    };
    match name {
        "iss" => expected("who issued it", server.issuer()),
        "aud" => expected("which server it is for", server.audience()),
        "sub" => "whom it is about".into(),
        "client_id" | "azp" => "the program that it was given to".into(),
        "scope" | "scopes" => "what it allows".into(),
        "roles" | "realm_access" => "roles of the subject".into(),
        "name" | "preferred_username" => "a name to show, not to decide by".into(),
        "jti" => "its number".into(),
        "exp" => format!("until {}", time()),
        "nbf" => format!("not before {}", time()),
        "iat" => format!("made {}", time()),
        "typ" if *value == "Bearer" => "an access token".into(),
        "typ" => "another kind of token than an access token".into(),
        "cnf" => "bound to a key of its client, which is not checked here".into(),
        _ => String::new(),
    }
}

/// What the caller may do, by the scopes and roles of the workshop (step 8).
pub fn may(caller: &Identity) -> String {
    let is_admin = caller.roles().any(|role| role == "admin");
    let has = |scope| is_admin || caller.scopes().contains(scope);
    let list = |own: &'static str| ["mcp:read", own].into_iter().any(has);
    let rights = [
        ("list tools", list("mcp:tools"), "mcp:read"),
        ("call tools", has("mcp:tools"), "mcp:tools"),
        ("list prompts", list("mcp:prompts"), "mcp:read"),
        ("get prompts", has("mcp:prompts"), "mcp:prompts"),
    ];
    let rows = rights.map(|(what, may, scope)| {
        let words = match (may, is_admin) {
            (true, true) => "yes, by the role admin".to_owned(),
            (true, false) => "yes".to_owned(),
            (false, _) => format!("no: {scope} is missing"),
        };
        [what.to_owned(), words]
    });
    output::table(2, &rows)
}

/// What a token is that does not have three parts.
pub fn parts(token: &str) -> Option<&'static str> {
    match token.split('.').count() {
        3 => None,
        5 => Some("five parts: an encrypted token (JWE)"),
        1 => Some("one part: an opaque token, which only its issuer can read, or something else"),
        _ => Some("a signed token has three parts, with dots between them"),
    }
}
