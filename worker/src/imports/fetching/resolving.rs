//! From a host's name to the addresses that may be connected to.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    pin::Pin,
};

use common::imports::urls::{Absence, Allowed, FetchFailure, PriceListUrl};
use tokio::{net, time};

use super::Fetcher;

/// Addresses on their way.
pub type Looking<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// How names become addresses.
pub trait Resolver: Send + Sync {
    /// Looks a name up.
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a>;
}

/// As the rest of the machine does it.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a> {
        Box::pin(async move { Ok(net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

impl Fetcher {
    /// The addresses that this host has now, as far as they may be connected to.
    pub(super) async fn addresses(&self, url: &PriceListUrl) -> Result<Vec<SocketAddr>, FetchFailure> {
        let found = match url.literal() {
            Some(address) => vec![address],
            None => {
                let looking = time::timeout(self.limits.connect, self.resolver.look_up(url.host())).await;
                let looked = looking.map_err(|_| FetchFailure::unreachable(&Absence::NameUnanswered))?;
                looked.map_err(|_| FetchFailure::unreachable(&Absence::UnknownName))?
            }
        };
        if found.is_empty() {
            return Err(FetchFailure::unreachable(&Absence::NoAddress));
        }
        let reachable: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| may_be_reached(&self.allowed, *address, url.port()))
            .map(|address| SocketAddr::new(address, url.port()))
            .collect();
        if reachable.is_empty() { Err(FetchFailure::not_allowed()) } else { Ok(reachable) }
    }
}

fn may_be_reached(allowed: &Allowed, address: IpAddr, port: u16) -> bool {
    allowed.names(address, port) || allowed.permits(address, port) && !is_our_own(address)
}

/// Whether an address is this machine's: what listens on a public address of ours may trust whoever comes from inside.
/// The kernel says from where it would go there; nothing is sent.
fn is_our_own(address: IpAddr) -> bool {
    let anywhere = match address {
        IpAddr::V4(_) => SocketAddr::from(([0; 4], 0)),
        IpAddr::V6(_) => SocketAddr::from(([0_u16; 8], 0)),
    };
    let from = UdpSocket::bind(anywhere).and_then(|socket| {
        socket.connect(SocketAddr::new(address, 9))?;
        socket.local_addr()
    });
    // Where there is no way at all, connecting will fail.
    from.is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_known_without_asking_anybody() {
        assert!(is_our_own("127.0.0.1".parse().unwrap()));
        assert!(!is_our_own("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn only_what_is_named_or_public_is_reached() {
        let allowed: Allowed = "127.0.0.1:8090".parse().unwrap();
        for (address, port, reached) in [
            ("127.0.0.1", 8090, true),
            ("127.0.0.1", 80, false),
            ("169.254.169.254", 80, false),
            ("10.0.0.1", 8090, false),
            ("8.8.8.8", 443, true),
        ] {
            assert_eq!(may_be_reached(&allowed, address.parse().unwrap(), port), reached, "{address}");
        }
    }
}
