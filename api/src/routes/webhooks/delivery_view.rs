//! Deliveries as answers show them.

use std::sync::Arc;

use scaivault_domain::Timestamp;
use scaivault_domain::delivery::Attempt;
use scaivault_projections::deliveries::{Row, Told};
use serde::Serialize;

/// A delivery in a list.
#[derive(Serialize)]
pub(super) struct RowView<'a> {
    id: &'a str,
    event_id: &'a str,
    event_type: &'a str,
    timestamp: Timestamp,
    status: &'static str,
    response_code: Option<u16>,
    duration_ms: Option<u64>,
    attempt: u32,
    next_attempt_at: Option<Timestamp>,
    error: Option<&'a Arc<str>>,
}

/// A delivery.
#[derive(Serialize)]
pub(super) struct DeliveryView<'a> {
    #[serde(flatten)]
    row: RowView<'a>,
    attempts: Vec<AttemptView<'a>>,
}

#[derive(Serialize)]
struct AttemptView<'a> {
    attempt: u32,
    timestamp: Timestamp,
    response_code: Option<u16>,
    duration_ms: Option<u64>,
    error: Option<&'a Arc<str>>,
    response_body: Option<&'a Arc<str>>,
}

impl<'a> RowView<'a> {
    pub(super) fn new(row: &'a Row) -> Self {
        Self {
            id: row.id.as_str(),
            event_id: &row.event_id,
            event_type: &row.event_type,
            timestamp: row.timestamp,
            status: row.status,
            response_code: row.response_code,
            duration_ms: row.duration_ms,
            attempt: row.attempt,
            next_attempt_at: row.next_attempt_at,
            error: row.error.as_ref(),
        }
    }
}

impl<'a> DeliveryView<'a> {
    pub(super) fn new(told: &'a Told) -> Self {
        let view = |attempt: &'a Attempt| AttemptView {
            attempt: attempt.number,
            timestamp: attempt.at,
            response_code: attempt.response_code,
            duration_ms: attempt.duration_ms,
            error: attempt.error.as_ref(),
            response_body: attempt.response_body.as_ref(),
        };
        Self { row: RowView::new(&told.row), attempts: told.attempts.iter().map(view).collect() }
    }
}
