//! Which network addresses a price list may be fetched from.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What of IPv4 is no host on the internet: IANA's special-purpose registry, multicast, and what is reserved.
const FORBIDDEN_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),       // this network, and the unspecified address
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by carriers
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, and what clouds tell their machines
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // 6to4 relays
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// Where hosts of IPv6 are.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What of that is none: what stands for an IPv4 address is no way around the rules of IPv4.
const FORBIDDEN_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, benchmarks, ORCHID
    v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// How an IPv4 address is written for a network that speaks IPv6 only.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Whether an address is a host's on the internet. All that is not known to be is not: loopback, private and shared
/// networks, link-local ones, multicast, documentation, what is reserved, and IPv6 that stands for any IPv4 but by the
/// well-known prefix of NAT64.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !FORBIDDEN_V6.iter().any(|net| net.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !FORBIDDEN_V4.iter().any(|net| net.contains(&address))
}

/// Networks that lists may be fetched from although they are not public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<(IpNet, Option<u16>)>);

impl Allowed {
    /// Whether these are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is named here, at this port.
    #[must_use]
    pub fn names(&self, address: IpAddr, port: u16) -> bool {
        self.0.iter().any(|(net, only)| net.contains(&address) && only.is_none_or(|only| only == port))
    }

    /// Whether an address may be connected to at this port.
    #[must_use]
    pub fn permits(&self, address: IpAddr, port: u16) -> bool {
        is_public(address) || self.names(address, port)
    }
}

impl FromStr for Allowed {
    type Err = String;

    /// Reads `127.0.0.1:8090, 10.1.0.0/16, [::1]:8090`: addresses or networks by commas, each perhaps with the only
    /// port.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (nets, wrong): (Vec<_>, Vec<_>) =
            text.split(',').map(|part| parse_one(part.trim())).partition(Result::is_ok);
        let wrong: Vec<_> = wrong.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() { Ok(Self(nets.into_iter().flatten().collect())) } else { Err(wrong.join("; ")) }
    }
}

fn parse_one(text: &str) -> Result<(IpNet, Option<u16>), String> {
    let with_port = || {
        let (net, port) = text.rsplit_once(':')?;
        Some((parse_net(net)?, Some(port.parse().ok().filter(|port| *port > 0)?)))
    };
    let (net, port) = parse_net(text).map(|net| (net, None)).or_else(with_port).ok_or_else(|| {
        format!("expected addresses or networks such as 127.0.0.1:8090 or 10.1.0.0/16, found {text:?}")
    })?;
    if net.trunc() != net {
        return Err(format!(
            "expected a network without the bits of a host, {} or {}, found {text:?}",
            net.trunc(),
            net.addr()
        ));
    }
    Ok((net, port))
}

fn parse_net(text: &str) -> Option<IpNet> {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_on_the_internet_are_public() {
        for address in
            ["8.8.8.8", "77.88.55.88", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.3.1", "223.255.255.255"]
        {
            assert!(is_public(ip(address)), "{address}");
        }
        for address in ["2a02:6b8::2:242", "2001:4860:4860::8888", "2600::1", "64:ff9b::8.8.8.8"] {
            assert!(is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!is_public(ip(address)), "{address}");
        }
        for address in [
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "4000::1",
        ] {
            assert!(!is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn exceptions_are_of_networks_and_ports() {
        let allowed: Allowed = "127.0.0.1:8090, 10.1.0.0/16,[::1]:80,fd00::/8".parse().unwrap();
        for (address, port, permitted) in [
            ("127.0.0.1", 8090, true),
            ("127.0.0.1", 8091, false),
            ("127.0.0.2", 8090, false),
            ("10.1.2.3", 1, true),
            ("10.2.0.1", 1, false),
            ("::1", 80, true),
            ("::1", 81, false),
            ("fd00::7", 443, true),
            ("169.254.169.254", 80, false),
            ("8.8.8.8", 80, true),
        ] {
            assert_eq!(allowed.permits(ip(address), port), permitted, "{address} {port}");
        }
        assert!("".parse::<Allowed>().unwrap().is_empty());
        for wrong in
            ["localhost", "127.0.0.1:x", "10.0.0.0/33", "127.0.0.1:99999", ":80", "127.0.0.1:0", ",", "::1,"]
        {
            assert!(wrong.parse::<Allowed>().is_err(), "{wrong}");
        }
        let wrong = "10.0.0.1/8, localhost".parse::<Allowed>().unwrap_err();
        assert!(wrong.contains("10.0.0.0/8 or 10.0.0.1, found") && wrong.contains("localhost"), "{wrong}");
    }

    proptest! {
        #[test]
        fn no_way_of_writing_a_private_address_is_public(a in 0_u8.., b in 0_u8.., c in 0_u8.., d in 0_u8..) {
            let address = Ipv4Addr::new(a, b, c, d);
            let private = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_unspecified() || address.is_multicast() || address.is_broadcast()
                || address.is_documentation();
            prop_assert!(!(private && is_public(address.into())), "{address}");
            let [high, low] = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            let disguises = [
                address.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !high, !low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            ];
            for disguise in disguises {
                prop_assert!(!is_public(disguise.into()), "{disguise}");
            }
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            prop_assert_eq!(is_public(translated.into()), is_public(address.into()));
        }

        #[test]
        fn what_is_public_in_ipv6_is_global_unicast(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            if is_public(address.into()) {
                prop_assert!(GLOBAL_V6.contains(&address) || NAT64.contains(&address), "{address}");
            }
        }

        #[test]
        fn a_list_of_exceptions_never_brings_anything_down(text in "[0-9a-f:./,\\[\\] ]{0,60}") {
            _ = text.parse::<Allowed>();
        }
    }
}
