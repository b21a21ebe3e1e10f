//! The bus between nodes: NATS, or none, which is the bus inside this process.

use std::fs::File;
use std::path::PathBuf;

use url::Url;

use super::problem::shown;
use super::reader::Reader;
use super::sealed::Sealed;

const DEFAULT_PREFIX: &str = "scaivault";
/// Longest `NATS_PREFIX`.
const LONGEST_PREFIX: usize = 32;

/// Where the servers are, and what is ours there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nats {
    /// Addresses of servers of one cluster; each may hold a password or a token.
    pub(crate) urls: Vec<Sealed>,
    /// A user's credentials.
    pub(crate) credentials_file: Option<PathBuf>,
    /// Begins the names of streams and subjects.
    pub(crate) prefix: String,
}

/// Reads `NATS_PREFIX`, which is checked in every mode.
pub(crate) fn prefix(reader: &mut Reader<'_>) -> String {
    let name = "NATS_PREFIX";
    let Some(text) = reader.text(name) else { return DEFAULT_PREFIX.to_owned() };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if text.len() > LONGEST_PREFIX || !text.bytes().all(allowed) {
        reader.problem(name, format!("is {}", shown(&text)), "set it to 1–32 of A-Z a-z 0-9 _ -");
    }
    text
}

/// Reads `NATS_URL` and `NATS_CREDENTIALS_FILE`; `None` without the former.
pub(crate) fn read(reader: &mut Reader<'_>, prefix: String) -> Option<Nats> {
    let credentials_file = reader.path("NATS_CREDENTIALS_FILE");
    let Some(text) = reader.text("NATS_URL").map(Sealed::new) else {
        if credentials_file.is_some() {
            reader.warn("NATS_CREDENTIALS_FILE has no effect without NATS_URL");
        }
        return None;
    };
    if let Some(fault) = text.expose().split(',').map(str::trim).find_map(address_fault) {
        let remedy = "set it to nats://host:port or tls://host:port, several with commas between";
        reader.problem("NATS_URL", fault, remedy);
    }
    if let Some(path) = &credentials_file
        && let Err(error) = File::open(path).and_then(|file| file.metadata()).and_then(is_file)
    {
        let fault = format!("names {}, which cannot be read ({})", shown(&path.display().to_string()), error.kind());
        reader.problem("NATS_CREDENTIALS_FILE", fault, "name a readable file with NATS credentials");
    }
    let urls = text.expose().split(',').map(|url| Sealed::new(url.trim().to_owned())).collect();
    Some(Nats { urls, credentials_file, prefix })
}

fn is_file(found: std::fs::Metadata) -> std::io::Result<()> {
    if found.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// What is wrong with an address, without a word of it: it may hold a password anywhere.
fn address_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("holds an empty address");
    }
    let Ok(url) = Url::parse(text) else { return Some("holds something that is not a URL") };
    if !matches!(url.scheme(), "nats" | "tls") {
        return Some("holds something that is not a nats:// or tls:// URL");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("holds a URL without a host");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Some("holds a URL with more than a host and a port");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_are_taken() {
        for url in ["nats://a", "tls://b:4222", "nats://u:p@c:4222/", "nats://token@[::1]:4222"] {
            assert_eq!(address_fault(url), None, "{url}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in ["", "a:4222", "a", "ws://a", "nats://", "nats://a/x", "nats://a?b=c", "nats://u:p@"] {
            assert!(address_fault(url).is_some(), "{url}");
        }
    }
}
