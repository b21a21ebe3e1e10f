//! Whose `X-Forwarded-For` counts, and which address of it is the client's.

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

use super::problem::shown;
use super::reader::Reader;

/// Networks of proxies in front of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

// === impl TrustedProxies ===

impl TrustedProxies {
    /// The client's address: the peer, or, if the peer is a trusted proxy, the right-most address of `forwarded_for`
    /// (all values of the header, in their order) that is not a trusted proxy. What stands left of an entry that is no
    /// address is not believed.
    pub(crate) fn client_address<'a, I>(&self, peer: IpAddr, forwarded_for: I) -> IpAddr
    where
        I: IntoIterator<Item = &'a str>,
        I::IntoIter: DoubleEndedIterator,
    {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let entries = forwarded_for.into_iter().rev().flat_map(|value| value.rsplit(','));
        for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
            match read_address(entry) {
                Some(address) if self.contains(address) => {}
                Some(address) => return address,
                None => return peer,
            }
        }
        peer
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Reads `TRUSTED_PROXIES`: CIDRs with commas between; a bare address stands for itself alone.
pub(crate) fn read(reader: &mut Reader<'_>) -> TrustedProxies {
    let name = "TRUSTED_PROXIES";
    let mut networks = Vec::new();
    for entry in reader.text(name).unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match read_network(entry) {
            Some(network) => networks.push(network),
            None => {
                let fault = format!("holds {}, which is not a CIDR", shown(entry));
                reader.problem(name, fault, "give networks such as 10.0.0.0/8,fd00::/8");
            }
        }
    }
    TrustedProxies(networks)
}

fn read_network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?.trunc();
    // A mapped network counts as the IPv4 network it stands for, as mapped addresses do.
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Some(prefix) = v6.prefix_len().checked_sub(96)
    {
        return Ipv4Net::new(v4, prefix).ok().map(IpNet::V4);
    }
    Some(network)
}

/// An address, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded_for: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8", "192.168.1.1"].map(|text| read_network(text).unwrap());
        let proxies = TrustedProxies(networks.to_vec());
        proxies.client_address(peer.parse().unwrap(), forwarded_for.iter().copied()).to_string()
    }

    #[test]
    fn the_header_counts_only_from_a_trusted_peer() {
        assert_eq!(client("198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("192.168.1.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_untrusted_address_counts() {
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.2.2"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "203.0.113.9:4711", "fd00::1, [fd00::2]:80"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["10.0.0.2"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
    }
}
