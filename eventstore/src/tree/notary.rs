//! Signs checkpoints, after making sure that each extends the last one that was kept.
//!
//! What is signed is the tree that this process has folded. It must be the tree in the database, and
//! that of the last kept checkpoint must be its beginning: otherwise nothing is signed, and the error
//! says what does not hold. Several processes may do this at once.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::Tree;
use crate::log::{Backend, KeptCheckpoint};
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::frontier::Frontier;
use crate::merkle::note::{NoteError, Signer, VerifierKey};
use crate::merkle::tile::LEVELS;
use crate::merkle::verification::check_consistency;
use crate::{Position, RecordedAt, StoreError};

/// Tiles that are kept in one transaction.
const TILES_AT_ONCE: u64 = 64;

/// Keeps the tree and signs what it has become.
pub struct Notary {
    store: Arc<dyn Backend>,
    tree: Tree,
    signer: Signer,
    previous: Vec<VerifierKey>,
    /// The largest tree that was confirmed: what it extends need not be looked at again.
    confirmed: Mutex<Option<(u64, Hash)>>,
}

/// A signed checkpoint.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What is said.
    pub checkpoint: Checkpoint,
    /// When it was signed.
    pub signed_at: RecordedAt,
    /// The signed note.
    pub note: String,
}

impl Notary {
    /// Over this database. Keys of earlier signers are good for the checkpoints they signed.
    pub fn new(store: Arc<dyn Backend>, signer: Signer, previous: Vec<VerifierKey>) -> Self {
        Self { tree: Tree::new(store.clone()), store, signer, previous, confirmed: Mutex::default() }
    }

    /// Whose tree it is.
    pub fn origin(&self) -> &str {
        self.signer.verifier().name()
    }

    /// The key that signs.
    pub fn verifier(&self) -> &VerifierKey {
        self.signer.verifier()
    }

    /// Keys that signed before.
    pub fn previous(&self) -> &[VerifierKey] {
        &self.previous
    }

    /// All keys whose checkpoints hold.
    pub fn keys(&self) -> Vec<VerifierKey> {
        std::iter::once(self.verifier()).chain(&self.previous).cloned().collect()
    }

    /// The tree as the database has it.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Signs the tree, which is not empty, without keeping anything.
    pub async fn sign(&self, tree: &Frontier, now: RecordedAt) -> Result<Signed, StoreError> {
        self.confirm(&self.tree, tree).await?;
        Ok(self.signed(tree, now))
    }

    /// Keeps the tiles that the tree has completed, and a checkpoint of it. `None` if one of this size or
    /// a larger one is kept already. Killed anywhere, the next call goes on where this one was.
    pub async fn keep(&self, tree: &Frontier, now: RecordedAt) -> Result<Option<Signed>, StoreError> {
        let size = tree.size();
        let with_edge = self.tree.with_edge(size).await?;
        self.confirm(&with_edge, tree).await?;
        for level in 0..LEVELS {
            loop {
                // What was read a moment ago has just been confirmed.
                let missing = with_edge.missing_tiles(level, size, TILES_AT_ONCE).await?;
                if missing.is_empty() {
                    break;
                }
                self.store.add_tiles(&missing).await?;
            }
        }
        // Another process may have been faster, or be further on.
        let last = self.store.last_checkpoint(u64::MAX).await?;
        if size == 0 || last.is_some_and(|last| last.tree_size >= size) {
            return Ok(None);
        }
        let signed = self.signed(tree, now);
        let kept = KeptCheckpoint { tree_size: size, signed_at: now.0, note: signed.note.clone() };
        self.store.add_checkpoint(&kept).await?;
        Ok(Some(signed))
    }

    /// Makes sure that the database has this tree, and that it extends what was signed before.
    async fn confirm(&self, stored: &Tree, tree: &Frontier) -> Result<(), StoreError> {
        let (size, root) = (tree.size(), tree.root());
        let mut confirmed = self.confirmed.lock().await;
        if confirmed.is_some_and(|confirmed| confirmed == (size, root)) {
            return Ok(());
        }
        if stored.root_at(size).await? != root {
            return Err(StoreError::damaged(
                Position(size),
                "the tree in the database is not that of the records read",
            ));
        }
        if let Some(kept) = self.store.last_checkpoint(size).await? {
            self.confirm_extension(stored, &kept, size, &root).await?;
        }
        if let Some(kept) = self.store.last_checkpoint(u64::MAX).await?.filter(|kept| kept.tree_size > size) {
            self.confirm_end(&kept).await?;
        }
        if confirmed.is_none_or(|(earlier, _)| earlier < size) {
            *confirmed = Some((size, root));
        }
        Ok(())
    }

    async fn confirm_extension(
        &self,
        stored: &Tree,
        kept: &KeptCheckpoint,
        size: u64,
        root: &Hash,
    ) -> Result<(), StoreError> {
        let earlier = self.open(kept)?;
        let proof = stored.consistency(earlier.tree_size, size).await?.unwrap_or_default();
        check_consistency(earlier.tree_size, size, &earlier.root, root, &proof)
            .map_err(|error| spoilt(kept, format!("the tree does not extend it: {error}")))
    }

    /// A checkpoint of more records than this process has folded: another has signed it, which has
    /// confirmed it, and the log must have them.
    async fn confirm_end(&self, kept: &KeptCheckpoint) -> Result<(), StoreError> {
        let later = self.open(kept)?;
        let end = self.store.head().await?.position;
        match later.tree_size <= end.0 {
            true => Ok(()),
            false => Err(StoreError::damaged(end.next(), "records that a kept checkpoint covers are missing")),
        }
    }

    fn open(&self, kept: &KeptCheckpoint) -> Result<Checkpoint, StoreError> {
        open_kept(kept, &self.keys()).map_err(|error| spoilt(kept, error.to_string()))
    }

    fn signed(&self, tree: &Frontier, now: RecordedAt) -> Signed {
        let checkpoint = Checkpoint { origin: self.origin().to_owned(), tree_size: tree.size(), root: tree.root() };
        Signed { note: checkpoint.sign(&self.signer), checkpoint, signed_at: now }
    }
}

/// Opens a kept checkpoint, which must be of the size that it is kept as.
pub(super) fn open_kept(kept: &KeptCheckpoint, keys: &[VerifierKey]) -> Result<Checkpoint, NoteError> {
    let checkpoint = Checkpoint::open(&kept.note, keys)?;
    match checkpoint.tree_size == kept.tree_size {
        true => Ok(checkpoint),
        false => Err(NoteError::Forged),
    }
}

fn spoilt(kept: &KeptCheckpoint, reason: String) -> StoreError {
    StoreError::damaged(Position(kept.tree_size), format!("the checkpoint kept here does not hold: {reason}"))
}
