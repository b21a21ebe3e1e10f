//! Taking identities over from ScaiKey: where it is, with whose credentials, how often.

use std::time::Duration;

use url::{Host, Url};

use super::Mode;
use super::reader::Reader;
use super::sealed::Sealed;

/// Shortest webhook secret, in bytes.
const MIN_WEBHOOK_SECRET: usize = 32;
const HOUR: Duration = Duration::from_secs(3_600);

/// How identities are taken over.
#[derive(Clone, Debug)]
pub(crate) struct Synchronisation {
    /// Base URL of ScaiKey, without a slash at the end.
    pub(crate) url: Option<String>,
    /// Client id and secret there.
    pub(crate) client: Option<(String, Sealed)>,
    /// What its webhooks are signed with, if not what the registration says.
    pub(crate) webhook_secret: Option<Sealed>,
    /// How often everything is taken over; `None`: only when asked for.
    pub(crate) interval: Option<Duration>,
}

/// Reads it. `url` is that of ScaiKey, if there is one.
pub(super) fn read(reader: &mut Reader<'_>, url: Option<String>) -> Synchronisation {
    let (id, secret) = (reader.text("SCAIKEY_CLIENT_ID"), reader.secret("SCAIKEY_CLIENT_SECRET"));
    let client = match (id, secret) {
        (Some(id), Some(secret)) => Some((id, secret)),
        (None, None) => None,
        (Some(_), None) => {
            reader.problem("SCAIKEY_CLIENT_ID", "is set without SCAIKEY_CLIENT_SECRET", "set both or none");
            None
        }
        (None, Some(_)) => {
            reader.problem("SCAIKEY_CLIENT_SECRET", "is set without SCAIKEY_CLIENT_ID", "set both or none");
            None
        }
    };
    let webhook_secret = reader.secret("SCAIKEY_WEBHOOK_SECRET");
    if webhook_secret.as_ref().is_some_and(|secret| secret.expose().len() < MIN_WEBHOOK_SECRET) {
        reader.problem(
            "SCAIKEY_WEBHOOK_SECRET",
            "is shorter than 32 bytes",
            "set it to the secret of the registration",
        );
    }
    let enabled = reader.boolean("IDENTITY_SYNC_ENABLED", true);
    let interval = reader.duration("IDENTITY_SYNC_INTERVAL", HOUR, "1m", "7d");
    let interval = (enabled && url.is_some() && client.is_some()).then_some(interval);
    Synchronisation { url, client, webhook_secret, interval }
}

/// `SCAIKEY_URL`: HTTPS, or in development mode plain HTTP on this host. Not shown: people leave passwords in URLs.
pub(super) fn scaikey_url(reader: &mut Reader<'_>, mode: Mode) -> Option<String> {
    let text = reader.text("SCAIKEY_URL")?;
    let is_sound = Url::parse(&text).is_ok_and(|url| {
        let is_open = url.scheme() == "https" || (url.scheme() == "http" && mode == Mode::Dev && is_this_host(&url));
        is_open && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
    });
    if !is_sound {
        reader.problem("SCAIKEY_URL", "is not an https URL", "set it to a URL such as https://scaikey.example.com");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn is_this_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
