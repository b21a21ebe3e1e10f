//! Taking identities over from ScaiKey: where it is, with whose credentials, how often.

use std::time::Duration;

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
