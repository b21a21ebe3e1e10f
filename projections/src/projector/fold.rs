//! The fold itself: one record after the other, none twice, none left out.

use std::sync::Arc;

use parking_lot::RwLock;
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::publication::{ACCESSED, About, EventKey, Published, VIOLATION, publish, publish_entry};
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::{Event, Owner, Recorded, SecretPath, Timestamp};
use scaivault_eventstore::sealing::SealedValue;
use scaivault_eventstore::{Record, StoreError};
use tokio::sync::OwnedMutexGuard;

use super::opening::{Opened, Ready};
use crate::accesses::Accesses;
use crate::decode::{AccessEntry, Decoded};
use crate::events::Events;
use crate::outboxes::{Outboxes, matching};
use crate::pool::Pool;
use crate::values::Values;
use crate::view::View;

/// Batches of at least so many records that were read from the log are about the past.
const PAST: usize = 1000;

/// What is kept besides the view where the present is folded.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) accesses: &'a RwLock<Accesses>,
    pub(super) values: &'a Values,
    pub(super) outboxes: &'a RwLock<Outboxes>,
    pub(super) events: &'a Events,
}

/// The read models while they are folded.
pub(super) struct Fold {
    pub(super) view: View,
    /// Held while there is something in it that is not shown.
    pub(super) unshown: Option<OwnedMutexGuard<()>>,
    /// Audit entries counted so far.
    pub(super) entries: u64,
    pool: Pool,
    /// Records whose values were destroyed since the view was last shown.
    destroyed: Vec<u64>,
    /// A tenant's key was: no value at hand is worth looking at one by one.
    is_tenant_gone: bool,
}

impl Fold {
    /// Going on from `view`.
    pub(super) fn of(view: &View) -> Self {
        Self {
            view: view.clone(),
            unshown: None,
            entries: 0,
            pool: Pool::default(),
            destroyed: Vec::new(),
            is_tenant_gone: false,
        }
    }

    /// Applies records in order, up to the first that does not fit.
    pub(super) fn apply(&mut self, opened: Opened, beside: Option<Beside<'_>>) -> Result<(), StoreError> {
        let (batch, records) = opened.into_records();
        // The past has more of them than there is room for.
        let is_present = !batch.is_read() || batch.records().len() < PAST;
        for (index, ready) in records {
            let Some(record) = batch.get(index) else { break };
            self.expect(record)?;
            match ready {
                // Opened before the end of its tenant was known here, and written before its writer knew.
                Ready::Decoded(
                    Decoded::Event { owner, .. } | Decoded::Access { owner, .. } | Decoded::ErasedEntries { owner },
                )
                | Ready::Entries(owner)
                    if self.view.installation.is_shredded(&owner) => {}
                Ready::Decoded(Decoded::Event { owner, recorded, value }) => {
                    let value = (value.is_some(), value.filter(|_| is_present));
                    self.fold(record, &owner, *recorded, value, beside);
                }
                Ready::Decoded(Decoded::Access { owner, block }) => {
                    self.count(record, &owner, block.entries(), beside)?;
                }
                Ready::Decoded(Decoded::ErasedEntries { owner }) => {
                    self.view.erasures.found(&owner, record.position);
                }
                Ready::Decoded(Decoded::Erased) | Ready::PassedOver => {}
                Ready::Entries(owner) => {
                    let entries = batch.entries(index).map(|group| group.entries.as_slice()).unwrap_or_default();
                    let entries = entries.iter().map(|entry| (entry.json.as_ref(), entry.detail.as_deref()));
                    self.count(record, &owner, entries, beside)?;
                }
            }
            self.view.applied = record.position;
            self.view.leaf = record.leaf_hash;
            self.view.tree.push(record.leaf_hash);
        }
        Ok(())
    }

    /// To be called once the view without them is shown: a read that put one back into `values`
    /// meanwhile finds out by looking at the view again.
    pub(super) fn forget_values(&mut self, values: &Values, events: &Events) {
        if std::mem::take(&mut self.is_tenant_gone) {
            values.clear();
            events.clear();
        }
        for position in self.destroyed.drain(..) {
            values.forget(position);
        }
    }

    fn expect(&self, record: &Record) -> Result<(), StoreError> {
        if record.position == self.view.applied.next() {
            return Ok(());
        }
        let reason = format!("it came after position {}", self.view.applied);
        Err(StoreError::damaged(record.position, reason))
    }

    fn fold(
        &mut self,
        record: &Record,
        owner: &Owner,
        mut recorded: Recorded,
        value: (bool, Option<SealedValue>),
        beside: Option<Beside<'_>>,
    ) {
        self.pool.share(&mut recorded.body);
        let (has_value, value) = value;
        if let Event::Secret(path, event) = &recorded.body.event {
            if let (Some(value), Some(beside)) = (value, beside) {
                beside.values.keep(recorded.position, Arc::new(value));
            }
            if !matches!(event, SecretEvent::Created { .. })
                && beside.is_some()
                && let Some(held) = self.view.secrets(owner).held(path.as_str())
            {
                self.destroyed.extend(held.secret.shredded_by(std::slice::from_ref(event)));
            }
            if let (SecretEvent::Destroyed { .. }, Some(beside)) = (event, beside) {
                beside.accesses.write().forget(owner, path.as_str());
            }
        }
        if let Event::Identity(IdentityEvent::TenantShredded { id, .. }) = &recorded.body.event {
            if let Some(beside) = beside {
                beside.accesses.write().forget_owner(&Owner::Tenant(id.clone()));
                beside.outboxes.write().forget(&Owner::Tenant(id.clone()));
            }
            self.is_tenant_gone = true;
        }
        let Some(beside) = beside else {
            self.view.fold(owner, recorded, record.revision, has_value);
            return;
        };
        if matches!(recorded.body.event, Event::AuditErased(_)) {
            beside.events.clear();
        }
        let told = self.published(owner, &recorded);
        let before = if told.is_empty() { None } else { about(&self.view, owner, &recorded.body.event) };
        // The view takes the event along; what changes queues is small, or rare.
        let of_queues = is_of_queues(&recorded.body.event).then(|| (recorded.body.event.clone(), recorded.body.at));
        let (path, recorded_at) = (secret_path(&recorded.body.event).cloned(), recorded.recorded_at);
        self.view.fold(owner, recorded, record.revision, has_value);
        if let Some((event, at)) = of_queues {
            beside.outboxes.write().fold(&self.view, owner, &event, at, record.revision);
        }
        let now = path.and_then(|path| held(&self.view, owner, path.as_str())).or(before);
        self.enter(record, &told, |_| now.clone(), recorded_at, beside);
    }

    /// What a record publishes, if anybody might want it.
    fn published(&self, owner: &Owner, recorded: &Recorded) -> Vec<Published> {
        if !matching::is_heard(&self.view, owner) {
            return Vec::new();
        }
        publish(recorded, owner, self.view.installation.partner_of(owner).as_ref())
    }

    /// Queues events for those who want them, and keeps them at hand.
    fn enter(
        &self,
        record: &Record,
        told: &[Published],
        about: impl Fn(&Published) -> Option<About>,
        recorded_at: Timestamp,
        beside: Beside<'_>,
    ) {
        if told.is_empty() {
            return;
        }
        let mut outboxes = beside.outboxes.write();
        let mut is_wanted = false;
        for event in told {
            is_wanted |= outboxes.enter(&self.view, event, about(event).as_ref(), recorded_at);
        }
        if is_wanted {
            beside.events.keep(record.position.0, told.into());
        }
    }

    /// Counts the entries of a record, as a whole or not at all.
    fn count<'e>(
        &mut self,
        record: &Record,
        owner: &Owner,
        entries: impl Iterator<Item = (&'e str, Option<&'e str>)>,
        beside: Option<Beside<'_>>,
    ) -> Result<(), StoreError> {
        let Some(beside) = beside else { return Ok(()) };
        let malformed = |error| StoreError::damaged(record.position, format!("an entry is malformed: {error}"));
        let texts: Vec<_> = entries.collect();
        let entries: Vec<AccessEntry<'_>> =
            texts.iter().map(|(json, _)| serde_json::from_str(json).map_err(malformed)).collect::<Result<_, _>>()?;
        self.entries += entries.len() as u64;
        let secrets = self.view.secrets(owner);
        let mut accesses = beside.accesses.write();
        for entry in &entries {
            // A read that shares its commit with a hard delete belongs to no later life of the path.
            let read = entry.value_read().and_then(|(path, _)| secrets.held(path));
            accesses.fold(owner, entry, read.map(|held| &held.secret.path));
        }
        drop(accesses);
        self.enter_entries(record, owner, &texts, beside);
        Ok(())
    }

    /// Queues what audit entries publish.
    fn enter_entries(&self, record: &Record, owner: &Owner, texts: &[(&str, Option<&str>)], beside: Beside<'_>) {
        let partner = self.view.installation.partner_of(owner);
        let above =
            partner.clone().map(Owner::Partner).filter(|_| texts.iter().any(|(json, _)| json.contains(OF_PARTNER)));
        if !std::iter::once(owner)
            .chain(&above)
            .any(|owner| matching::is_named(&self.view, owner, &[ACCESSED, VIOLATION]))
        {
            return;
        }
        let at = Timestamp::from_micros(record.recorded_at.0);
        let told = (0..).zip(texts).filter_map(|(index, text)| {
            publish_entry(*text, EventKey { position: record.position.0, index }, at, owner, partner.as_ref())
        });
        let told: Vec<_> = told.collect();
        let about = |event: &Published| held(&self.view, &event.owner, event.path.as_ref()?.as_str());
        self.enter(record, &told, about, at, beside);
    }
}

/// In entries about secrets of the partner.
const OF_PARTNER: &str = "\"secret_scope\":";

/// The secret an event is about.
fn about(view: &View, owner: &Owner, event: &Event) -> Option<About> {
    held(view, owner, secret_path(event)?.as_str())
}

fn held(view: &View, owner: &Owner, path: &str) -> Option<About> {
    view.secrets(owner).held(path).map(|held| About::of(&held.secret))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "all others are about no secret")]
fn secret_path(event: &Event) -> Option<&SecretPath> {
    match event {
        Event::Secret(path, _) => Some(path),
        _ => None,
    }
}

fn is_of_queues(event: &Event) -> bool {
    matches!(event, Event::Webhook(_) | Event::Subscription(_) | Event::Delivery(_))
}
