//! Webhooks as answers show them. What they sign with is never among it.

use std::sync::Arc;

use scaivault_domain::endpoint::DisabledReason;
use scaivault_domain::publication::EventFilter;
use scaivault_domain::webhook::Webhook;
use scaivault_domain::{IdentityId, Timestamp};
use scaivault_projections::outboxes::{Day, LastAttempt};
use serde::Serialize;

/// A webhook.
#[derive(Serialize)]
pub(super) struct WebhookView<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    events: &'a [Arc<str>],
    filters: &'a EventFilter,
    format: &'static str,
    ed25519: bool,
    public_key: Option<&'a str>,
    ca_pem: Option<&'a str>,
    enabled: bool,
    status: &'static str,
    disabled_reason: Option<&'static str>,
    previous_secret_expires_at: Option<Timestamp>,
    created_by: &'a IdentityId,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A webhook, and how it is doing.
#[derive(Serialize)]
pub(super) struct DetailView<'a> {
    #[serde(flatten)]
    webhook: WebhookView<'a>,
    statistics: StatisticsView,
    last_delivery: Option<LastDeliveryView>,
}

/// A webhook in a list.
#[derive(Serialize)]
pub(super) struct WebhookRow<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    events: &'a [Arc<str>],
    enabled: bool,
    status: &'static str,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct StatisticsView {
    deliveries_24h: u64,
    success_rate_24h: Option<f64>,
    avg_latency_ms: Option<u64>,
}

#[derive(Serialize)]
struct LastDeliveryView {
    id: String,
    timestamp: Timestamp,
    status: &'static str,
    response_code: Option<u16>,
}

impl<'a> WebhookView<'a> {
    /// As it is at `now`, after a `day` like that.
    pub(super) fn new(webhook: &'a Webhook, day: Day, now: Timestamp) -> Self {
        let (content, endpoint) = (&webhook.content, &webhook.content.endpoint);
        Self {
            id: webhook.id.as_str(),
            name: &content.name,
            url: &endpoint.url,
            events: content.events.as_slice(),
            filters: &content.filters,
            format: endpoint.format.as_str(),
            ed25519: endpoint.public_key.is_some(),
            public_key: endpoint.public_key.as_deref(),
            ca_pem: endpoint.ca_pem.as_deref(),
            enabled: webhook.is_enabled(),
            status: status(webhook, day),
            disabled_reason: webhook.disabled.map(DisabledReason::as_str),
            previous_secret_expires_at: endpoint.previous_secret_expires_at.filter(|until| *until > now),
            created_by: &webhook.created_by,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl<'a> DetailView<'a> {
    /// With what was delivered last.
    pub(super) fn new(webhook: &'a Webhook, day: Day, last: Option<&LastAttempt>, now: Timestamp) -> Self {
        Self {
            webhook: WebhookView::new(webhook, day, now),
            statistics: StatisticsView {
                deliveries_24h: day.deliveries,
                success_rate_24h: rate(day),
                avg_latency_ms: day.millis.checked_div(day.answered),
            },
            last_delivery: last.map(|last| LastDeliveryView {
                id: last.id.to_string(),
                timestamp: last.at,
                status: last.outcome.as_str(),
                response_code: last.response_code,
            }),
        }
    }
}

impl<'a> WebhookRow<'a> {
    pub(super) fn new(webhook: &'a Webhook, day: Day) -> Self {
        Self {
            id: webhook.id.as_str(),
            name: &webhook.content.name,
            url: &webhook.content.endpoint.url,
            events: webhook.content.events.as_slice(),
            enabled: webhook.is_enabled(),
            status: status(webhook, day),
            created_at: webhook.created_at,
        }
    }
}

/// In hundredths, rounded down, so that a failure always shows.
fn rate(day: Day) -> Option<f64> {
    let hundredths = (day.succeeded * 100).checked_div(day.attempts)?;
    u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
}

/// In exact numbers: 95 of a hundred are enough.
fn status(webhook: &Webhook, day: Day) -> &'static str {
    match webhook.is_enabled() {
        false => "disabled",
        true if day.succeeded * 100 >= day.attempts * 95 => "healthy",
        true if day.succeeded * 2 >= day.attempts => "degraded",
        true => "failing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_hundredths() {
        let day = |attempts, succeeded| Day { attempts, succeeded, ..Day::default() };
        assert_eq!(rate(day(0, 0)), None);
        assert_eq!(rate(day(3, 2)), Some(0.66));
        assert_eq!(rate(day(1_000, 999)), Some(0.99));
        assert_eq!(rate(day(50, 49)), Some(0.98));
        assert_eq!(rate(day(7, 7)), Some(1.0));
    }
}
