//! Where is a request from? Limits count by it, and the audit names it.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::OnceLock,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use common::RequestId;

tokio::task_local! {
    static CALLER: Caller;
}

/// Whoever has sent the request that is being answered.
#[derive(Debug, Default)]
struct Caller {
    address: Option<IpAddr>,
    request: Option<String>,
    client: OnceLock<Named>,
}

/// The client that the request has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// It has shown that it is the one, as far as it can: a public one proves nothing.
    Known(String),
    /// There is one that has this id, and it did not show that it is the one.
    Claimed(String),
}

/// Remembers where a request is from while it is answered. So many proxies in front of this server can be believed: each adds one
/// address to `X-Forwarded-For`.
pub async fn remember(State(proxies): State<usize>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let address = forwarded(request.headers(), proxies).or(address);
    let id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone());
    CALLER.scope(Caller { address, request: id, ..Caller::default() }, next.run(request)).await
}

/// What the outermost of our proxies has seen. What stands before that, anybody can write.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let seen: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let nearest = seen.len().checked_sub(proxies).filter(|_| proxies > 0)?;
    let seen = seen.get(nearest)?;
    let with_port = || seen.parse::<SocketAddr>().ok().map(|address| address.ip()); // some write the port too
    seen.parse::<IpAddr>().ok().or_else(with_port).map(|address| address.to_canonical())
}

/// The address of whoever is being answered.
#[must_use]
pub fn address() -> Option<IpAddr> {
    CALLER.try_with(|caller| caller.address).ok().flatten()
}

/// The number of the request that is being answered, as in the log and in `x-request-id`.
#[must_use]
pub fn request() -> Option<String> {
    CALLER.try_with(|caller| caller.request.clone()).ok().flatten()
}

/// Notes which client it is that is being answered. The first word counts.
pub fn is(client: Named) {
    let _ = CALLER.try_with(|caller| caller.client.set(client));
}

/// The client that is being answered, if there is one of its name.
#[must_use]
pub fn client() -> Option<Named> {
    CALLER.try_with(|caller| caller.client.get().cloned()).ok().flatten()
}

/// What limits count by: of IPv6 the half that one customer gets, or he had as many addresses as he wants.
#[must_use]
pub fn household() -> Option<IpAddr> {
    address().map(|address| match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    })
}

/// What shares in little count by: of IPv6 what one who wants many nets of a [`household`] gets without asking twice.
#[must_use]
pub fn site() -> Option<IpAddr> {
    household().map(|address| match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_own_proxies_have_added_is_believed() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers, 1), None);
        headers.append("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        headers.append("x-forwarded-for", "3.3.3.3".parse().unwrap());
        let of = |proxies| forwarded(&headers, proxies).map(|address| address.to_string());
        assert_eq!(of(0), None);
        assert_eq!(of(1).as_deref(), Some("3.3.3.3"));
        assert_eq!(of(2).as_deref(), Some("2.2.2.2"));
        assert_eq!(of(4), None, "there are not so many: the one who is connected counts");
        for (seen, address) in [("4.4.4.4:4711", "4.4.4.4"), ("[2001:db8::1]:80", "2001:db8::1")] {
            headers.insert("x-forwarded-for", seen.parse().unwrap());
            assert_eq!(forwarded(&headers, 1), address.parse().ok(), "{seen}");
        }
        headers.insert("x-forwarded-for", "unknown".parse().unwrap());
        assert_eq!(forwarded(&headers, 1), None);
    }

    #[tokio::test]
    async fn one_customer_is_one_however_many_addresses_he_has() {
        let of = async |text: &str| {
            let caller = Caller { address: Some(text.parse().unwrap()), ..Caller::default() };
            CALLER
                .scope(caller, async { [household(), site()].map(|all| all.unwrap().to_string()) })
                .await
        };
        assert_eq!(of("2001:db8:1:2:3:4:5:6").await, ["2001:db8:1:2::", "2001:db8:1::"]);
        assert_eq!(of("10.1.2.3").await, ["10.1.2.3"; 2]);
        assert_eq!(household(), None);
    }
}
