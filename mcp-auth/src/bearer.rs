//! Where is the token of a request? In `Authorization: Bearer`, and nowhere else (RFC 6750 §2.1, A8).

use axum::http::{HeaderMap, Uri, header::AUTHORIZATION};

/// Why there is no token to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BearerError {
    /// No credentials, or of another scheme: 401 without `error`.
    #[error("there is no bearer token")]
    Missing,
    /// The request is malformed: 400 `invalid_request`.
    #[error("{0}")]
    Malformed(&'static str),
}

impl BearerError {
    /// A word for metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no_token",
            Self::Malformed(_) => "malformed_request",
        }
    }
}

/// The token of a request; `max` is the number of bytes that its header may have. Whether it is a good one is another question.
///
/// ```
/// use axum::http::{HeaderMap, Uri};
/// use mcp_auth::bearer::{BearerError, token};
/// let uri = Uri::from_static("/mcp");
/// let headers = HeaderMap::from_iter([("authorization".parse().unwrap(), "Bearer abc".parse().unwrap())]);
/// assert_eq!(token(&uri, &headers, 8192), Ok("abc"));
/// assert_eq!(token(&uri, &HeaderMap::new(), 8192), Err(BearerError::Missing));
/// ```
///
/// # Errors
/// [`BearerError::Malformed`] for two headers, one that is too long, one that is not scheme, blanks and one word,
/// and for a query parameter `access_token`: an address is written into logs and histories, so nothing
/// that comes that way is a secret any more.
pub fn token<'a>(uri: &Uri, headers: &'a HeaderMap, max: usize) -> Result<&'a str, BearerError> {
    let query = uri.query().unwrap_or_default();
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    if names.any(|name| unescaped(name) == b"access_token") {
        return Err(BearerError::Malformed("a token has no place in the URL"));
    }
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Err(BearerError::Missing),
        (Some(value), None) => value.as_bytes(),
        _ => return Err(BearerError::Malformed("there is more than one header Authorization")),
    };
    if value.len() > max {
        return Err(BearerError::Malformed("the header Authorization is too long"));
    }
    let grammar = BearerError::Malformed("Authorization must be `Bearer`, a blank and one word");
    let text = std::str::from_utf8(value).map_err(|_| grammar)?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.is_empty()
        || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    {
        return Err(grammar);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::Missing);
    }
    let word = rest.trim_matches(' ');
    // to the end in any case: so it is compiled to a few wide instructions, and tokens are long
    let is_word = word.bytes().fold(!word.is_empty(), |is, b| is & b.is_ascii_graphic());
    if !is_word {
        return Err(grammar);
    }
    Ok(word)
}

/// A name as its reader sees it: `access%5Ftoken` is `access_token` too.
fn unescaped(name: &str) -> Vec<u8> {
    let bytes = name.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str, values: &[&[u8]]) -> Result<String, BearerError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, axum::http::HeaderValue::from_bytes(value).unwrap());
        }
        token(&uri.parse().unwrap(), &headers, 64).map(str::to_owned)
    }

    #[test]
    fn one_header_of_scheme_and_one_word_is_read() {
        for value in ["Bearer a.b~c", "bearer a.b~c", "BEARER   a.b~c", "Bearer a.b~c "] {
            assert_eq!(read("/mcp?x=1", &[value.as_bytes()]).unwrap(), "a.b~c", "{value}");
        }
    }

    #[test]
    fn no_credentials_and_another_scheme_are_the_same() {
        for values in [
            &[][..],
            &[&b"Basic YTpi"[..]],
            &[b"Basic"],
            &[b"DPoP a.b.c d"],
            &[b"BearerX a"],
            &[b"a_b~!1 c"],
        ] {
            assert_eq!(read("/mcp", values), Err(BearerError::Missing), "{values:?}");
        }
    }

    #[test]
    fn what_can_be_read_two_ways_is_malformed() {
        let long = [b'a'; 70];
        for values in [
            &[&b"Bearer"[..]][..],
            &[b"Bearer "],
            &[b"Bearer a b"],
            &[b"Bearer a\tb"],
            &[b"Bearer\ta"],
            &[b"Bearer \ta"],
            &[b"Bearer a\t"],
            &["Bearer \u{e4}".as_bytes()],
            &[b"Bearer \xff"],
            &[b""],
            &[b"Bearer a", b"Bearer a"],
            &[b"Basic a", b"Bearer a"],
            &[&long],
        ] {
            assert!(matches!(read("/mcp", values), Err(BearerError::Malformed(_))), "{values:?}");
        }
    }

    #[test]
    fn a_token_in_the_query_is_malformed_however_it_is_spelled() {
        for uri in [
            "/mcp?access_token=a",
            "/mcp?x=1&access_token",
            "/mcp?access%5ftoken=a",
            "/mcp?%61ccess_token=a",
        ] {
            assert!(matches!(read(uri, &[b"Bearer a"]), Err(BearerError::Malformed(_))), "{uri}");
        }
        assert!(read("/mcp?my_access_token=a&access_tokens=b&%zz=%", &[b"Bearer a"]).is_ok());
    }
}
