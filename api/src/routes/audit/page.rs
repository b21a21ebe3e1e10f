//! A page of entries, as all lists of this group have it.

use scaivault_commands::Failure;
use scaivault_domain::Owner;
use scaivault_projections::audit::{Filter, FoundEntry, Order, Position, Query, Trail};
use serde::Serialize;
use serde_json::value::RawValue;

use super::input::{place, place_text};
use super::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::call::{Call, Stop};
use crate::cursor::Binding;

/// The members of every list.
#[derive(Serialize)]
pub(super) struct Logs {
    logs: Vec<Box<RawValue>>,
    cursor: Option<String>,
    has_more: bool,
}

/// What a list asks for besides its filter.
pub(super) struct Asked {
    pub(super) order: Order,
    pub(super) after_position: u64,
    pub(super) limit: usize,
    /// What tells cursors of one route from those of the same route about something else.
    pub(super) about: String,
}

impl Asked {
    /// As parameters say.
    pub(super) fn of(call: &mut Call, about: &str) -> Self {
        let order = match call.query.choice("order").as_deref() {
            Some("asc") => Order::OldestFirst,
            Some(_) | None => Order::NewestFirst,
        };
        let after = call.query.integer("after_position", (0, i64::MAX)).and_then(|value| u64::try_from(value).ok());
        let limit = call.query.limit(DEFAULT_LIMIT, MAX_LIMIT);
        Self { order, after_position: after.unwrap_or(0), limit, about: about.to_owned() }
    }
}

/// Reads a page.
pub(super) async fn read(call: &Call, owners: &[Owner], filter: &Filter, asked: &Asked) -> Result<Logs, Stop> {
    let engine = &call.app.engine;
    let filters = format!("{}\u{1d}{}", asked.about, call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(engine, cursor)).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    engine.audit_barrier().await?;
    let after_position = Position(asked.after_position);
    let query = Query { owners, filter, after, after_position, order: asked.order, limit: asked.limit };
    let page = engine.audit().page(&query).await.map_err(Failure::from)?;
    let last = page.entries.last().filter(|_| page.has_more).map(|last| place_text(last.place));
    let cursor = last.map(|key| binding.cursor(engine, &key)).transpose()?;
    Ok(Logs { logs: shown(page.entries)?, cursor, has_more: page.has_more })
}

/// Counts over what a filter lets through. The barrier has been waited for.
pub(super) async fn counted(call: &Call, owners: &[Owner], filter: &Filter) -> Result<Trail, Stop> {
    let mut counts = Trail::default();
    for owner in owners {
        counts = call.app.engine.audit().trail(owner, filter).await.map_err(Failure::from)?;
    }
    Ok(counts)
}

/// Entries as answers show them.
pub(super) fn shown(entries: Vec<FoundEntry>) -> Result<Vec<Box<RawValue>>, Stop> {
    Ok(entries.iter().map(|entry| RawValue::from_string(entry.shown())).collect::<Result<_, _>>()?)
}
