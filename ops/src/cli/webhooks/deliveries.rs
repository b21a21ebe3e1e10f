//! `webhooks deliveries` and `replay`: what was sent, and what is to be sent again.

use clap::Args;
use http::Method;

use super::{shown, webhook};
use crate::cli::client::Call;
use crate::cli::completion;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Arguments of `webhooks deliveries`.
#[derive(Args)]
pub(crate) struct DeliveriesArguments {
    /// Id of the webhook (wh_…)
    #[arg(add = completion::webhooks())]
    id: String,
    /// Show this delivery (del_…) with all its attempts
    delivery_id: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = ["success", "failed", "pending"])]
    status: Option<String>,
    /// Only of events of this type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those from this time on
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Only those before this time
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Arguments of `webhooks replay`.
#[derive(Args)]
pub(crate) struct ReplayArguments {
    /// Id of the webhook (wh_…)
    #[arg(add = completion::webhooks())]
    id: String,
    /// From this time on
    #[arg(long, value_name = "TIME")]
    start: String,
    /// Before this time [default: now]
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Which events, comma-separated [default: those of the webhook]
    #[arg(long, value_name = "EVENT,…", value_delimiter = ',')]
    events: Vec<String>,
}

/// Lists deliveries, or shows one.
pub(super) async fn show(session: &Session, arguments: &DeliveriesArguments) -> Result<(), Failure> {
    let DeliveriesArguments { id, delivery_id, status, event_type, start, end, list } = arguments;
    let address = webhook(id).then("deliveries");
    if let Some(delivery) = delivery_id {
        let filters = [status, event_type, start, end];
        if list.is_given() || filters.iter().any(|filter| filter.is_some()) {
            return Err(Failure::usage("A single delivery is shown without filters"));
        }
        return shown(session, Call::fetch(address.id(delivery))).await;
    }
    let address = address
        .query("status", status.as_deref())
        .query("event_type", event_type.as_deref())
        .query("from", start.as_deref())
        .query("to", end.as_deref());
    let columns = [
        ("DELIVERY", "id"),
        ("EVENT", "event_id"),
        ("TYPE", "event_type"),
        ("STATUS", "status"),
        ("CODE", "response_code"),
        ("ATTEMPT", "attempt"),
        ("TIME", "timestamp"),
        ("ERROR", "error"),
    ];
    list::show(session, address, list, "deliveries", |rows| Table::of(rows, &columns)).await
}

/// Has the events of a time span sent again.
pub(super) async fn replay(session: &Session, arguments: &ReplayArguments) -> Result<(), Failure> {
    let ReplayArguments { id, start, end, events } = arguments;
    let body = object([
        ("from", Some(Json::text(start.as_str()))),
        ("to", end.as_deref().map(Json::text)),
        ("events", Some(events).filter(|events| !events.is_empty()).map(|events| Json::texts(events.clone()))),
    ]);
    shown(session, Call::new(Method::POST, webhook(id).then("replay")).with_body(&body)).await
}
