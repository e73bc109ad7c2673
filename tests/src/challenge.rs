//! What does a challenge say? Reads `WWW-Authenticate` as strictly as RFC 9110 §11.6.1 writes it.

use std::collections::BTreeMap;

use crate::Answer;

/// One challenge: its scheme and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Such as `Bearer`.
    pub scheme: String,
    /// Names and values, without their quotes.
    pub parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// Reads the value of a header that holds one challenge whose values are quoted.
    ///
    /// # Errors
    /// A sentence: what is wrong with it.
    pub fn parse(value: &str) -> Result<Self, String> {
        let (scheme, mut rest) = value.split_once(' ').unwrap_or((value, ""));
        let mut challenge = Self { scheme: scheme.to_owned(), ..Self::default() };
        demand!(!scheme.is_empty() && scheme.bytes().all(is_token), "{scheme:?} is no scheme");
        while !rest.is_empty() {
            let Some((name, quoted)) = rest.split_once("=\"") else {
                return Err(format!("{rest:?} is no name=\"value\""));
            };
            demand!(!name.is_empty() && name.bytes().all(is_token), "{name:?} is no name");
            let (text, after) = unquote(quoted)?;
            let before = challenge.parameters.insert(name.to_ascii_lowercase(), text);
            demand!(before.is_none(), "{name} stands twice");
            rest = match after.strip_prefix(',') {
                Some(more) if !more.trim_start().is_empty() => more.trim_start(),
                None if after.is_empty() => after,
                _ => return Err(format!("{after:?} comes after a value")),
            };
        }
        Ok(challenge)
    }

    /// The one challenge of an answer, of the scheme `Bearer`.
    ///
    /// # Errors
    /// A sentence, if there is none, or more than one, or it cannot be read.
    pub fn of(answer: &Answer) -> Result<Self, String> {
        let Some(value) = answer.header("www-authenticate")? else {
            return Err(answer.unlike("WWW-Authenticate"));
        };
        let challenge = Self::parse(value)
            .map_err(|why| format!("{}: WWW-Authenticate: {value}: {why}", answer.to))?;
        demand!(
            challenge.scheme == "Bearer",
            "{}",
            answer.unlike("a challenge of the scheme Bearer")
        );
        Ok(challenge)
    }

    /// A parameter, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// The characters of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The text up to the closing quote, and what comes after it.
fn unquote(quoted: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((text, &quoted[at + 1..])),
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            ' '..='~' => text.push(character),
            other => return Err(format!("{other:?} has no place in a quoted value")),
        }
    }
    Err("a quote is not closed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_to_the_letter() {
        assert_eq!(Challenge::parse("Bearer").unwrap().parameters.len(), 0);
        let read = Challenge::parse(r#"Bearer error="a\"b\\c", Scope="x y""#).unwrap();
        assert_eq!((read.get("error"), read.get("scope")), (Some("a\"b\\c"), Some("x y")));
        for bad in [
            "",
            " Bearer",
            "Bearer a",
            "Bearer a=b",
            "Bearer a=\"b",
            "Bearer a=\"b\",",
            "Bearer a=\"b\" c=\"d\"",
            "Bearer a=\"b\", a=\"c\"",
            "Bearer =\"b\"",
            "Bearer a=\"\u{e4}\"",
        ] {
            assert!(Challenge::parse(bad).is_err(), "{bad}");
        }
    }
}
