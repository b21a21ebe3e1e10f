//! One page of entries.

use std::cmp::Reverse;

use scaivault_domain::Owner;
use scaivault_eventstore::{Position, StoreError};

use super::fetch::FoundEntry;
use super::filter::Filter;
use super::index::AuditIndex;
use super::segment::Place;

/// The order of entries: that of the log, or the reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last one first.
    NewestFirst,
    /// As they were recorded.
    OldestFirst,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// In whose logs.
    pub owners: &'a [Owner],
    /// Which entries.
    pub filter: &'a Filter,
    /// Only those that come after this one in the order asked for.
    pub after: Option<Place>,
    /// Only those recorded after this position.
    pub after_position: Position,
    /// In which order.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

/// The answer.
#[derive(Debug)]
pub struct Page {
    /// The entries.
    pub entries: Vec<FoundEntry>,
    /// Whether more follow.
    pub has_more: bool,
}

impl AuditIndex {
    /// A page of entries.
    pub async fn page(&self, query: &Query<'_>) -> Result<Page, StoreError> {
        let mut entries: Vec<FoundEntry> = Vec::new();
        let mut after = query.after;
        // Up to the same position in all logs: what comes while they are gone through belongs to a later page.
        let end = self.applied();
        loop {
            let wanted = query.limit + 1 - entries.len();
            let places = self.places(query, after, end, wanted).await?;
            let is_last = places.len() < wanted;
            after = places.last().map(|(_, place)| *place);
            let found = self.fetch(&places).await?;
            // A digest of the request's id was all that was compared.
            let is_asked_for = |entry: &FoundEntry| {
                query.filter.request_id.as_deref().is_none_or(|id| entry.request_id().as_deref() == Some(id))
            };
            entries.extend(found.into_iter().filter(is_asked_for));
            if is_last || entries.len() > query.limit {
                let has_more = entries.len() > query.limit;
                entries.truncate(query.limit);
                return Ok(Page { entries, has_more });
            }
        }
    }

    /// Where the next entries are, at most `limit`.
    async fn places(
        &self,
        query: &Query<'_>,
        after: Option<Place>,
        end: Position,
        limit: usize,
    ) -> Result<Vec<(Owner, Place)>, StoreError> {
        let first = query.after_position.next();
        let positions = match (query.order, after) {
            (Order::NewestFirst, Some(place)) => (first, place.position.min(end)),
            (Order::OldestFirst, Some(place)) => (first.max(place.position), end),
            (Order::NewestFirst | Order::OldestFirst, None) => (first, end),
        };
        let follows = |place: &Place| match (query.order, after) {
            (Order::NewestFirst, Some(after)) => *place < after,
            (Order::OldestFirst, Some(after)) => *place > after,
            (Order::NewestFirst | Order::OldestFirst, None) => true,
        };
        let mut found = Vec::new();
        for owner in query.owners {
            let mut of_owner = Vec::new();
            let mut scan = self.scan(owner, query.filter, positions, query.order).await?;
            while of_owner.len() < limit
                && let Some(part) = scan.next().await?
            {
                let rows = part.wanted(query.filter, query.order).into_iter();
                let places = rows.map(|row| part.segment.place(row)).filter(follows);
                of_owner.extend(places.take(limit - of_owner.len()).map(|place| (owner.clone(), place)));
            }
            found.append(&mut of_owner);
        }
        match query.order {
            Order::NewestFirst => found.sort_by_key(|(_, place)| Reverse(*place)),
            Order::OldestFirst => found.sort_by_key(|(_, place)| *place),
        }
        found.truncate(limit);
        Ok(found)
    }
}
