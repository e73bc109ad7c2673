//! May this address be asked? Servers name addresses in their metadata, and nobody knows yet whether they mean well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{call::target::Target, exit::Failure, output};

/// The address that a document names, if it may be asked on behalf of the server `near` that the person has named: over
/// TLS, or on this machine where that server is on this machine too (RFC 9728 §7.7, server-side request forgery; C6).
pub fn of(text: &str, named_as: &str, near: &Target) -> Result<Target, Failure> {
    let refused = |why: &str| {
        let shown = output::line(text);
        Failure::other(format!("the {named_as} {shown} is not asked: {why}")).with("address", text)
    };
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        // nobody can tell `lоgin.example` with a Cyrillic letter in it from the other one
        return Err(refused(
            "an address in metadata is written in ASCII (RFC 3986), and this one is not",
        ));
    }
    let target: Target = text.parse().map_err(|why: String| refused(&why))?;
    if !target.keeps_secrets() {
        return Err(refused(
            "it is neither https nor on this machine, so anybody in between could answer there",
        ));
    }
    if place(&target) > place(near) {
        return Err(refused(&format!(
            "{} is a server on a network, and has no business with an address of this machine or of a private network",
            near.origin()
        )));
    }
    Ok(target)
}

/// How near to this machine is it?
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A name, or an address that everybody can reach.
    Anywhere,
    /// An address of a private network, written as such. What a name leads to is not looked up: in a company it leads there.
    Private,
    /// This machine.
    Here,
}

fn place(target: &Target) -> Place {
    if target.is_loopback() {
        return Place::Here;
    }
    let host = target.url().host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(IpAddr::V6(address)) => of_v6(address),
        Ok(address) => of_v4(address),
        // other spellings of this machine, which `is_loopback` does not trust with secrets
        Err(_) if host.trim_end_matches('.').rsplit('.').next() == Some("localhost") => Place::Here,
        Err(_) => Place::Anywhere,
    }
}

fn of_v4(address: IpAddr) -> Place {
    let IpAddr::V4(v4) = address else { return Place::Anywhere };
    if v4.is_loopback() || v4.is_unspecified() {
        Place::Here
    } else if v4.is_private() || v4.is_link_local() || is_shared(v4) {
        Place::Private
    } else {
        Place::Anywhere
    }
}

/// 100.64.0.0/10: between a provider and its customers, and in networks that are laid over others (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}

/// The address of the old kind that this one stands for: written into it, or behind a translator (64:ff9b::/96, RFC 6052).
fn of_old_kind(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, _, _, _, _, _, high, low] = address.segments();
    let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low) == address;
    let behind = Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    address.to_ipv4_mapped().or(translated.then_some(behind))
}

fn of_v6(address: Ipv6Addr) -> Place {
    if let Some(v4) = of_old_kind(address) {
        of_v4(v4.into())
    } else if address.is_loopback() || address.is_unspecified() {
        Place::Here
    } else if address.is_unique_local() || address.is_unicast_link_local() {
        Place::Private
    } else {
        Place::Anywhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, near: &str) -> bool {
        of(text, "token endpoint", &near.parse().unwrap()).is_ok()
    }

    #[test]
    fn a_server_on_a_network_cannot_send_us_to_this_machine() {
        let far = "https://mcp.example/mcp";
        for good in [
            "https://login.example/token",
            "https://93.184.216.34/token",
            "https://100.128.0.1/token",
            "https://[64:ff9b::5db8:d822]/token",
        ] {
            assert!(asked(good, far), "{good}");
        }
        for bad in [
            "http://login.example/token",
            "http://localhost:8080/token",
            "https://localhost/token",
            "https://localhost./token",
            "https://a.localhost/token",
            "https://127.0.0.1/token",
            "https://127.1/token",
            "https://2130706433/token",
            "https://[::1]/token",
            "https://[::ffff:127.0.0.1]/token",
            "https://0.0.0.0/token",
            "https://10.0.0.1/token",
            "https://l\u{43e}gin.example/token",
            "https://login\u{200b}.example/token",
            "https://login.ex\nample/token",
            "https://192.168.1.1/token",
            "https://169.254.169.254/token",
            "https://100.64.0.1/token",
            "https://100.127.255.255/token",
            "https://[64:ff9b::a9fe:a9fe]/token",
            "https://[64:ff9b::7f00:1]/token",
            "https://[fd00::1]/token",
            "https://[fe80::1]/token",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://login.example/",
            "https://me@login.example/",
            "https://",
            "token",
            "",
        ] {
            assert!(!asked(bad, far), "{bad}");
        }
    }

    #[test]
    fn whoever_is_here_may_name_what_is_here() {
        for near in ["http://localhost:9000/mcp", "http://127.0.0.1/mcp", "http://[::1]/mcp"] {
            assert!(asked("http://localhost:8080/realms/a", near));
            assert!(asked("https://10.0.0.1/", near));
            assert!(asked("https://login.example/", near));
            assert!(!asked("http://login.example/", near));
        }
        assert!(asked("https://10.0.0.2/", "https://10.0.0.1/mcp"));
        assert!(!asked("https://localhost/", "https://10.0.0.1/mcp"));
    }
}
