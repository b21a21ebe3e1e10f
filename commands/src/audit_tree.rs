//! The tree over the audit log, for those who ask: checkpoints, proofs, leaves, and a look at the
//! records themselves.
//!
//! Appends nothing. What is answered is about records that were durable when the question came.

mod bundle;
mod keeper;

pub use bundle::{Bundle, BundledRecord, EntryProof};

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::{ErrorCode, Owner, Rejection, Timestamp};
use scaivault_eventstore::log::Backend;
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::merkle::note::VerifierKey;
use scaivault_eventstore::merkle::verification::{ProofError, check_consistency, check_inclusion};
use scaivault_eventstore::merkle::{Hash, leaf_data};
use scaivault_eventstore::tree::{self, Inspection, Notary, Reason, Signed};
use scaivault_eventstore::{Position, RecordedAt, StoreError};
use scaivault_projections::owners::key_owner;

use crate::{Engine, Failure};

/// How long the fold may take to reach the end of the log.
const FOLD_PATIENCE: Duration = Duration::from_secs(10);
/// Times that records without a key are looked at again: each time more of the log may say that it was to go.
const ERASURES: usize = 3;

/// The tree of one installation.
pub struct AuditTree {
    engine: Arc<Engine>,
    store: Arc<dyn Backend>,
    notary: Notary,
    inspection: Inspection,
}

/// A record in the tree, as far as the asker may see it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Position of the record.
    pub position: u64,
    /// Leaf hash as stored.
    pub hash: Hash,
    /// Canonical JSON of the record's columns; `None` for records of others.
    pub data: Option<String>,
}

/// Leaves in order.
#[derive(Clone, Debug)]
pub struct Leaves {
    /// The leaves.
    pub rows: Vec<Leaf>,
    /// The last position asked for, if more follow.
    pub next_after: Option<u64>,
}

/// Proves that a record is in a tree.
#[derive(Clone, Debug)]
pub struct Inclusion {
    /// The record.
    pub leaf: Leaf,
    /// Size of the tree.
    pub tree_size: u64,
    /// Hashes from the leaf upwards.
    pub hashes: Vec<Hash>,
    /// Root of the tree.
    pub root: Hash,
}

/// Proves that one tree begins with another.
#[derive(Clone, Debug)]
pub struct Consistency {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later tree.
    pub to: u64,
    /// Root of the earlier tree.
    pub from_root: Hash,
    /// Root of the later tree.
    pub to_root: Hash,
    /// Hashes in the order of RFC 9162.
    pub hashes: Vec<Hash>,
}

/// What a look at the records came to.
#[derive(Clone, Copy, Debug)]
pub struct Inspected {
    /// The last position looked at.
    pub to: u64,
    /// Size of the tree when it was asked for.
    pub tree_size: u64,
    /// Its root.
    pub root: Hash,
    /// The first position that does not hold, and why.
    pub bad: Option<(u64, &'static str)>,
}

/// Who asks for leaves.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// Sees the records of this owner only.
    Of(&'a Owner),
    /// Sees all.
    Everywhere,
}

impl AuditTree {
    /// Over the log of this engine, which lies in `store`.
    pub fn new(engine: Arc<Engine>, store: Arc<dyn Backend>, notary: Notary) -> Self {
        let inspection = Inspection::new(store.clone(), engine.sealer.clone(), &notary);
        Self { engine, store, notary, inspection }
    }

    /// The key that signs.
    pub fn verifier(&self) -> &VerifierKey {
        self.notary.verifier()
    }

    /// Keys that signed before.
    pub fn previous(&self) -> &[VerifierKey] {
        self.notary.previous()
    }

    /// A checkpoint of everything durable by now.
    pub async fn checkpoint(&self) -> Result<Signed, Failure> {
        let tree = self.current().await?;
        self.noted(self.notary.sign(&tree, self.now()).await)
    }

    /// A proof that the record at `position` is in the tree of `size`, by default the current one.
    pub async fn inclusion(&self, position: u64, size: Option<u64>, asker: Asker<'_>) -> Result<Inclusion, Failure> {
        let current = self.current().await?;
        if position == 0 || position > current.size() {
            return Err(Rejection::new(ErrorCode::NotFound, "The log has no such position").into());
        }
        let size = size.unwrap_or(current.size());
        if !(position..=current.size()).contains(&size) {
            let rule = format!("must be from {position}, the position, to {}, the size of the tree", current.size());
            return Err(Rejection::fields(vec![("query.size".into(), rule)]).into());
        }
        let place = Position(position);
        let missing = || StoreError::damaged(place, "the record is missing");
        let row = self.store.leaves(place, place).await?.pop().ok_or_else(missing)?;
        let leaf = self.leaf(&row, asker);
        let hashes = self.notary.tree().inclusion(place, size).await?.ok_or_else(missing)?;
        let root = self.root_at(&current, size).await?;
        let checked = check_inclusion(position - 1, size, &leaf.hash, &hashes, &root);
        checked.map_err(|error| unproved(place, error))?;
        Ok(Inclusion { leaf, tree_size: size, hashes, root })
    }

    /// A proof that the tree of `to`, by default the current one, begins with that of `from`.
    pub async fn consistency(&self, from: u64, to: Option<u64>) -> Result<Consistency, Failure> {
        let current = self.current().await?;
        let to = to.unwrap_or(current.size());
        let bounds = [("query.from", from, 1, to.min(current.size())), ("query.to", to, 1, current.size())];
        let faults = bounds.into_iter().filter(|(_, value, least, most)| !(*least..=*most).contains(value));
        let faults: Vec<_> = faults
            .map(|(field, _, least, most)| (field.to_owned(), format!("must be an integer from {least} to {most}")))
            .collect();
        if !faults.is_empty() {
            return Err(Rejection::fields(faults).into());
        }
        let place = Position(from);
        let hashes = self.notary.tree().consistency(from, to).await?;
        let hashes = hashes.ok_or_else(|| StoreError::damaged(place, "no proof can be made"))?;
        let (from_root, to_root) = (self.root_at(&current, from).await?, self.root_at(&current, to).await?);
        check_consistency(from, to, &from_root, &to_root, &hashes).map_err(|error| unproved(place, error))?;
        Ok(Consistency { from, to, from_root, to_root, hashes })
    }

    /// Leaves of the `limit` records from position `from` on. Those that are missing are left out, so that
    /// whoever asks sees where.
    pub async fn leaves(&self, from: u64, limit: u64, asker: Asker<'_>) -> Result<Leaves, Failure> {
        let current = self.current().await?;
        let first = from.max(1);
        let last = current.size().min(first.saturating_add(limit).saturating_sub(1));
        if first > last {
            return Ok(Leaves { rows: Vec::new(), next_after: None });
        }
        let rows = self.store.leaves(Position(first), Position(last)).await?;
        let rows = rows.iter().map(|row| self.leaf(row, asker)).collect();
        Ok(Leaves { rows, next_after: (last < current.size()).then_some(last) })
    }

    /// Reads the stored records anew, `limit` of them from position `from` on, and checks everything that
    /// can be said of them. It ends early, to be continued, after `patience`.
    pub async fn inspect(&self, from: u64, limit: u64, patience: Duration) -> Result<Inspected, Failure> {
        let started = Instant::now();
        let current = self.current().await?;
        // Another node may have made keys that records are sealed with.
        self.engine.sealer.keyring().refresh().await?;
        let (size, root) = (current.size(), current.root());
        if from > size {
            return Ok(Inspected { to: size, tree_size: size, root, bad: None });
        }
        let to = Position(from.saturating_add(limit).saturating_sub(1));
        let until = started.checked_add(patience).unwrap_or(started);
        let mut inspected = self.inspect_once(from, to, &current, until).await?;
        for _ in 0..ERASURES {
            if inspected.finding.is_none_or(|finding| finding.reason != Reason::SealBroken) {
                break;
            }
            // The key may have been destroyed, as ordered, after this process last heard of orders.
            self.current().await?;
            inspected = self.inspect_once(from, to, &current, until).await?;
        }
        let bad = inspected.finding.map(|finding| (finding.position.0, finding.reason.as_str()));
        if let Some((position, reason)) = bad {
            self.engine.projections.note_damage(&StoreError::damaged(Position(position), reason));
        }
        Ok(Inspected { to: inspected.to.0, tree_size: size, root, bad })
    }

    async fn inspect_once(
        &self,
        from: u64,
        to: Position,
        current: &Frontier,
        until: Instant,
    ) -> Result<tree::Inspected, StoreError> {
        let erased = Arc::new(self.engine.projections.view().erasures.orders());
        self.inspection.run(Position(from), to, current, erased, until).await
    }

    /// The tree of everything durable by now, as this process has folded it.
    async fn current(&self) -> Result<Frontier, Failure> {
        let head = self.store.head().await?.position;
        self.engine.wait_for_position(head.0, FOLD_PATIENCE).await?;
        Ok(self.engine.projections.view().tree.clone())
    }

    async fn root_at(&self, current: &Frontier, size: u64) -> Result<Hash, StoreError> {
        match size == current.size() {
            true => Ok(current.root()),
            false => self.notary.tree().root_at(size).await,
        }
    }

    fn leaf(&self, row: &scaivault_eventstore::log::LeafRow, asker: Asker<'_>) -> Leaf {
        let is_seen = match asker {
            Asker::Everywhere => true,
            Asker::Of(owner) => {
                let of = row.key_id.and_then(|id| self.engine.sealer.keyring().owner_of(&id));
                of.is_some_and(|of| of == key_owner(owner))
            }
        };
        let data = is_seen.then(|| leaf_data(&row.record));
        Leaf { position: row.record.position.0, hash: row.record.leaf_hash, data }
    }

    fn now(&self) -> RecordedAt {
        RecordedAt(self.engine.now().as_micros())
    }

    /// Damage is told to whoever looks after the node, too.
    fn noted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, Failure> {
        if let Err(error @ StoreError::Damaged { .. }) = &outcome {
            self.engine.projections.note_damage(error);
        }
        Ok(outcome?)
    }
}

/// When a checkpoint was signed.
pub fn signed_at(signed: &Signed) -> Timestamp {
    Timestamp::from_micros(signed.signed_at.0)
}

/// What the database holds is no tree.
fn unproved(place: Position, error: ProofError) -> Failure {
    StoreError::damaged(place, error.to_string()).into()
}
