//! One page of records and what is kept about them, looked at without waiting for anything.

use super::super::notary::open_kept;
use super::{Finding, Reason};
use crate::Position;
use crate::log::KeptCheckpoint;
use crate::merkle::Hash;
use crate::merkle::frontier::Frontier;
use crate::merkle::note::VerifierKey;
use crate::merkle::tile::{Tile, WIDTH};
use crate::record::Record;
use crate::sealing::{Erased, Sealer};

/// Records that follow each other, and the tiles and checkpoints that speak of them.
pub(super) struct Page {
    pub(super) after: u64,
    pub(super) records: Vec<Record>,
    pub(super) tiles: Vec<Tile>,
    pub(super) checkpoints: Vec<KeptCheckpoint>,
}

/// The tree of the records looked at so far, and what was found.
pub(super) struct Progress {
    tree: Frontier,
    /// The last size at which a checkpoint confirmed it.
    confirmed: u64,
    /// Where the tree and a checkpoint part: between what was confirmed and the checkpoint.
    parted: Option<Position>,
    pub(super) finding: Option<Finding>,
}

impl Page {
    /// The last position on it.
    pub(super) fn last(&self) -> u64 {
        self.after + self.records.len() as u64
    }

    /// The leaf that a tile has at this index.
    fn kept_leaf(&self, index: u64) -> Option<&Hash> {
        let tile = self.tiles.iter().find(|tile| tile.id.number == index / WIDTH)?;
        tile.hashes.get(usize::try_from(index % WIDTH).ok()?)
    }
}

impl Progress {
    /// Beginning with the tree of what was looked at before.
    pub(super) fn new(tree: Frontier) -> Self {
        Self { confirmed: tree.size(), tree, parted: None, finding: None }
    }

    /// Looks at a page, up to the first thing that does not hold.
    pub(super) fn take(mut self, page: &Page, sealer: &Sealer, keys: &[VerifierKey], erased: &Erased) -> Self {
        let mut checkpoints = page.checkpoints.iter().peekable();
        for record in &page.records {
            let at = |reason: Reason| Some(Finding { position: record.position, reason });
            if let Err(flaw) = sealer.examine(record, erased) {
                self.finding = at(flaw.into());
                return self;
            }
            if page.kept_leaf(self.tree.size()).is_some_and(|kept| *kept != record.leaf_hash) {
                self.finding = at(Reason::RootMismatch);
                return self;
            }
            self.tree.push(record.leaf_hash);
            if let Some(kept) = checkpoints.next_if(|kept| kept.tree_size == record.position.0) {
                match open_kept(kept, keys) {
                    Err(_) => {
                        self.finding = at(Reason::CheckpointInvalid);
                        return self;
                    }
                    Ok(checkpoint) if checkpoint.root == self.tree.root() => self.confirmed = checkpoint.tree_size,
                    // Which of both is false, the end of the tree may tell.
                    Ok(_) => _ = self.parted.get_or_insert(Position(self.confirmed + 1)),
                }
            }
        }
        self
    }

    /// Holds the whole tree against that of the records as they were folded.
    pub(super) fn end(&mut self, known: &Frontier) {
        if self.tree.root() != known.root() {
            let position = self.parted.take().unwrap_or(Position(self.confirmed + 1));
            self.finding = Some(Finding { position, reason: Reason::RootMismatch });
        }
    }

    /// The first thing that does not hold.
    pub(super) fn first(&self) -> Option<Finding> {
        let parted = self.parted.map(|position| Finding { position, reason: Reason::CheckpointInvalid });
        // Where both are, the checkpoint lies before.
        parted.or(self.finding)
    }
}
