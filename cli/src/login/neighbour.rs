//! Is it another user of this machine who brings an answer? The link to log in is an argument of the program that opens the
//! browser, and other users see those: one could log in with it as himself, and the person would work under his name.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// State of a socket that listens, as Linux writes it.
const LISTENS: u8 = 0x0a;
/// State of a connection of which neither side has said its last word.
const STANDS: u8 = 0x01;

/// Whether the connection from this address to ours is another user's: neither that of the user who listens here, nor root's,
/// whom nothing is kept from. False where the system does not tell, as Linux alone does.
pub fn is_another(peer: SocketAddr, ours: SocketAddr) -> bool {
    let (SocketAddr::V4(peer), SocketAddr::V4(ours)) = (peer, ours) else { return false };
    let sockets = || std::fs::read_to_string("/proc/net/tcp");
    // what changes while it is read may be missing once
    (0..3).all(|_| sockets().is_ok_and(|sockets| says_another(&sockets, peer, ours)))
}

/// What this list of sockets says. Whoever has hung up belongs to nobody any more, so he is taken for another.
fn says_another(sockets: &str, peer: SocketAddrV4, ours: SocketAddrV4) -> bool {
    let sockets: Vec<_> = sockets.lines().filter_map(Socket::read).collect();
    let listens = sockets.iter().find(|socket| socket.state == LISTENS && socket.here == ours);
    let Some(listens) = listens else { return false };
    let theirs = |socket: &&Socket| (socket.here, socket.there) == (peer, ours);
    let theirs = sockets.iter().find(theirs).filter(|socket| socket.state == STANDS);
    theirs.is_none_or(|socket| socket.user != listens.user && socket.user != 0)
}

/// A line of `/proc/net/tcp`.
struct Socket {
    here: SocketAddrV4,
    there: SocketAddrV4,
    state: u8,
    user: u32,
}

impl Socket {
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace().skip(1);
        let (here, there) = (address(fields.next()?)?, address(fields.next()?)?);
        let state = u8::from_str_radix(fields.next()?, 16).ok()?;
        Some(Self { here, there, state, user: fields.nth(3)?.parse().ok()? })
    }
}

/// `0100007F:1F90`: the address is written as the number that its bytes are to this processor.
fn address(text: &str) -> Option<SocketAddrV4> {
    let (address, port) = text.split_once(':')?;
    let address = u32::from_str_radix(address, 16).ok()?.to_ne_bytes();
    Some(SocketAddrV4::new(Ipv4Addr::from(address), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of sockets: ours, and one that has connected to it.
    fn list(state: &str, user: u32) -> String {
        let line = |here: &str, there: &str, state: &str, user: u32| {
            format!(
                "   0: {here} {there} {state} 00000000:00000000 00:00000000 00000000 {user:5} 0 1 1 0 100\n"
            )
        };
        let address = |port: u16| {
            format!("{:08X}:{port:04X}", u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets()))
        };
        let (ours, peer) = (address(8080), address(50000));
        let listens = line(&ours, "00000000:0000", "0A", 1000);
        let accepted = line(&ours, &peer, "01", 1000);
        format!(
            "  sl  local_address rem_address …\n{listens}{accepted}{}",
            line(&peer, &ours, state, user)
        )
    }

    #[test]
    fn another_user_is_told_by_the_list_of_sockets() {
        let says = |list: &str| {
            let of = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
            says_another(list, of(50000), of(8080))
        };
        assert!(!says(&list("01", 1000)), "the same user");
        assert!(!says(&list("01", 0)), "root");
        assert!(says(&list("01", 1001)), "another one");
        for state in ["04", "05", "06", "08"] {
            assert!(says(&list(state, 0)), "who has hung up belongs to nobody: {state}");
        }
        let gone = list("01", 1000).lines().take(3).collect::<Vec<_>>().join("\n");
        assert!(says(&gone), "and is not in the list a little later");
        assert!(!says(""), "a system that does not tell");
    }
}
