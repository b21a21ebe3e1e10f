//! An event as pollers and streams get it.

use scaivault_domain::Timestamp;
use scaivault_domain::publication::Published;
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub(super) struct EventView<'a> {
    event_id: &'a str,
    event_type: &'a str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    data: &'a Value,
}

impl<'a> EventView<'a> {
    pub(super) fn new(event: &'a Published) -> Self {
        Self {
            event_id: &event.event_id,
            event_type: event.event_type,
            timestamp: event.timestamp,
            path: event.path.as_ref().map(scaivault_domain::SecretPath::as_str),
            data: &event.data,
        }
    }
}
