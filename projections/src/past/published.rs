//! What was published in a time span to those who want it as they are now: the log is gone over once more.
//!
//! Type and tags of secrets are those at the time of each event, so where somebody asks for these, the view of the
//! beginning is folded on beside it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::access::Target;
use scaivault_domain::delivery::Asked;
use scaivault_domain::publication::{
    ACCESSED, About, EventFilter, EventKey, EventNames, Published, VIOLATION, publish, publish_entry,
};
use scaivault_domain::{Event, IdentityId, Owner, Recorded, TenantId, Timestamp};
use scaivault_eventstore::sealing::access::ACCESS_RECORDED;
use scaivault_eventstore::{Owner as KeyOwner, Position, Record, Revision, StoreError};

use super::scope::Scope;
use super::{Past, PastError};
use crate::View;
use crate::decode::{Decoded, decode};
use crate::outboxes::matching;
use crate::owners::key_owner;

/// Records read at once.
const PAGE: u64 = 500;
/// How long after an event its record may be at the latest, as far as time spans rely on it, in seconds.
const RECORDED: i64 = 60;

/// Which events are wanted.
#[derive(Clone, Debug)]
pub struct Sought {
    /// From when on.
    pub from: Timestamp,
    /// Before when.
    pub to: Timestamp,
    /// Of which types.
    pub names: EventNames,
    /// About which secrets.
    pub filters: EventFilter,
    /// By whose right events above tenants are told.
    pub for_whom: (IdentityId, Option<TenantId>),
    /// How many more are too many.
    pub most: usize,
}

/// Going over the log.
struct Passage<'a> {
    past: &'a Past,
    sought: &'a Sought,
    /// Of the present: who belongs where.
    present: Arc<View>,
    /// As of the record before; the beginning where nobody asks what secrets were like.
    view: View,
    scope: Option<Scope>,
    /// Whose records may publish something wanted.
    owners: HashSet<KeyOwner>,
    target: &'a Target,
    with_entries: bool,
    found: Vec<Asked>,
}

impl Past {
    /// Events that are wanted, in order; one more than `most` if there are too many.
    pub async fn published(
        self: &Arc<Self>,
        target: &Target,
        sought: &Sought,
        patience: Duration,
    ) -> Result<Vec<Asked>, PastError> {
        let start = self.last_up_to(Timestamp::from_micros(sought.from.as_micros() - 1)).await?;
        let end = self.last_up_to(sought.to.plus_seconds(RECORDED)).await?;
        let present = self.projections.view();
        let (view, scope) = match sought.filters.looks_at_secret() {
            true => {
                let view = self.view(target, start, patience).await?;
                (View::clone(&view), Some(Scope::of(target, &present.installation)))
            }
            false => (View::default(), None),
        };
        let with_entries = [ACCESSED, VIOLATION].iter().any(|name| sought.names.names(name));
        let own = [Some(target.owner.clone()), target.partner.clone().map(Owner::Partner), Some(Owner::Platform)];
        let mut owners: HashSet<KeyOwner> = own.iter().flatten().map(key_owner).collect();
        if let (true, Some(tenant)) = (with_entries, target.owner.tenant()) {
            // What is read of the partner's secrets stands in the log of whoever reads.
            owners.extend(present.installation.sisters(tenant).map(|tenant| KeyOwner::Tenant(tenant.shared())));
        }
        self.history.sealer.keyring().refresh().await?;
        let mut passage =
            Passage { past: self, sought, present, view, scope, owners, target, with_entries, found: Vec::new() };
        passage.go(start, end).await?;
        Ok(passage.found)
    }
}

impl Passage<'_> {
    async fn go(&mut self, start: Position, end: Position) -> Result<(), StoreError> {
        let mut after = start;
        while after < end && self.found.len() <= self.sought.most {
            let limit = usize::try_from((end.0 - after.0).min(PAGE)).unwrap_or(usize::MAX);
            let page = self.past.history.backend.read(after, limit).await?;
            let Some(last) = page.last().map(|record| record.position) else {
                return Err(StoreError::damaged(after.next(), format!("the log ends here, not at {end}")));
            };
            for record in &page {
                self.take(record)?;
            }
            after = last;
            // Whoever else is served by this thread is not to wait for all of it.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn take(&mut self, record: &Record) -> Result<(), StoreError> {
        let sealer = &self.past.history.sealer;
        let owner = sealer.owner_of(record);
        let is_access = record.kind == ACCESS_RECORDED;
        let is_of_view = |scope: &Scope| owner.as_ref().is_some_and(|owner| scope.wants(owner, &record.kind));
        let is_folded = !is_access && self.scope.as_ref().is_some_and(is_of_view);
        let publishes =
            owner.as_ref().is_some_and(|owner| self.owners.contains(owner)) && (!is_access || self.with_entries);
        if !is_folded && !publishes {
            return Ok(());
        }
        match decode(sealer, record)? {
            Decoded::Event { owner, recorded, value } => {
                self.event(&owner, *recorded, (record.revision, value.is_some()), publishes);
            }
            Decoded::Access { owner, block } => {
                let at = Timestamp::from_micros(record.recorded_at.0);
                let partner = self.present.installation.partner_of(&owner);
                for (index, entry) in (0..).zip(block.entries()) {
                    let key = EventKey { position: record.position.0, index };
                    if let Some(told) = publish_entry(entry, key, at, &owner, partner.as_ref()) {
                        let about = self.about(&told);
                        self.collect(&told, about.as_ref());
                    }
                }
            }
            Decoded::ErasedEntries { .. } | Decoded::Erased => {}
        }
        Ok(())
    }

    fn event(&mut self, owner: &Owner, recorded: Recorded, (revision, has_value): (Revision, bool), publishes: bool) {
        let partner = self.present.installation.partner_of(owner);
        let told = if publishes { publish(&recorded, owner, partner.as_ref()) } else { Vec::new() };
        let before: Vec<_> = told.iter().map(|told| self.about(told)).collect();
        if self.scope.is_some() && !matches!(recorded.body.event, Event::Delivery(_)) {
            self.view.fold(owner, recorded, revision, has_value);
        }
        for (told, before) in told.iter().zip(before) {
            let about = self.about(told).or(before);
            self.collect(told, about.as_ref());
        }
    }

    /// What the secret of an event is like by now.
    fn about(&self, told: &Published) -> Option<About> {
        self.scope.as_ref()?;
        let held = self.view.secrets(&told.owner).held(told.path.as_ref()?.as_str())?;
        Some(About::of(&held.secret))
    }

    fn collect(&mut self, told: &Published, about: Option<&About>) {
        let Sought { from, to, names, filters, for_whom, .. } = self.sought;
        let is_ours = match &told.owner {
            Owner::Tenant(_) => told.owner == self.target.owner,
            Owner::Partner(partner) => self.target.partner.as_ref() == Some(partner),
            Owner::Platform => true,
        };
        if is_ours
            && (*from..*to).contains(&told.timestamp)
            && names.names(told.event_type)
            && filters.passes(told.path.as_ref(), about)
            && matching::reaches(&self.present, told, &for_whom.0, for_whom.1.as_ref())
        {
            self.found.push(Asked { key: told.key, lane: told.lane() });
        }
    }
}
