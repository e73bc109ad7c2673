//! What does a refused caller learn? `WWW-Authenticate` and a body (RFC 6750 §3, RFC 9728 §5.1).

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    Needs,
    bearer::BearerError,
    refusal::{self, refuse},
    verify::VerifyError,
};

/// What a caller needs to know to do better: where to get a token, and with which scope.
#[derive(Clone, Debug, Default)]
pub struct Challenge {
    /// The URL of the protected resource metadata (RFC 9728), where the way to the login begins.
    pub resource_metadata: Option<String>,
    /// The scopes to ask for, words between blanks (A4, A9).
    pub scope: Option<String>,
}

impl Challenge {
    /// 401 without `error`: there were no credentials, so none were wrong (A5).
    #[must_use]
    pub fn missing(&self) -> Response {
        let text = "this server wants a token: Authorization: Bearer …";
        let body = (StatusCode::UNAUTHORIZED, Json(json!({"error_description": text})));
        self.with_header(None, body.into_response())
    }

    /// 400 `invalid_request`: the request can be read two ways, or not at all.
    #[must_use]
    pub fn malformed(&self, why: &str) -> Response {
        self.refuse(StatusCode::BAD_REQUEST, "invalid_request", why)
    }

    /// 401 `invalid_token`, the same whatever the cause.
    #[must_use]
    pub fn invalid(&self) -> Response {
        self.refuse(StatusCode::UNAUTHORIZED, "invalid_token", "this token is not taken here")
    }

    /// 403 `insufficient_scope`: the token is good and allows too little. Names all that the operation
    /// needs, in one challenge (A9).
    #[must_use]
    pub fn insufficient(&self, needs: &Needs) -> Response {
        let text = "this token does not allow it: ask for one with more scope";
        let challenge = Self { scope: Some(needs.0.to_string()), ..self.clone() };
        challenge.refuse(StatusCode::FORBIDDEN, "insufficient_scope", text)
    }

    /// 503: whether the token is good cannot be told at the moment.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Response {
        refusal::unavailable(retry_after, "tokens cannot be checked at the moment")
    }

    /// The answer to a request whose token could not be found.
    #[must_use]
    pub fn refused_header(&self, error: BearerError) -> Response {
        match error {
            BearerError::Missing => self.missing(),
            BearerError::Malformed(why) => self.malformed(why),
        }
    }

    /// The answer to a request whose token is not taken.
    #[must_use]
    pub fn refused_token(&self, error: &VerifyError) -> Response {
        match error {
            VerifyError::Invalid(_) => self.invalid(),
            VerifyError::Unavailable { retry_after } => Self::unavailable(*retry_after),
        }
    }

    fn refuse(&self, status: StatusCode, error: &str, description: &str) -> Response {
        self.with_header(Some((error, description)), refuse(status, error, description))
    }

    fn with_header(&self, error: Option<(&str, &str)>, mut response: Response) -> Response {
        if let Ok(value) = HeaderValue::from_str(&self.header(error)) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }

    /// The value of `WWW-Authenticate`, one challenge with all that is known (RFC 9110 §11.6.1).
    fn header(&self, error: Option<(&str, &str)>) -> String {
        let (error, description) = error.unzip();
        let parameters = [
            ("error", error),
            ("error_description", description),
            ("scope", self.scope.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        // in one piece: whoever sends bad tokens in a flood gets one of these for each
        let (mut header, mut before) = (String::with_capacity(256), "Bearer ");
        for (name, value) in parameters {
            if let Some(value) = value {
                header.extend([before, name, "=\""]);
                quote(value, &mut header);
                header.push('"');
                before = ", ";
            }
        }
        if header.is_empty() { "Bearer".to_owned() } else { header }
    }
}

/// Writes a text for a quoted string: `\` and `"` escaped, and `?` for what a header cannot carry, so
/// that no value can end its own quotes or begin a new header.
fn quote(text: &str, safe: &mut String) {
    let is_plain = |b: u8| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\';
    if text.bytes().all(is_plain) {
        return safe.push_str(text);
    }
    for character in text.chars() {
        match character {
            '"' | '\\' => safe.extend(['\\', character]),
            ' '..='~' => safe.push(character),
            _ => safe.push('?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        for (text, safe) in [
            ("plain words", "plain words"),
            ("a\"b\\c", "a\\\"b\\\\c"),
            ("a\r\nSet-Cookie: x", "a??Set-Cookie: x"),
            ("\u{7f}\u{e4}\u{1f600}\0", "????"),
        ] {
            let mut quoted = String::new();
            quote(text, &mut quoted);
            assert_eq!(quoted, safe);
        }
    }

    #[test]
    fn a_challenge_has_what_is_known_and_nothing_else() {
        assert_eq!(Challenge::default().header(None), "Bearer");
        let all = Challenge {
            resource_metadata: Some("http://localhost:9000/x".into()),
            scope: Some("mcp:read".into()),
        };
        assert_eq!(
            all.header(Some(("invalid_token", "no"))),
            "Bearer error=\"invalid_token\", error_description=\"no\", scope=\"mcp:read\", \
             resource_metadata=\"http://localhost:9000/x\""
        );
    }
}
