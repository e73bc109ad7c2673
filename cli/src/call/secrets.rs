//! Which values are secrets? Their names say so, of a header as of what stands in the query of a URL. One list for
//! both, and for both uses: such a value is not shown, and such a header does not go where others can read it.

/// A name that has one of these words in it stands for something that lets its bearer in: a token, the session id of
/// an old server, an API key.
const WORDS: [&str; 12] = [
    "authorization",
    "authentication",
    "cookie",
    "session",
    "token",
    "secret",
    "key",
    "password",
    "code",
    "assertion",
    "jwt",
    "signature",
];

/// Is what has this name a secret?
pub fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_secret() {
        for name in [
            "Authorization",
            "proxy-authorization",
            "cookie",
            "Set-Cookie",
            "mcp-session-id",
            "X-Api-Key",
            "x-auth-token",
            "API_KEY",
            "client_secret",
            "code",
            "client_assertion",
            "sessionId",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "host",
            "accept",
            "content-type",
            "content-length",
            "content-encoding",
            "user-agent",
            "origin",
            "date",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "www-authenticate",
            "x-request-id",
            "traceparent",
            "access-control-allow-origin",
            "cache-control",
            "etag",
            "retry-after",
            "keep-alive",
            "a",
            "scope",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
