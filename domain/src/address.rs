//! Where this server may connect to on behalf of a tenant: public addresses, so that nobody reaches through it what
//! only its host can see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What is open besides public addresses over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Loopback and private addresses are.
    pub private: bool,
    /// Plain HTTP to loopback is.
    pub plain_loopback: bool,
}

/// Never open: unspecified, link-local with the metadata services of clouds, shared, multicast, reserved, examples.
const CLOSED: [(Ipv4Addr, u8); 13] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];
/// Loopback and private (RFC 1918).
const PRIVATE: [(Ipv4Addr, u8); 4] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];
/// Unique local (RFC 4193).
const UNIQUE_LOCAL: (Ipv6Addr, u8) = (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
/// The metadata service of a cloud, in the middle of it.
const METADATA: (Ipv6Addr, u8) = (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32);
/// Global unicast.
const GLOBAL: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Protocol assignments, examples, and forms that embed other addresses where no check would see them.
const NOT_GLOBAL: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
];

impl AddressRules {
    /// Whether a connection to this address may be made.
    pub fn permits(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.permits_v4(address),
            IpAddr::V6(address) => self.permits_v6(address),
        }
    }

    fn permits_v4(self, address: Ipv4Addr) -> bool {
        let within = |(net, bits): &(Ipv4Addr, u8)| Ipv4Net::new(*net, *bits).is_ok_and(|net| net.contains(&address));
        !CLOSED.iter().any(within) && (self.private || !PRIVATE.iter().any(within))
    }

    fn permits_v6(self, address: Ipv6Addr) -> bool {
        let within = |(net, bits): &(Ipv6Addr, u8)| Ipv6Net::new(*net, *bits).is_ok_and(|net| net.contains(&address));
        if address.is_loopback() || (within(&UNIQUE_LOCAL) && !within(&METADATA)) {
            return self.private;
        }
        match embedded(address) {
            Some(embedded) => self.permits_v4(embedded),
            None => within(&GLOBAL) && !NOT_GLOBAL.iter().any(within),
        }
    }
}

/// The IPv4 address in a mapped (RFC 4291), translated (RFC 6052) or 6to4 (RFC 3056) one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::AddressRules;

    fn permits(private: bool, address: &str) -> bool {
        AddressRules { private, plain_loopback: false }.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_open() {
        for open in ["1.1.1.1", "140.82.112.3", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"] {
            assert!(permits(false, open) && permits(true, open), "{open}");
        }
        for private in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "::1", "fd12::1", "::ffff:127.0.0.1"] {
            assert!(!permits(false, private) && permits(true, private), "{private}");
        }
        for closed in [
            "0.0.0.0",
            "100.64.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:db8::1",
            "2001:0:1::1",
            "::7f00:1",
            "fec0::1",
        ] {
            assert!(!permits(false, closed) && !permits(true, closed), "{closed}");
        }
    }
}
