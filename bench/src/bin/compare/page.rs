//! What does a page ask for? As much of HTML as the pages of both servers have.

use anyhow::Context as _;

/// A form, filled in.
pub struct Filled {
    /// Where it is sent.
    pub action: String,
    /// What is sent.
    pub body: String,
}

/// The form of this page, as somebody fills it in who says yes to all.
pub fn fill(page: &str, person: &str, password: &str) -> anyhow::Result<Filled> {
    let form = page.split_once("<form ").with_context(|| format!("there is no form in {page}"))?.1;
    let action = attribute(form, "action").context("the form goes nowhere")?;
    let mut body = String::new();
    for part in form.split('<') {
        let Some((tag, rest)) = part.split_once(' ') else { continue };
        let tag = (tag, rest.split('>').next().unwrap_or_default());
        let value = match tag {
            ("input", input) => match attribute(input, "type").as_deref() {
                Some("password") => Some(password.to_owned()),
                Some("text") => Some(person.to_owned()),
                _ => attribute(input, "value"),
            },
            ("button", button) => attribute(button, "value").filter(|value| value == "allow"),
            _ => None,
        };
        if let (Some(name), Some(value)) = (attribute(tag.1, "name"), value) {
            add(&mut body, &name, &value);
        }
    }
    Ok(Filled { action, body })
}

/// Adds a parameter to a form or a query.
pub fn add(body: &mut String, name: &str, value: &str) {
    if !body.is_empty() {
        body.push('&');
    }
    body.push_str(name);
    body.push('=');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            body.push(byte.into());
        } else {
            body.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The value of a parameter in a query.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()?;
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        match (first, others) {
            (b'%', [high, low, after @ ..]) => {
                let hex = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let begins = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let value = tag[begins..].split('"').next()?;
    let plain = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(plain.replace("&#39;", "'").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in() {
        let page = r#"<h1>x</h1><form method="post" action="/login"><input type="hidden" name="request" value="a=1&amp;b=2">
            <label>Name<input type="text" name="username" value=""></label><input type="password" name="password">
            <button name="decision" value="allow">Yes</button><button name="decision" value="deny">No</button></form>"#;
        let filled = fill(page, "me", "se cret").unwrap();
        assert_eq!(filled.action, "/login");
        let body = "request=a%3D1%26b%3D2&username=me&password=se%20cret&decision=allow";
        assert_eq!(filled.body, body);
        assert_eq!(parameter(&filled.body, "request").unwrap(), "a=1&b=2");
        assert!(fill("<p>This did not work</p>", "me", "x").is_err());
    }
}
