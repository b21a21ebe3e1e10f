//! Fetching documents of others as a port, and which URLs are asked at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use scaivault_domain::address::AddressRules;
use url::{Host, Url};

/// Longest URL, in bytes.
const MAX_URL: usize = 2_048;

/// Fetches over HTTP: within a time limit, up to a size, without following redirects.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The body of a successful answer.
    async fn fetch(&self, request: &FetchRequest<'_>) -> Result<Vec<u8>, FetchError>;

    /// Refuses a `ca_pem` that no request could use.
    fn check_roots(&self, ca_pem: &str) -> Result<(), FetchError>;
}

/// What to fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// Checked by [`check_url`].
    pub url: &'a str,
    /// Roots to trust besides the system's.
    pub ca_pem: Option<&'a str>,
    /// Which addresses may be connected to; `None`: any.
    pub addresses: Option<AddressRules>,
}

/// Why nothing was fetched. Says nothing that was in URL or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not an address that may be asked.
    #[error("its address may not be connected to")]
    BlockedAddress,
    /// The name has no address, or nobody answers there.
    #[error("it cannot be connected to")]
    Connection,
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("TLS failed")]
    Tls,
    /// No whole answer in time.
    #[error("it did not answer in time")]
    Timeout,
    /// An answer other than 200.
    #[error("it answered with status {0}")]
    Status(u16),
    /// More than is read.
    #[error("its answer is too large")]
    TooLarge,
    /// The roots to trust are no certificates.
    #[error("ca_pem holds no certificate")]
    Roots,
}

/// Checks a URL that is to be asked: HTTPS, or HTTP to this host where the rules permit it. `restricted` URLs must not
/// spell out an address that is closed, so that it shows at once; what names stand for shows when connecting.
pub fn check_url(text: &str, rules: AddressRules, restricted: bool) -> Result<(), &'static str> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL && !text.contains(|c: char| c.is_whitespace()));
    let url = url.ok_or("must be a URL")?;
    let host = url.host().ok_or("must be a URL with a host")?;
    match url.scheme() {
        "https" => {}
        "http" if rules.plain_loopback && is_this_host(&host) => {}
        _ => return Err("must be an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must not hold credentials or a fragment");
    }
    if restricted && !is_open(&host, rules) {
        return Err("must not name an address that is not public");
    }
    Ok(())
}

fn is_open(host: &Host<&str>, rules: AddressRules) -> bool {
    match host {
        Host::Ipv4(address) => rules.permits(IpAddr::V4(*address)),
        Host::Ipv6(address) => rules.permits(IpAddr::V6(*address)),
        Host::Domain(_) => rules.private || !is_this_host(host),
    }
}

fn is_this_host(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => *address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => *address == Ipv6Addr::LOCALHOST,
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_and_lead_outside() {
        let strict = AddressRules::default();
        let dev = AddressRules { private: true, plain_loopback: true };
        assert_eq!(check_url("https://k8s.acme.example/a?b=c", strict, true), Ok(()));
        assert_eq!(check_url("http://127.0.0.1:1234/x", dev, true), Ok(()));
        assert_eq!(check_url("https://10.0.0.1", strict, false), Ok(()));
        for refused in [
            "",
            "k8s.acme.example",
            "http://k8s.acme.example",
            "http://127.0.0.1",
            "https://user:pass@k8s.acme.example",
            "https://k8s.acme.example#x",
            "https://10.0.0.1",
            "https://[::1]/",
            "https://localhost",
            "https://a.localhost.",
            "https://0x7f000001",
            "https://2130706433",
            "https://169.254.169.254/latest",
            "file:///etc/passwd",
            " https://k8s.acme.example",
        ] {
            assert!(check_url(refused, strict, true).is_err(), "{refused}");
        }
        assert!(check_url("https://169.254.169.254", dev, true).is_err());
        assert!(check_url("http://k8s.acme.example", dev, true).is_err());
    }
}
