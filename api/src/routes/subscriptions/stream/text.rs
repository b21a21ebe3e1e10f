//! Server-Sent Events as text (WHATWG HTML, "Server-sent events").

use scaivault_domain::publication::Published;
use serde_json::Value;

use crate::routes::subscriptions::event::EventView;

/// How a stream begins: after how many milliseconds to come back.
pub(super) const BEGINNING: &str = "retry: 2000\n\n";
/// Says that the stream is still there.
pub(super) const ALIVE: &str = ": keep-alive\n\n";
/// Says that events were dropped.
pub(super) const TRUNCATED: &str = "event: truncated\ndata: {}\n\n";

/// One event. JSON has no line breaks outside of its texts, and none in them.
pub(super) fn of_event(event: &Published) -> Result<String, serde_json::Error> {
    let data = serde_json::to_string(&EventView::new(event))?;
    Ok(format!("id: {}\nevent: {}\ndata: {data}\n\n", event.event_id, event.event_type))
}

/// Why the stream ends.
pub(super) fn of_error(envelope: &Value) -> String {
    format!("event: error\ndata: {envelope}\n\n")
}
