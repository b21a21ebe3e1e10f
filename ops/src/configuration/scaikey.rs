//! ScaiKey as the issuer that is built in.

use url::{Host, Url};

use super::Mode;
use super::reader::Reader;

/// Audience of its tokens where none is configured.
const DEFAULT_AUDIENCE: &str = "scaivault";

/// Where ScaiKey is, and for whom its tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScaiKey {
    /// `iss` of its tokens, without a slash at the end.
    pub(crate) url: String,
    /// Where its keys are; `None`: found by discovery.
    pub(crate) jwks_url: Option<String>,
    /// Accepted `aud`.
    pub(crate) audience: String,
}

/// Reads it; `None` if there is no ScaiKey.
pub(super) fn read(reader: &mut Reader<'_>, mode: Mode) -> Option<ScaiKey> {
    let url = self::url(reader, "SCAIKEY_URL", mode);
    let jwks_url = self::url(reader, "SCAIKEY_JWKS_URL", mode);
    let audience = reader.text("SCAIKEY_AUDIENCE");
    if !reader.environment().has("SCAIKEY_URL") {
        for name in ["SCAIKEY_JWKS_URL", "SCAIKEY_AUDIENCE"] {
            if reader.environment().has(name) {
                reader.warn(format!("{name} has no effect without SCAIKEY_URL"));
            }
        }
    }
    let audience = audience.unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned());
    Some(ScaiKey { url: url?.trim_end_matches('/').to_owned(), jwks_url, audience })
}

/// An HTTPS URL, or in development mode one of plain HTTP on this host. Not shown: people leave passwords in URLs.
fn url(reader: &mut Reader<'_>, name: &str, mode: Mode) -> Option<String> {
    let text = reader.text(name)?;
    let is_sound = Url::parse(&text).is_ok_and(|url| {
        let is_open = url.scheme() == "https" || (url.scheme() == "http" && mode == Mode::Dev && is_this_host(&url));
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        is_open && is_plain && url.host().is_some() && !text.contains(char::is_whitespace)
    });
    if !is_sound {
        reader.problem(name, "is not an https URL", "set it to a URL such as https://scaikey.example.com");
        return None;
    }
    Some(text)
}

fn is_this_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
