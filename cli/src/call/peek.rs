//! What does a token say of itself? For hints alone: nothing is verified here, and nothing decided.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// The claims of a token that is a JWT; for hints only, nothing is verified here.
fn claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// The scopes that the token says it has.
pub fn scopes(token: Option<&str>) -> Option<String> {
    let claims = claims(token?)?;
    let list = |value: &Value| {
        let words = value.as_array()?.iter().map(|word| word.as_str().unwrap_or_default());
        Some(words.collect::<Vec<_>>().join(" "))
    };
    let scope = claims.get("scope").or_else(|| claims.get("scopes"))?;
    scope.as_str().map(str::to_owned).or_else(|| list(scope))
}

/// Whom the token says it is for, if it says that.
pub fn audiences(token: &str) -> Option<Vec<String>> {
    let claims = claims(token)?;
    let told: Vec<_> = match claims.get("aud")? {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str()?],
    };
    Some(told.into_iter().map(str::to_owned).collect())
}

/// Does the token say that its time is over?
pub fn expired(token: Option<&str>) -> bool {
    let expires = token.and_then(claims).and_then(|claims| claims["exp"].as_f64());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    matches!((expires, now), (Some(expires), Ok(now)) if expires <= now.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_token_says_which_scopes_it_has() {
        use serde_json::json;
        for (claims, expected) in [
            (json!({"scope": "a b"}), Some("a b")),
            (json!({"scope": ["a", "b"]}), Some("a b")),
            (json!({"scopes": ["a"]}), Some("a")),
            (json!({"sub": "alice"}), None),
        ] {
            assert_eq!(scopes(Some(&token(&claims))).as_deref(), expected, "{claims}");
        }
        for opaque in ["", "opaque", "a.b.c", "..", "ä.ö.ü"] {
            assert_eq!(scopes(Some(opaque)), None, "{opaque}");
            assert!(!expired(Some(opaque)), "{opaque}");
        }
    }

    #[test]
    fn a_token_says_whom_it_is_for() {
        use serde_json::json;
        for (claims, expected) in [
            (json!({"aud": "a"}), Some(vec!["a"])),
            (json!({"aud": ["a", "b"]}), Some(vec!["a", "b"])),
            (json!({"aud": []}), Some(vec![])),
            (json!({"sub": "alice"}), None),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect());
            assert_eq!(audiences(&token(&claims)), expected, "{claims}");
        }
        assert_eq!(audiences("opaque"), None);
    }

    #[test]
    fn a_token_whose_time_is_over_is_recognised() {
        use serde_json::json;
        assert!(expired(Some(&token(&json!({"exp": 1_700_000_000})))));
        assert!(!expired(Some(&token(&json!({"exp": 33_000_000_000_u64})))));
        assert!(!expired(Some(&token(&json!({"sub": "alice"})))));
    }
}
