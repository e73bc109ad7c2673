//! What went over the wire? For `--show`: each message as it was sent and received, and the curl line
//! that does the same, without the secrets.

use reqwest::{
    StatusCode, Version,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

use super::{secrets::is_secret, wire::Outgoing};
use crate::output::{self, DIM};

/// Shorter words than this are not looked for in texts: they are no secrets, and would mask everything.
const SECRET: usize = 8;

/// Writes exchanges to stderr.
pub struct Show {
    token: Option<String>,
}

impl Show {
    /// With this token masked wherever it appears.
    pub fn new(token: Option<String>) -> Self {
        Self { token }
    }

    /// A request, before it is sent.
    pub fn request(&self, request: &Outgoing) {
        let line = format!("{} {} HTTP/1.1", request.method, request.target.path());
        self.message('>', &line, &request.headers, request.body.as_deref());
    }

    /// The head of an answer, when it is there.
    pub fn head(&self, version: Version, status: StatusCode, headers: &HeaderMap) {
        let reason = status.canonical_reason().unwrap_or_default();
        let line = format!("{version:?} {} {reason}", status.as_u16());
        self.message('<', line.trim_end(), headers, None);
    }

    /// The body of an answer, or what came of it; then the curl line for the whole exchange.
    pub fn end(&self, body: &[u8], request: &Outgoing) {
        if !body.is_empty() {
            self.lines('<', &String::from_utf8_lossy(body));
        }
        output::note(&format!("{DIM}${DIM:#} {}\n", output::clean(&self.curl(request))));
    }

    fn message(&self, arrow: char, first: &str, headers: &HeaderMap, body: Option<&str>) {
        let mut text = format!("{first}\n");
        for (name, value) in headers {
            let value = masked(name, &String::from_utf8_lossy(value.as_bytes()));
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text.push_str(body.unwrap_or_default());
        self.lines(arrow, &text);
    }

    fn lines(&self, arrow: char, text: &str) {
        for line in output::clean(&self.mask(text)).lines() {
            output::note(format!("{DIM}{arrow}{DIM:#} {line}").trim_end());
        }
    }

    fn mask(&self, text: &str) -> String {
        match &self.token {
            Some(token) if token.len() >= SECRET => text.replace(token.as_str(), "***"),
            _ => text.to_owned(),
        }
    }

    /// The request as one line for a shell; the token comes from the variable `MCP_TOKEN`.
    fn curl(&self, request: &Outgoing) -> String {
        let mut line = format!("curl -sS -i -X {}", request.method);
        for (name, value) in &request.headers {
            let by_curl = match name.as_str() {
                "host" => request.target.host().as_ref() == Some(value),
                "content-length" | "user-agent" => true,
                _ => false,
            };
            if !by_curl {
                line.push_str(" -H ");
                line.push_str(&self.curl_header(name, value));
            }
        }
        if let Some(body) = &request.body {
            if !request.headers.contains_key(CONTENT_TYPE) {
                line.push_str(" -H 'content-type:'"); // or curl sends one of its own
            }
            line.push_str(" --data-raw ");
            line.push_str(&quoted(&self.mask(body)));
        }
        format!("{line} {}", quoted(&request.target.shown()))
    }

    fn curl_header(&self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = String::from_utf8_lossy(value.as_bytes());
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        match name.as_str() {
            "authorization" if bearer.as_deref() == Some(&*text) => {
                "\"authorization: Bearer $MCP_TOKEN\"".into()
            }
            "authorization" => "\"authorization: $AUTHORIZATION\"".into(),
            "mcp-session-id" => "\"mcp-session-id: $MCP_SESSION_ID\"".into(),
            _ => quoted(&self.mask(&format!("{name}: {}", masked(name, &text)))),
        }
    }
}

/// The value of a header for people.
fn masked(name: &HeaderName, value: &str) -> String {
    match name.as_str() {
        _ if name == AUTHORIZATION => match value.split_once(' ') {
            Some((scheme, _)) => format!("{scheme} ***"),
            None => "***".into(),
        },
        name if is_secret(name) => "***".into(),
        _ => value.to_owned(),
    }
}

/// One word for a POSIX shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::Method;

    const TOKEN: &str = "eyJhbGciOi.secret.part";

    fn request(headers: &[(&str, &str)], body: &str) -> Outgoing {
        let pair = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        Outgoing {
            method: Method::POST,
            target: "http://localhost:9000/mcp".parse().unwrap(),
            headers: headers.iter().map(pair).collect::<HeaderMap>(),
            body: Some(body.to_owned()),
        }
    }

    #[test]
    fn the_curl_line_has_the_token_as_a_variable() {
        let bearer = format!("Bearer {TOKEN}");
        let request = request(
            &[("host", "localhost:9000"), ("authorization", &bearer), ("mcp-name", "it's")],
            &format!("{{\"echo\":\"{TOKEN}\"}}"),
        );
        let line = Show::new(Some(TOKEN.into())).curl(&request);
        let expected = r#"curl -sS -i -X POST -H "authorization: Bearer $MCP_TOKEN" -H 'mcp-name: it'\''s' -H 'content-type:' --data-raw '{"echo":"***"}' 'http://localhost:9000/mcp'"#;
        assert_eq!(line, expected);
    }

    #[test]
    fn a_foreign_host_and_other_credentials_are_kept_but_not_shown() {
        let request =
            request(&[("host", "evil.example"), ("authorization", "Basic c2VjcmV0")], "{}");
        let line = Show::new(None).curl(&request);
        assert!(line.contains("'host: evil.example'"), "{line}");
        assert!(line.contains("$AUTHORIZATION") && !line.contains("c2VjcmV0"), "{line}");
        let line = Show::new(None).curl(&self::request(&[("cookie", "id=geheim")], "{}"));
        assert!(line.contains("'cookie: ***'"), "{line}");
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let masked = |name: &str, value| masked(&name.parse().unwrap(), value);
        assert_eq!(masked("authorization", "Bearer abc def"), "Bearer ***");
        assert_eq!(masked("authorization", "abc"), "***");
        for name in ["set-cookie", "cookie", "x-api-key"] {
            assert_eq!(masked(name, "a=b"), "***", "{name}");
        }
        assert_eq!(masked("proxy-authorization", "Basic c2VjcmV0"), "***");
        assert_eq!(masked("mcp-session-id", "s"), "***");
        assert_eq!(masked("www-authenticate", "Bearer error=\"x\""), "Bearer error=\"x\"");
        assert_eq!(masked("mcp-name", "echo"), "echo");
        let show = Show::new(Some(TOKEN.into()));
        assert_eq!(show.mask(&format!("you sent {TOKEN}!")), "you sent ***!");
        assert_eq!(Show::new(Some("a".into())).mask("a cat"), "a cat", "too short to be a secret");
    }
}
