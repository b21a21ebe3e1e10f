//! Audit exports, by owner, and those that are not finished.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::export::{Export, ExportEvent};
use scaivault_domain::id::ExportId;
use scaivault_domain::{IdentityId, Owner, Timestamp};
use scaivault_eventstore::Revision;

/// An export with the revision of its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldExport {
    /// As it is now.
    pub export: Export,
    /// Of its stream.
    pub revision: Revision,
}

/// The exports of all owners.
#[derive(Clone, Debug, Default)]
pub struct Exports {
    owners: HashMap<Owner, OrdMap<ExportId, Arc<HeldExport>>>,
    unfinished: OrdSet<(ExportId, Owner)>,
}

impl Exports {
    /// An export of an owner.
    pub fn of(&self, owner: &Owner, id: &ExportId) -> Option<&Arc<HeldExport>> {
        self.owners.get(owner)?.get(id)
    }

    /// The exports of an owner, newest first.
    pub fn newest_first(&self, owner: &Owner) -> impl Iterator<Item = &Arc<HeldExport>> {
        self.owners.get(owner).into_iter().flat_map(|of_owner| of_owner.values().rev())
    }

    /// An export, whosever it is.
    pub fn find(&self, id: &ExportId) -> Option<&Arc<HeldExport>> {
        self.owners.values().find_map(|of_owner| of_owner.get(id))
    }

    /// Those that are pending or running, the oldest first.
    pub fn unfinished(&self) -> impl Iterator<Item = &(ExportId, Owner)> {
        self.unfinished.iter()
    }

    /// All there are.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Owner, &Arc<HeldExport>)> {
        self.owners.iter().flat_map(|(owner, of_owner)| of_owner.values().map(move |held| (owner, held)))
    }

    pub(crate) fn fold(
        &mut self,
        owner: &Owner,
        event: ExportEvent,
        (at, by): (Timestamp, &IdentityId),
        revision: Revision,
    ) {
        let export = match event {
            ExportEvent::Created { id, content } => Export::new(id, *content, at, by.clone()),
            event @ (ExportEvent::Started { .. }
            | ExportEvent::Progressed { .. }
            | ExportEvent::Completed { .. }
            | ExportEvent::Failed { .. }) => {
                let Some(held) = self.of(owner, event.id()) else { return };
                let mut export = held.export.clone();
                export.apply(event, at);
                export
            }
        };
        self.hold(owner, HeldExport { export, revision });
    }

    /// Enters an export as it is.
    pub(crate) fn hold(&mut self, owner: &Owner, held: HeldExport) {
        let id = held.export.id.clone();
        let key = (id.clone(), owner.clone());
        if held.export.status().is_ended() {
            self.unfinished.remove(&key);
        } else {
            self.unfinished.insert(key);
        }
        self.owners.entry(owner.clone()).or_default().insert(id, Arc::new(held));
    }

    /// Forgets an owner whose key is destroyed.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        for id in self.owners.remove(owner).into_iter().flatten().map(|(id, _)| id) {
            self.unfinished.remove(&(id, owner.clone()));
        }
    }
}
