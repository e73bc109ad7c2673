//! What does a form say? `application/x-www-form-urlencoded`, each parameter once (RFC 6749 §3.2).

/// The parameters of a form, in their order.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

/// A parameter stands twice, or the credentials of the client do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter, or the client's id and secret, stand in the request twice")]
pub struct Twice;

impl Form {
    /// Reads a form; `None` when it is not UTF-8, or an escape is broken.
    ///
    /// ```
    /// use mcp_auth::issuer::form::Form;
    /// let form = Form::parse(b"a=1+2&b=%20&empty=").unwrap();
    /// assert_eq!(form.one("a"), Ok(Some("1 2")));
    /// assert_eq!(form.one("empty"), Ok(None), "an empty parameter is as if it were not there");
    /// ```
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(name)?, unescape(value)?))
        });
        pairs.collect::<Option<_>>().map(Self)
    }

    /// The values of a parameter that may stand several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |(key, value): &&(String, String)| key == name && !value.is_empty();
        self.0.iter().filter(same).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may stand once.
    ///
    /// # Errors
    /// [`Twice`].
    pub fn one(&self, name: &str) -> Result<Option<&str>, Twice> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Twice),
        }
    }
}

/// Undoes `+` and `%41`; `None` when that is broken.
#[must_use]
pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_and_doubled_parameters_are_not_guessed_at() {
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(Form::parse(broken.as_bytes()).is_none(), "{broken}");
        }
        let form = Form::parse(b"a=1&a=2&b=%C3%A4").unwrap();
        assert_eq!(form.one("a"), Err(Twice));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.one("b"), Ok(Some("\u{e4}")));
    }
}
