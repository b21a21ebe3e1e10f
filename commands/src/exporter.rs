//! The process that writes audit exports.
//!
//! Takes no input: it compares the exports that are not finished with what the log has of them. What a run covers is
//! fixed in the log before its first file, and each finished file with the place to go on from, so that being killed at
//! any point loses at most the file under way: it is written anew, with the same content, under the same name. Two
//! processes that write one export cannot both say so, since each step is appended at the revision it was taken at.

mod file;
mod manifest;
mod source;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use parking_lot::Mutex;
use scaivault_domain::audit::Action;
use scaivault_domain::export::{
    CredentialsPlace, EntryPlace, Export, ExportEvent, ExportFault, Extent, MANIFEST, StoreKind,
};
use scaivault_domain::id::ExportId;
use scaivault_domain::secret::read::Selection;
use scaivault_domain::{ErrorCode, Event, IdentityId, Owner};
use scaivault_eventstore::{Position, Revision, StoreError};
use scaivault_projections::ReadError;
use tokio::sync::watch;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::export::credentials::StoreCredentials;
use crate::export::store::{Opening, Store, StoreFault};
use crate::{AuditTree, Engine, Failure, ids};
use source::Source;

/// How late an export may be noticed.
const TICK: Duration = Duration::from_millis(200);
/// Exports written side by side.
const SIDE_BY_SIDE: usize = 4;
/// How often a store that cannot be used for the moment is tried.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Before an export is looked at again when the log or what is read of it fails.
const PAUSE: Duration = Duration::from_secs(2);
/// How long an answered read may wait for its entry where these are deferred.
const DEFERRED: Duration = Duration::from_millis(1_100);
/// How long files stay of which no export is known, in seconds: a node lags by less.
const UNKNOWN_SECONDS: i64 = 3_600;
/// How often it is looked for files whose time has ended.
const DELETING: Duration = Duration::from_secs(10);

/// Why a run stopped before its end.
enum Stopped {
    /// The store: it may be tried again.
    Store(StoreFault),
    /// It comes to nothing.
    Fault(ExportFault),
    /// Another process took a step.
    Overtaken,
    /// The log, or what is read of it.
    Failure(Failure),
}

/// One export in one run.
struct Run<'a> {
    engine: &'a Engine,
    tree: Option<&'a AuditTree>,
    owner: &'a Owner,
    id: &'a ExportId,
    request_id: Arc<str>,
    /// The revision that it goes on from.
    taken: Mutex<Revision>,
}

/// Forgets how far the file under way is, however a run ends.
struct UnderWay<'a>(&'a Engine, &'a ExportId);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.exporting.under_way.lock().remove(self.1);
    }
}

impl Engine {
    /// Writes exports until `stop` says so. Dropped at any point, it leaves nothing that the next one cannot go on with.
    /// Their lists tell a checkpoint of the tree.
    pub async fn export(self: Arc<Self>, tree: Option<Arc<AuditTree>>, stop: watch::Receiver<bool>) {
        let mut stopped = stop.clone();
        let exporting = async {
            let (mut running, mut owners) = (FuturesUnordered::new(), HashMap::<ExportId, Owner>::new());
            loop {
                let view = self.projections.view();
                for (id, owner) in view.exports.unfinished() {
                    // One after the other of each owner, so that nobody keeps others waiting.
                    if running.len() < SIDE_BY_SIDE && owners.values().all(|busy| busy != owner) {
                        owners.insert(id.clone(), owner.clone());
                        running.push(self.export_one(tree.as_deref(), owner.clone(), id.clone()));
                    }
                }
                tokio::select! {
                    Some(id) = running.next(), if !running.is_empty() => { owners.remove(&id); }
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        };
        tokio::select! {
            () = exporting => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }

    /// Deletes files of exports that this server keeps, once their time has ended, until `stop` says so. For every
    /// node: the directory may be its own.
    pub async fn delete_old_exports(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let deleting = async {
            loop {
                if let Err(fault) = self.delete_old_exports_once().await {
                    tracing::warn!(target: "exporter", error = &fault as &dyn std::error::Error, "files of old exports could not be deleted; it is tried again");
                }
                tokio::time::sleep(DELETING).await;
            }
        };
        tokio::select! {
            () = deleting => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Deletes what is due now; returns of how many exports.
    pub async fn delete_old_exports_once(&self) -> Result<usize, StoreFault> {
        let (mut deleted, mut outcome) = (0, Ok(()));
        for id in self.exporting.stores.kept().await? {
            let (view, now) = (self.projections.view(), self.now());
            let kept_until = match view.exports.find(&id) {
                Some(held) => held.export.kept_until(),
                // Of a tenant that is gone, or so new that this node does not know it yet.
                None => id.made_at().filter(|_| self.lag() == 0).map(|made| made.plus_seconds(UNKNOWN_SECONDS)),
            };
            if kept_until.is_some_and(|until| until <= now) {
                match self.exporting.stores.delete(&id).await {
                    Ok(()) => deleted += 1,
                    // One that stays must not keep the others.
                    Err(fault) => outcome = Err(fault),
                }
            }
        }
        outcome.map(|()| deleted)
    }

    /// One export, as far as it goes. Returns its id.
    async fn export_one(&self, tree: Option<&AuditTree>, owner: Owner, id: ExportId) -> ExportId {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let request_id = match ids::request_id(self.now()) {
                Ok(request_id) => request_id.into(),
                Err(failure) => return self.postponed(id, &failure).await,
            };
            let run = Run { engine: self, tree, owner: &owner, id: &id, request_id, taken: Mutex::new(Revision::NONE) };
            let outcome = run.write().await;
            let fault = match outcome {
                Ok(()) | Err(Stopped::Overtaken) => break,
                // Time does not mend damage.
                Err(Stopped::Failure(Failure::Internal(error))) => {
                    tracing::error!(target: "exporter", error = error.as_ref() as &dyn std::error::Error, export = %id, "entries could not be read");
                    let message = "The entries could not be read; the server's log has the reason".into();
                    ExportFault { code: ErrorCode::InternalError.as_str().into(), message }
                }
                Err(Stopped::Failure(failure)) => return self.postponed(id, &failure).await,
                Err(Stopped::Fault(fault)) => fault,
                Err(Stopped::Store(fault)) if fault.is_passing() && attempt < ATTEMPTS => {
                    tracing::warn!(target: "exporter", error = &fault as &dyn std::error::Error, export = %id, "an export could not be written; it is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    continue;
                }
                Err(Stopped::Store(fault)) => ExportFault::from(&fault),
            };
            tracing::warn!(target: "exporter", export = %id, code = %fault.code, reason = %fault.message, "an export failed");
            match run.end(ExportEvent::Failed { id: id.clone(), error: fault }).await {
                Err(Stopped::Failure(failure)) => return self.postponed(id, &failure).await,
                Ok(()) | Err(Stopped::Overtaken | Stopped::Store(_) | Stopped::Fault(_)) => break,
            }
        }
        id
    }

    async fn postponed(&self, id: ExportId, failure: &Failure) -> ExportId {
        {
            let error = failure as &dyn std::error::Error;
            tracing::warn!(target: "exporter", error, export = %id, "an export could not go on; it is tried again");
        }
        tokio::time::sleep(PAUSE).await;
        id
    }
}

impl Run<'_> {
    /// Writes what is missing, and notes that it is complete.
    async fn write(&self) -> Result<(), Stopped> {
        let _under_way = UnderWay(self.engine, self.id);
        let Some((mut export, revision)) = self.current() else { return Err(Stopped::Overtaken) };
        *self.taken.lock() = revision;
        if export.extent.is_none() {
            let extent = self.extent(&export).await?;
            let event = ExportEvent::Started { id: self.id.clone(), extent };
            self.append(event.clone(), None).await?;
            export.apply(event, self.engine.now());
        }
        let Some(extent) = export.extent else { return Err(Stopped::Overtaken) };
        // Entries up to there must be found, however new this process is.
        if !self.engine.audit.wait_for(Position(extent.up_to), PAUSE).await {
            return Err(Failure::unavailable("position_not_applied").into());
        }
        let store = self.open(&export).await?;
        let mut source = Source::new(self.engine, self.owner, &export, &extent);
        while source.peek().await?.is_some() {
            let (file, after) = file::write(self.engine, store.as_ref(), &export, &mut source).await?;
            self.engine.exporting.under_way.lock().remove(self.id);
            let after = EntryPlace { position: after.position.0, index: after.index };
            let event = ExportEvent::Progressed { id: self.id.clone(), file, after };
            self.append(event.clone(), None).await?;
            export.apply(event, self.engine.now());
        }
        let note = self.checkpoint_note().await?;
        manifest::write(store.as_ref(), &export.content.destination.key(MANIFEST), &export.files, note.as_deref())
            .await
            .map_err(Stopped::Store)?;
        self.end(ExportEvent::Completed { id: self.id.clone() }).await
    }

    /// A signed note over everything recorded by now.
    async fn checkpoint_note(&self) -> Result<Option<String>, Failure> {
        match self.tree {
            Some(tree) => tree.checkpoint().await.map(|signed| Some(signed.note)),
            None => Ok(None),
        }
    }

    /// The export as it is now, if there is still something to be done.
    fn current(&self) -> Option<(Export, Revision)> {
        let view = self.engine.projections.view();
        let held = view.exports.of(self.owner, self.id)?;
        (!held.export.status().is_ended()).then(|| (held.export.clone(), held.revision))
    }

    /// What the export covers: all that is recorded by now.
    async fn extent(&self, export: &Export) -> Result<Extent, Stopped> {
        let engine = self.engine;
        if engine.is_deferring() {
            // What was answered before is recorded this much later at most.
            tokio::time::sleep(DEFERRED).await;
        }
        engine.audit_barrier().await?;
        let up_to = engine.audit.applied();
        let retention = engine.projections.view().installation.audit_retention_seconds(self.owner);
        let mut extent = Extent { up_to: up_to.0, not_before: engine.now().plus_seconds(-retention), entries: 0 };
        let owners = source::owners(&engine.projections.view(), self.owner);
        let filter = source::filter(export, &extent);
        extent.entries = engine.audit.count(&owners, &filter, Position(extent.up_to)).await?;
        Ok(extent)
    }

    /// Opens the store with the version of its secret that the caller could read.
    async fn open(&self, export: &Export) -> Result<Arc<dyn Store>, Stopped> {
        let destination = &export.content.destination;
        let credentials = match (&destination.credentials, destination.kind) {
            (Some(place), kind) => Some(self.credentials(&place.owner(), place, kind).await?),
            (None, _) => None,
        };
        let addresses = self.engine.trust.addresses();
        let opening = Opening { id: self.id, destination, credentials: credentials.as_ref(), addresses };
        self.engine.exporting.stores.open(&opening).map_err(Stopped::Store)
    }

    /// Reads the secret that opens the store, which is recorded like any other read.
    async fn credentials(
        &self,
        owner: &Owner,
        place: &CredentialsPlace,
        kind: StoreKind,
    ) -> Result<StoreCredentials, Stopped> {
        let (engine, now) = (self.engine, self.engine.now());
        let entry =
            EntryDraft::without_client(owner.clone(), Action::Read, Some(actor()), self.request_id.clone(), now);
        let entry = EntryDraft { secret_path: Some(place.path.shared()), ..entry };
        let selection = Selection { version: Some(place.version), ..Selection::default() };
        let reading = match engine.reader.read(owner, &place.path, selection, None, now).await {
            Ok(reading) => reading,
            Err(ReadError::Rejected(rejection)) => {
                engine.record(vec![entry.finish(Outcome::Error(rejection.code.as_str()))?]).await?;
                let message = format!("The credentials cannot be read: {}", rejection.message);
                let code = rejection.code.as_str().into();
                return Err(Stopped::Fault(ExportFault { code, message: message.into() }));
            }
            Err(ReadError::Store(error)) => return Err(Stopped::Failure(error.into())),
        };
        let entry = EntryDraft { secret_version: Some(reading.version), ..entry };
        engine.record(vec![entry.finish(Outcome::Success)?]).await?;
        StoreCredentials::parse(kind, &reading.data).map_err(|fault| {
            let message = format!("The secret of the credentials {fault}");
            Stopped::Fault(ExportFault { code: ErrorCode::InvalidConfig.as_str().into(), message: message.into() })
        })
    }

    /// Notes the end, with the audit entry of all the work.
    async fn end(&self, event: ExportEvent) -> Result<(), Stopped> {
        let error = match &event {
            ExportEvent::Failed { error, .. } => Some(error.code.clone()),
            ExportEvent::Created { .. }
            | ExportEvent::Started { .. }
            | ExportEvent::Progressed { .. }
            | ExportEvent::Completed { .. } => None,
        };
        let outcome = error.as_deref().map_or(Outcome::Success, Outcome::Error);
        self.append(event.clone(), Some(outcome)).await
    }

    /// Appends a step at the revision that this run took the export at.
    async fn append(&self, event: ExportEvent, ends: Option<Outcome<'_>>) -> Result<(), Stopped> {
        let engine = self.engine;
        let (view, now) = (engine.projections.view(), engine.now());
        let revision = self.taken.lock().next();
        let pending = Pending {
            owner: self.owner.clone(),
            stream: engine.stream(self.owner, "export", self.id.as_str())?,
            revision,
            actor: actor(),
            event: Event::Export(event),
            value: None,
        };
        let entry = ends.map(|outcome| {
            let request_id = self.request_id.clone();
            let entry = EntryDraft::without_client(self.owner.clone(), Action::Write, Some(actor()), request_id, now);
            EntryDraft { resource: Some(format!("audit/exports/{}", self.id)), ..entry }.finish(outcome)
        });
        let entries = entry.transpose()?.into_iter().collect();
        match engine.append(&self.request_id, Change::of(now, vec![pending]), entries).await {
            Ok(_) => {
                *self.taken.lock() = revision;
                Ok(())
            }
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                // What the other process did is in the log: to begin again before it is seen would be in vain.
                engine.feed.look();
                let seen = engine.catch_up(Instant::now() + PAUSE, |later| later.applied > view.applied);
                let _late = seen.await;
                Err(Stopped::Overtaken)
            }
            Err(failure) => Err(Stopped::Failure(failure)),
        }
    }
}

/// Who writes exports.
fn actor() -> IdentityId {
    IdentityId::system(IdentityId::EXPORTER)
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}
