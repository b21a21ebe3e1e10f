//! Audit exports: asked for here, written by the [exporter](crate::exporter).

pub mod credentials;
pub mod store;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use scaivault_domain::address::AddressRules;
use scaivault_domain::audit::Action;
use scaivault_domain::export::{Export, ExportContent, ExportEvent, MAX_FILE_BYTES, MAX_FILE_ENTRIES};
use scaivault_domain::id::ExportId;
use scaivault_domain::{ErrorCode, Event, Owner, Rejection, SecretPath};
use scaivault_eventstore::Revision;
use scaivault_projections::View;

use crate::audit::Outcome;
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply, ids};
use store::{ObjectStores, Opening, Store, StoreFault, StoredObject};

/// What writing exports takes.
pub struct Exporting {
    pub(crate) stores: Arc<dyn ObjectStores>,
    pub(crate) limits: FileLimits,
    /// Entries in the files that this process is writing.
    pub(crate) under_way: Mutex<HashMap<ExportId, u64>>,
}

/// When a file ends.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Most entries.
    pub entries: u64,
    /// Most bytes, unless one entry alone has more.
    pub bytes: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { entries: MAX_FILE_ENTRIES, bytes: MAX_FILE_BYTES }
    }
}

impl Exporting {
    /// To these stores.
    pub fn new(stores: Arc<dyn ObjectStores>, limits: FileLimits) -> Self {
        Self { stores, limits, under_way: Mutex::default() }
    }
}

impl Exporting {
    /// Whether exports may be written to files of this server.
    pub fn keeps_files(&self) -> bool {
        self.stores.keeps_files()
    }

    /// A file of an export, where it needs no credentials.
    pub async fn read(&self, export: &Export, name: &str) -> Result<StoredObject, StoreFault> {
        let destination = &export.content.destination;
        let addresses = AddressRules::default();
        let opening = Opening { id: &export.id, destination, credentials: None, addresses };
        self.stores.open(&opening)?.read(&destination.key(name)).await
    }
}

impl Default for Exporting {
    /// To nowhere.
    fn default() -> Self {
        Self::new(Arc::new(Nowhere), FileLimits::default())
    }
}

struct Nowhere;

#[async_trait::async_trait]
impl ObjectStores for Nowhere {
    fn keeps_files(&self) -> bool {
        false
    }

    fn open(&self, _opening: &Opening<'_>) -> Result<Arc<dyn Store>, StoreFault> {
        Err(StoreFault::Unusable("there is no store"))
    }

    async fn kept(&self) -> Result<Vec<ExportId>, StoreFault> {
        Ok(Vec::new())
    }

    async fn delete(&self, _id: &ExportId) -> Result<(), StoreFault> {
        Ok(())
    }
}

impl Engine {
    /// What writing exports takes.
    pub fn exporting(&self) -> &Exporting {
        &self.exporting
    }

    /// Asks for an export. `read` is the entry of the read of its credentials, if it needs some.
    pub async fn create_export(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        content: &ExportContent,
        read: Option<&EntryDraft>,
        tell: impl Fn(&Export) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let id = ExportId::from_ulid(ids::ulid(now)?);
        let export = Export::new(id.clone(), content.clone(), now, request.actor.clone());
        let reply = tell(&export)?;
        let stream = self.stream(owner, "export", id.as_str())?;
        let plan = |_: &View| {
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: Revision::NONE.next(),
                actor: request.actor.clone(),
                event: Event::Export(ExportEvent::Created { id: id.clone(), content: Box::new(content.clone()) }),
                value: None,
            };
            let besides = read.map(|read| read.finish(Outcome::Success)).transpose()?;
            let plan = Plan::success(Change::of(now, vec![pending]), request.entry.clone(), reply.clone());
            Ok(Plan { besides: besides.into_iter().collect(), ..plan })
        };
        self.race(request, stream, |_| Revision::NONE, plan).await
    }

    /// Entries written so far, those of a file that this process is writing included.
    pub fn exported_entries(&self, export: &Export) -> u64 {
        let under_way = self.exporting.under_way.lock().get(&export.id).copied().unwrap_or(0);
        export.entries() + if export.status().is_ended() { 0 } else { under_way }
    }
}

/// `export_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::ExportNotFound, "Audit export not found")
}

/// The entry of the read of credentials that goes with an export.
pub fn reading_entry(entry: &EntryDraft, owner: &Owner, path: &SecretPath, version: u32) -> EntryDraft {
    EntryDraft {
        owner: owner.clone(),
        action: Action::Read,
        secret_path: Some(path.shared()),
        secret_version: Some(version),
        resource: None,
        ..entry.clone()
    }
}
