//! `host:port` addresses to listen on and the public base URL.

use std::fmt;
use std::net::Ipv6Addr;

use url::Url;

use super::problem::shown;
use super::reader::Reader;

/// Where a listener binds: a name or address, and a port (0 = a free one). IPv6 addresses are written in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BindAddress {
    /// Name or address, without brackets.
    pub(crate) host: String,
    /// Port; 0 asks for a free one.
    pub(crate) port: u16,
}

/// The address clients use: scheme, host and port, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    /// `https://vault.example.com`, without a slash at the end.
    pub(crate) text: String,
    /// `vault.example.com`.
    pub(crate) host: String,
}

// === impl BindAddress ===

impl BindAddress {
    /// The address `host:port`.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// Reads `host:port`; `None` if it is not that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let host = match host.strip_prefix('[') {
            Some(bracketed) => {
                let address = bracketed.strip_suffix(']')?;
                address.parse::<Ipv6Addr>().ok()?;
                address
            }
            None => host,
        };
        let bare = !host.contains(|character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | ':'))
        });
        // A colon is fine only inside brackets: `::1:8200` could be read in two ways.
        let unambiguous = !host.contains(':') || text.starts_with('[');
        if host.is_empty() || !bare || !unambiguous {
            return None;
        }
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

// === impl BaseUrl ===

impl BaseUrl {
    /// Reads `http(s)://host[:port]`; a lone slash at the end is dropped. `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let only_origin = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(char::is_whitespace);
        let host = url.host_str().filter(|_| only_origin)?.to_owned();
        let text = url.as_str().trim_end_matches('/').to_owned();
        Some(Self { text, host })
    }
}

/// Reads an address to listen on, given as `origin`; `None` after a problem.
pub(super) fn read(reader: &mut Reader<'_>, origin: &str, text: &str) -> Option<BindAddress> {
    let address = BindAddress::parse(text);
    if address.is_none() {
        let fault = format!("is {}, which is not host:port", shown(text));
        reader.problem(origin, fault, "set it to an address such as 127.0.0.1:8443 or [::1]:8443");
    }
    address
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in
            ["0.0.0.0:8443", "127.0.0.1:0", "localhost:8200", "[::1]:8200", "[::]:443", "vault-1.internal:65535"]
        {
            assert_eq!(BindAddress::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(BindAddress::parse("[::1]:80").unwrap().host, "::1");
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "8443",
            ":8443",
            "localhost",
            "localhost:",
            "localhost:65536",
            "::1:80",
            "[::1]",
            "a b:1",
            "http://a:1",
            "[x]:1",
            "a:+1",
        ] {
            assert_eq!(BindAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_base_url_has_no_path() {
        let url = BaseUrl::parse("https://vault.example.com:8443/").unwrap();
        assert_eq!((url.text.as_str(), url.host.as_str()), ("https://vault.example.com:8443", "vault.example.com"));
        assert_eq!(BaseUrl::parse("http://[::1]:1").unwrap().text, "http://[::1]:1");
        for text in [
            "vault.example.com",
            "ftp://a",
            "https://a/b",
            "https://a?x",
            "https://a#x",
            "https://u:p@a",
            "https://",
            " https://a",
        ] {
            assert_eq!(BaseUrl::parse(text), None, "{text}");
        }
    }
}
