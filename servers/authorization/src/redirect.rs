//! Where may a person be sent back to? To an address that the client has registered, letter by letter (RFC 9700 §2.1),
//! with one exception: a program on this machine cannot know which port it will get (RFC 8252 §7.3).

use mcp_auth::issuer::form::unescape;
use url::Url;

/// A redirect URI that nobody may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a redirect URI is https, or http to localhost, 127.0.0.1 or [::1], without user and fragment, and without a parameter that answers have"
)]
pub struct NotAllowed;

/// May a client register this (S8)? So no scheme of its own: any program on the person's machine can claim one.
///
/// # Errors
/// [`NotAllowed`].
pub fn check(uri: &str) -> Result<(), NotAllowed> {
    let is_plain = uri.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\^`{|}#".contains(&b));
    if !is_plain || uri.len() > 2000 || has_parameter_of_an_answer(uri) {
        return Err(NotAllowed);
    }
    if Loopback::read(uri).is_some() {
        return Ok(());
    }
    let rest = uri.strip_prefix("https://").ok_or(NotAllowed)?;
    let (authority, _) = split(rest);
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
    let is_name = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
        && port.parse::<u16>().is_ok();
    // a browser reads `0x7f.1` as 127.0.0.1: people must be shown where it goes
    let is_read_so = || {
        Url::parse(uri)
            .is_ok_and(|url| url.host_str().is_some_and(|read| read.eq_ignore_ascii_case(host)))
    };
    if is_name && is_read_so() { Ok(()) } else { Err(NotAllowed) }
}

/// Would an answer have a parameter twice? Some readers take the first: a code of the attacker's choice, in an answer of ours.
fn has_parameter_of_an_answer(uri: &str) -> bool {
    let names = ["code", "state", "iss", "error", "error_description", "error_uri"];
    let (_, query) = uri.split_once('?').unwrap_or_default();
    // some readers still split at `;` too
    let mut given = query.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
    given.any(|name| unescape(name).is_none_or(|name| names.contains(&name.as_str())))
}

/// Can it be the name of an MCP server (RFC 8707 §2)? A query could be, but nobody writes it twice in the same way.
#[must_use]
pub fn is_resource(uri: &str) -> bool {
    check(uri).is_ok() && !uri.contains('?')
}

/// Is this one of those that the client has registered?
#[must_use]
pub fn is_one_of(given: &str, registered: &[String]) -> bool {
    if registered.iter().any(|one| one == given) {
        return check(given).is_ok();
    }
    let Some(given) = Loopback::read(given) else { return false };
    registered.iter().filter_map(|one| Loopback::read(one)).any(|one| one.is_but_for_port(&given))
}

/// Is it an address of the person's own machine?
#[must_use]
pub fn is_loopback(uri: &str) -> bool {
    Loopback::read(uri).is_some()
}

/// The host of a redirect URI, as the person is shown it.
#[must_use]
pub fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    split(rest).0
}

/// What a consent is remembered for: the host that the person was shown, whatever the port where it is this machine.
#[must_use]
pub fn place(uri: &str) -> &str {
    Loopback::read(uri).map_or_else(|| host(uri), |here| here.host)
}

/// An http address of this machine.
struct Loopback<'a> {
    host: &'a str,
    rest: &'a str,
}

impl<'a> Loopback<'a> {
    fn read(uri: &'a str) -> Option<Self> {
        let (authority, rest) = split(uri.strip_prefix("http://")?);
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        let host = hosts.into_iter().find(|host| {
            let port = authority.strip_prefix(host).map(|port| port.strip_prefix(':'));
            match port {
                Some(Some(port)) => is_port(port),
                Some(None) => authority.len() == host.len(),
                None => false,
            }
        })?;
        (!rest.contains('#')).then_some(Self { host, rest })
    }

    fn is_but_for_port(&self, other: &Self) -> bool {
        (self.host, self.rest) == (other.host, other.rest)
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Authority and the rest.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/callback",
            "https://app.example:8443/cb?x=1&codes=2",
            "http://localhost/callback",
            "http://127.0.0.1:33418/",
            "http://[::1]:1/cb",
            "http://localhost",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "cursor://cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@app.example/cb",
            "https://user:pass@app.example/cb",
            "https://app.example/cb#f",
            "http://localhost/cb#f",
            "http://localhost.evil.example/cb",
            "http://localhost@evil.example/cb",
            "http://localhost:80@evil.example/cb",
            "http://localhost:/cb",
            "http://localhost:99999/cb",
            "http://127.0.0.1.evil.example/",
            "http://[::1].evil.example/",
            "https:///cb",
            "https://",
            "https://app.example\\@evil.example/",
            "https://app.exa mple/",
            "https://\u{e4}.example/",
            "https://app.example/cb?code=x",
            "https://app.example/cb?a=1;code=x",
            "https://app.example/cb?x=1&state",
            "https://app.example/cb?c%6fde=",
            "https://app.example/cb?%zz",
            "http://localhost/cb?iss=https://evil.example",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://xn--/",
            "",
        ] {
            assert_eq!(check(bad), Err(NotAllowed), "{bad}");
        }
    }

    #[test]
    fn an_address_is_compared_letter_by_letter_but_for_the_port_of_this_machine() {
        let registered =
            ["https://app.example/cb", "http://localhost/cb", "http://127.0.0.1:1234/x?y=1"];
        let registered = registered.map(str::to_owned);
        for good in [
            "https://app.example/cb",
            "http://localhost/cb",
            "http://localhost:49152/cb",
            "http://127.0.0.1:49152/x?y=1",
            "http://127.0.0.1/x?y=1",
        ] {
            assert!(is_one_of(good, &registered), "{good}");
        }
        for bad in [
            "https://app.example/cb/",
            "https://app.example:443/cb",
            "https://app.example/cb?x",
            "https://APP.example/cb",
            "https://app.example/%63b",
            "https://app.example/cb/../cb",
            "http://app.example/cb",
            "http://localhost:49152/cb2",
            "http://localhost:49152/cb?x",
            "http://localhost:49152/cb#x",
            "https://localhost/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "http://localhost.evil/cb",
            "http://localhost:1@evil/cb",
            "http://evil@localhost/cb",
            "",
        ] {
            assert!(!is_one_of(bad, &registered), "{bad}");
        }
    }
}
