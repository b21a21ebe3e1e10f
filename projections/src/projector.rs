//! The one task that folds the log, and the handle through which the rest reads the result.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::{Event, Owner};
use scaivault_eventstore::log::{Batch, EntryGroup, FeedReader};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, Record, StoreError};
use tokio::sync::watch;

use crate::accesses::Accesses;
use crate::decode::{AccessEntry, Decoded, decode};
use crate::owners::domain_owner;
use crate::view::View;

/// Between attempts to read keys from a database that is away.
const REFRESH_PAUSE: Duration = Duration::from_secs(1);

/// How the fold is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectorState {
    /// Folding.
    Running,
    /// Stopped at something that must not be guessed around; the text says where and what.
    Stopped(String),
}

/// The read models.
pub struct Projections {
    view: ArcSwap<View>,
    accesses: RwLock<Accesses>,
    applied: watch::Sender<Position>,
    state: watch::Sender<ProjectorState>,
}

impl Default for Projections {
    fn default() -> Self {
        Self {
            view: ArcSwap::default(),
            accesses: RwLock::default(),
            applied: watch::Sender::new(Position::START),
            state: watch::Sender::new(ProjectorState::Running),
        }
    }
}

impl Projections {
    /// Everything as of one position.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Reads the access counters.
    pub fn accesses<T>(&self, read: impl FnOnce(&Accesses) -> T) -> T {
        read(&self.accesses.read())
    }

    /// The last position folded.
    pub fn applied(&self) -> Position {
        *self.applied.borrow()
    }

    /// How the fold is doing.
    pub fn state(&self) -> ProjectorState {
        self.state.borrow().clone()
    }

    /// Waits until `position` is folded. `false` after `patience`, or when the fold has stopped.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> bool {
        if *self.applied.borrow() >= position {
            return true;
        }
        let mut applied = self.applied.subscribe();
        let mut state = self.state.subscribe();
        let reached = async { applied.wait_for(|applied| *applied >= position).await.is_ok() };
        let stopped = async { state.wait_for(|state| *state != ProjectorState::Running).await.is_ok() };
        tokio::select! {
            reached = reached => reached,
            _ = stopped => false,
            () = tokio::time::sleep(patience) => false,
        }
    }

    /// Wakes whenever something was folded.
    pub fn changes(&self) -> watch::Receiver<Position> {
        self.applied.subscribe()
    }

    /// Folds what `reader` gives until it fails. Run by one task.
    pub async fn run(self: Arc<Self>, mut reader: FeedReader, sealer: Sealer) -> StoreError {
        let mut fold = Fold { view: View::clone(&self.view()), sealer };
        let error = loop {
            let batch = match reader.next().await {
                Ok(batch) => batch,
                Err(error) => break error,
            };
            if let Err(error) = self.apply(&mut fold, &batch).await {
                break error;
            }
            metrics::histogram!("scaivault_bus_latency_seconds").record(batch.age());
        };
        tracing::error!(target: "projections", error = %error, "the fold has stopped");
        self.state.send_replace(ProjectorState::Stopped(error.to_string()));
        error
    }

    async fn apply(&self, fold: &mut Fold, batch: &Batch) -> Result<(), StoreError> {
        let folded = self.fold_all(fold, batch).await;
        // What came before a record that does not hold is sound, and is shown.
        self.view.store(Arc::new(fold.view.clone()));
        self.applied.send_replace(fold.view.applied);
        folded
    }

    async fn fold_all(&self, fold: &mut Fold, batch: &Batch) -> Result<(), StoreError> {
        for (index, record) in batch.iter().enumerate() {
            if let Some(group) = batch.entries(index) {
                fold.fold_entries(record, group, &self.accesses)?;
                continue;
            }
            match fold.fold(record, &self.accesses) {
                // A key made by another process since: open it and try once more.
                Err(StoreError::Damaged { .. }) if fold.is_next(record) => {
                    refreshed(&fold.sealer).await?;
                    fold.fold(record, &self.accesses)?;
                }
                other => other?,
            }
        }
        Ok(())
    }
}

/// Opens keys added since. A database that is away for a while must not stop the fold.
async fn refreshed(sealer: &Sealer) -> Result<(), StoreError> {
    loop {
        match sealer.keyring().refresh().await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(REFRESH_PAUSE).await,
            other => return other,
        }
    }
}

struct Fold {
    view: View,
    sealer: Sealer,
}

impl Fold {
    fn is_next(&self, record: &Record) -> bool {
        record.position == self.view.applied.next()
    }

    fn expect(&self, record: &Record) -> Result<(), StoreError> {
        if self.is_next(record) {
            return Ok(());
        }
        let reason = format!("it came after position {}", self.view.applied);
        Err(StoreError::damaged(record.position, reason))
    }

    /// Applies a record of entries that this process has just made, and need not open.
    fn fold_entries(
        &mut self,
        record: &Record,
        group: &EntryGroup,
        accesses: &RwLock<Accesses>,
    ) -> Result<(), StoreError> {
        self.expect(record)?;
        let shape = || StoreError::damaged(record.position, "its owner's id has another shape");
        let owner = domain_owner(&group.owner).ok_or_else(shape)?;
        self.count(record, &owner, group.entries.iter().map(|entry| entry.json.as_ref()), accesses)
    }

    /// Applies the record that follows, and no other.
    fn fold(&mut self, record: &Record, accesses: &RwLock<Accesses>) -> Result<(), StoreError> {
        self.expect(record)?;
        match decode(&self.sealer, record)? {
            Decoded::Event { owner, recorded, value } => {
                forget_accesses(accesses, &owner, &recorded.body.event);
                self.view.fold(&owner, *recorded, record.revision, value);
            }
            Decoded::Access { owner, block } => {
                self.count(record, &owner, block.entries().map(|(json, _)| json), accesses)?;
            }
        }
        Ok(())
    }

    /// Counts the entries of a record, as a whole or not at all.
    fn count<'e>(
        &mut self,
        record: &Record,
        owner: &Owner,
        entries: impl Iterator<Item = &'e str>,
        accesses: &RwLock<Accesses>,
    ) -> Result<(), StoreError> {
        let malformed = |error| StoreError::damaged(record.position, format!("an entry is malformed: {error}"));
        let entries: Vec<AccessEntry<'_>> =
            entries.map(|json| serde_json::from_str(json).map_err(malformed)).collect::<Result<_, _>>()?;
        let secrets = self.view.secrets(owner);
        let mut accesses = accesses.write();
        for entry in &entries {
            // A read that shares its commit with a hard delete belongs to no later life of the path.
            let there = entry.secret_path.as_deref().is_none_or(|path| secrets.held(path).is_some());
            accesses.fold(owner, entry, there);
        }
        self.view.applied = record.position;
        Ok(())
    }
}

fn forget_accesses(accesses: &RwLock<Accesses>, owner: &Owner, event: &Event) {
    if let Event::Secret(path, SecretEvent::Destroyed { .. }) = event {
        accesses.write().forget(owner, path.as_str());
    }
}
