//! From where a request comes, behind however many proxies.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use salvo::{
    prelude::{Depot, Request},
    rate_limiter::RateIssuer,
};

/// Reads an address, or a network as its first address and the length of its prefix.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = |text: &str| text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    text.parse().or_else(|_| address(text)).map_err(|_| {
        format!("expected addresses such as 10.0.0.1 or networks such as 10.0.0.0/8, found {text:?}")
    })
}

/// Who asks: the address of the connection, or what a proxy in front that is trusted says of it. All of an IPv6
/// network of one customer (/64) counts as one. (Salvo's own issuer knows addresses only, and proxies change theirs.)
#[derive(Clone, Debug)]
pub(super) struct Callers {
    proxies: Arc<[IpNet]>,
}

impl Callers {
    /// Who comes through these, or past them.
    pub(super) fn behind(proxies: &[IpNet]) -> Self {
        Self { proxies: proxies.into() }
    }

    /// A socket that listens on both protocols writes an IPv4 address as an IPv6 one.
    fn trust(&self, address: &IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|proxies| proxies.contains(&address))
    }

    /// For whom a proxy asks. Each in a row of them adds at the end who came to it, so the last one that we do not know
    /// is who asks, and what stands before may be made up. What cannot be read ends the row.
    fn forwarded(&self, req: &Request) -> Option<IpAddr> {
        for header in req.headers().get_all("x-forwarded-for").iter().rev() {
            for part in header.to_str().ok()?.rsplit(',') {
                let address = part.trim().parse().ok()?;
                if !self.trust(&address) {
                    return Some(address);
                }
            }
        }
        None
    }
}

impl RateIssuer for Callers {
    type Key = IpAddr;

    async fn issue(&self, req: &mut Request, _: &Depot) -> Option<IpAddr> {
        let direct = req.remote_addr().ip();
        let address = match direct {
            Some(proxy) if self.trust(&proxy) => self.forwarded(req).or(direct),
            _ => direct,
        };
        // What has no address is one caller, too.
        Some(address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), network))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(proxies: &[&str]) -> Callers {
        Callers::behind(&proxies.iter().map(|text| parse_network(text).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn a_proxy_is_known_in_either_spelling_and_by_its_network() {
        let callers = callers(&["10.0.0.1", "::ffff:10.0.0.2", "172.16.0.0/12", "2001:db8::/32"]);
        for known in
            ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "172.31.255.1", "::ffff:172.16.0.1", "2001:db8:1::1"]
        {
            assert!(callers.trust(&known.parse().unwrap()), "{known}");
        }
        for stranger in ["10.0.0.3", "172.32.0.1", "2001:db9::1", "::1"] {
            assert!(!callers.trust(&stranger.parse().unwrap()), "{stranger}");
        }
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0", "10.0.0.0/8/8"] {
            assert!(parse_network(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_proxies_say_is_believed_from_the_end_on_up_to_the_first_stranger() {
        let callers = callers(&["10.0.0.0/8"]);
        for (said, asker) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7, 10.0.0.9"], Some("192.0.2.7")),
            (&["6.6.6.6", "192.0.2.7, 10.0.0.9"], Some("192.0.2.7")),
            (&["192.0.2.7, unknown, 10.0.0.9"], None),
            (&["10.0.0.8"], None),
            (&[], None),
        ] {
            let mut request = Request::new();
            for part in said {
                request.headers_mut().append("x-forwarded-for", part.parse().unwrap());
            }
            assert_eq!(callers.forwarded(&request).map(|ip| ip.to_string()).as_deref(), asker, "{said:?}");
        }
    }

    #[test]
    fn an_ipv6_network_of_one_customer_is_one_caller() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }
}
