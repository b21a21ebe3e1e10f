//! The entries of an export, one after the other, with few of them in memory.

use std::collections::VecDeque;

use scaivault_domain::Owner;
use scaivault_domain::export::{Export, Extent};
use scaivault_eventstore::{Position, StoreError};
use scaivault_projections::View;
use scaivault_projections::audit::{Filter, FoundEntry, Order, PathFilter, Place, Query};

use crate::Engine;

/// Entries read at once.
const PAGE: usize = 1_000;

/// Reads on where the last finished file ends.
pub(super) struct Source<'a> {
    engine: &'a Engine,
    owners: Vec<Owner>,
    filter: Filter,
    up_to: Position,
    after: Option<Place>,
    entries: VecDeque<FoundEntry>,
    has_more: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(engine: &'a Engine, owner: &Owner, export: &Export, extent: &Extent) -> Self {
        let after = export.after.map(|after| Place { position: Position(after.position), index: after.index });
        Self {
            engine,
            owners: owners(&engine.projections.view(), owner),
            filter: filter(export, extent),
            up_to: Position(extent.up_to),
            after,
            entries: VecDeque::new(),
            has_more: true,
        }
    }

    /// The entry that comes next.
    pub(super) async fn peek(&mut self) -> Result<Option<&FoundEntry>, StoreError> {
        while self.entries.is_empty() && self.has_more {
            let query = Query {
                owners: &self.owners,
                filter: &self.filter,
                after: self.after,
                after_position: Position::START,
                order: Order::OldestFirst,
                limit: PAGE,
            };
            let is_behind = || self.engine.audit.applied() < self.up_to;
            let was_behind = is_behind();
            let page = self.engine.audit.page(&query).await?;
            if was_behind || is_behind() {
                // An index that begins anew would seem to end early.
                return Err(StoreError::Unavailable(None));
            }
            self.has_more = page.has_more;
            if let Some(last) = page.entries.last() {
                self.after = Some(last.place);
            }
            self.has_more &= self.after.is_some_and(|after| after.position <= self.up_to);
            self.entries.extend(page.entries.into_iter().filter(|entry| entry.place.position <= self.up_to));
        }
        Ok(self.entries.front())
    }

    /// Goes past the entry that came next.
    pub(super) fn advance(&mut self) {
        self.entries.pop_front();
    }
}

/// In whose logs the entries are: for the platform, those of all partners too.
pub(super) fn owners(view: &View, owner: &Owner) -> Vec<Owner> {
    match owner {
        Owner::Platform => {
            let partners = view.installation.partners().map(|partner| Owner::Partner(partner.id.clone()));
            std::iter::once(Owner::Platform).chain(partners).collect()
        }
        Owner::Partner(_) | Owner::Tenant(_) => vec![owner.clone()],
    }
}

/// Which entries are wanted.
pub(super) fn filter(export: &Export, extent: &Extent) -> Filter {
    let (content, filters) = (&export.content, &export.content.filters);
    Filter {
        from: Some(content.from.max(extent.not_before)),
        to: Some(content.to),
        actions: filters.action.clone().unwrap_or_default(),
        identity: filters.identity_id.clone(),
        identity_type: filters.identity_type,
        source_ip: filters.source_ip.clone(),
        path: filters.path_prefix.clone().filter(|prefix| !prefix.is_empty()).map(PathFilter::Prefix),
        success: filters.success,
        ..Filter::default()
    }
}
