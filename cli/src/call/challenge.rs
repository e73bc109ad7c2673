//! What does a `WWW-Authenticate` header ask for? (RFC 9110 §11.6.1, RFC 6750 §3)

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One challenge: a scheme and its parameters, names in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// For example `Bearer`.
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenge to a bearer token if there is one, else the first of any scheme.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter();
        let mut all: Vec<_> =
            values.flat_map(|value| parse(&String::from_utf8_lossy(value.as_bytes()))).collect();
        let bearer = all.iter().position(|one| one.scheme.eq_ignore_ascii_case("bearer"));
        (!all.is_empty()).then(|| all.swap_remove(bearer.unwrap_or(0)))
    }

    /// The value of a parameter, for example `scope`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A header may hold several challenges. A comma divides parameters as well as challenges: a word
/// that is not followed by `=` begins a new one.
fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(['=', ' ', '\t', ',']).unwrap_or(rest.len()));
        let value = after.trim_start_matches([' ', '\t']).strip_prefix('=');
        match (value, challenges.last_mut()) {
            (Some(value), Some(challenge)) if !word.is_empty() => {
                let (value, after) = read_value(value.trim_start_matches([' ', '\t']));
                challenge.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (None, _) if !word.is_empty() => {
                challenges.push(Challenge { scheme: word.to_owned(), ..Challenge::default() });
                rest = after;
            }
            _ => return challenges, // not a challenge any more: keep what was readable
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    challenges
}

/// A quoted string or a token, and what follows.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (token.to_owned(), rest);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => value.push(c),
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_bearer_challenge_is_read() {
        let text = r#"Bearer error="insufficient_scope", scope="a b",error_description="say \"please\", or \\", max=5"#;
        let challenge = Challenge::of(&headers(&[text])).unwrap();
        assert_eq!(challenge.scheme, "Bearer");
        assert_eq!(challenge.get("error"), Some("insufficient_scope"));
        assert_eq!(challenge.get("scope"), Some("a b"));
        assert_eq!(challenge.get("error_description"), Some(r#"say "please", or \"#));
        assert_eq!(challenge.get("max"), Some("5"));
        assert_eq!(challenge.get("realm"), None);
    }

    #[test]
    fn bearer_is_found_among_others() {
        let in_one = headers(&[r#"Basic realm="x", bearer Scope="s", Digest nonce=1"#]);
        let in_two = headers(&[r#"Basic realm="x""#, r#"BEARER scope="s""#]);
        for headers in [in_one, in_two] {
            assert_eq!(Challenge::of(&headers).unwrap().get("scope"), Some("s"), "{headers:?}");
        }
        assert_eq!(Challenge::of(&headers(&["Basic"])).unwrap().scheme, "Basic");
        assert_eq!(Challenge::of(&HeaderMap::new()), None);
    }

    #[test]
    fn nonsense_ends_the_reading_and_nothing_else() {
        for text in ["", ",,", "=", "Bearer =", "Bearer x=\"", "Bearer x=\"\\", "= Bearer", "a b c"]
        {
            let _ = parse(text); // comes back, does not panic
        }
        assert_eq!(parse("Bearer x=\"open")[0].get("x"), Some("open"));
        assert_eq!(parse("Bearer a=1, = b"), parse("Bearer a=1"));
    }
}
