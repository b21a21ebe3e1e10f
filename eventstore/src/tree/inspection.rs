//! Reads the stored records anew and holds them against everything that says what they were: their own
//! digests and seals, the kept tiles and checkpoints, and the tree that this process has folded.
//!
//! Page by page, so in bounded memory; it may stop after any page and be continued.

mod page;

use std::sync::Arc;
use std::time::Instant;

use page::{Page, Progress};

use super::{Notary, Tree};
use crate::log::Backend;
use crate::merkle::Hash;
use crate::merkle::frontier::Frontier;
use crate::merkle::note::VerifierKey;
use crate::merkle::tile::{HEIGHT, LEVELS, TileId, WIDTH};
use crate::sealing::{Erased, Flaw, Sealer};
use crate::{Position, StoreError};

/// Records looked at together: some tiles, so that pages and tiles begin together.
const PAGE: u64 = 4 * WIDTH;

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A record is missing, or one is there that nobody has appended.
    Hole,
    /// The body does not fit its digest.
    BodyMismatch,
    /// The body does not open at its place.
    SealBroken,
    /// The audit entries do not fit their root.
    EntryMismatch,
    /// The columns do not fit the leaf hash.
    LeafMismatch,
    /// The records are not those of the tree.
    RootMismatch,
    /// Records that a kept checkpoint covers are missing at the end.
    Truncated,
    /// A kept checkpoint has no sound signature, or the tree does not extend it.
    CheckpointInvalid,
}

/// The first thing that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub position: Position,
    /// What.
    pub reason: Reason,
}

/// How far a look has come, and what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The last position looked at; that asked for if something does not hold.
    pub to: Position,
    /// The first thing that does not hold.
    pub finding: Option<Finding>,
}

/// Looks at stored records.
pub struct Inspection {
    store: Arc<dyn Backend>,
    sealer: Sealer,
    tree: Tree,
    keys: Arc<[VerifierKey]>,
}

impl Reason {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::BodyMismatch => "body_mismatch",
            Self::SealBroken => "seal_broken",
            Self::EntryMismatch => "entry_mismatch",
            Self::LeafMismatch => "leaf_mismatch",
            Self::RootMismatch => "root_mismatch",
            Self::Truncated => "truncated",
            Self::CheckpointInvalid => "checkpoint_invalid",
        }
    }
}

impl From<Flaw> for Reason {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Body => Self::BodyMismatch,
            Flaw::Seal => Self::SealBroken,
            Flaw::Entries => Self::EntryMismatch,
            Flaw::Leaf => Self::LeafMismatch,
        }
    }
}

impl Inspection {
    /// Of the log that this notary signs.
    pub fn new(store: Arc<dyn Backend>, sealer: Sealer, notary: &Notary) -> Self {
        let tree = Tree::new(store.clone());
        Self { store, sealer, tree, keys: notary.keys().into() }
    }

    /// Looks at the records from `from` up to `to`, which `known` covers: the tree as this process has
    /// folded it; audit entries may be gone where `erased` says so. Stops early, after some page, once it is
    /// `until`.
    pub async fn run(
        &self,
        from: Position,
        to: Position,
        known: &Frontier,
        erased: Arc<Erased>,
        until: Instant,
    ) -> Result<Inspected, StoreError> {
        let before = from.0.saturating_sub(1);
        let mut after = before;
        let end = to.0.min(known.size());
        let earlier = match self.tree.frontier_at(before).await {
            Ok(earlier) => earlier,
            Err(StoreError::Damaged { position, .. }) => {
                let finding = Finding { position, reason: self.reason_at(position).await? };
                return Ok(Inspected { to: Position(end), finding: Some(finding) });
            }
            Err(error) => return Err(error),
        };
        let mut progress = Progress::new(earlier);
        while after < end && progress.finding.is_none() {
            let count = (PAGE - after % PAGE).min(end - after);
            let (page, missing) = self.page(after, count).await?;
            let last = page.last();
            let (sealer, keys, erased) = (self.sealer.clone(), self.keys.clone(), erased.clone());
            let examined = tokio::task::spawn_blocking(move || progress.take(&page, &sealer, &keys, &erased)).await;
            progress = examined.map_err(StoreError::unavailable)?;
            if progress.finding.is_none() {
                progress.finding = self.tiles_between(after, last).await?.or(missing);
            }
            after = last;
            if Instant::now() >= until {
                break;
            }
        }
        if after == known.size() && progress.finding.is_none() {
            progress.end(known);
            if progress.finding.is_none() {
                progress.finding = self.end(known.size()).await?;
            }
        }
        let finding = progress.first();
        // Once something does not hold, there is nothing to go on with.
        Ok(Inspected { to: Position(if finding.is_some() { end } else { after }), finding })
    }

    /// So many records, or those before the first that cannot be read, and what is the matter with that.
    async fn page(&self, after: u64, count: u64) -> Result<(Page, Option<Finding>), StoreError> {
        let mut missing = None;
        let mut limit = usize::try_from(count).unwrap_or(usize::MAX);
        let records = loop {
            if limit == 0 {
                break Vec::new();
            }
            match self.store.read(Position(after), limit).await {
                // The head says that the log ends here.
                Ok(records) if records.is_empty() => {
                    let place = Position(after + 1);
                    missing = Some(Finding { position: place, reason: self.reason_at(place).await? });
                    break records;
                }
                Ok(records) => break records,
                Err(StoreError::Damaged { position, .. }) => {
                    // Of a database that cannot say where, every record is suspect.
                    let place = position.max(Position(after + 1)).min(Position(after + limit as u64));
                    missing = Some(Finding { position: place, reason: self.reason_at(place).await? });
                    limit = usize::try_from(place.0 - after - 1).unwrap_or_default();
                }
                Err(error) => return Err(error),
            }
        };
        let last = after + records.len() as u64;
        let mut tiles = Vec::new();
        for number in (after / WIDTH)..last.div_ceil(WIDTH) {
            tiles.extend(readable(self.store.tile(TileId { level: 0, number }).await)?);
        }
        let checkpoints = match last - after {
            0 => Vec::new(),
            many => self.store.checkpoints(after, usize::try_from(many).unwrap_or(usize::MAX)).await?,
        };
        Ok((Page { after, records, tiles, checkpoints }, missing))
    }

    /// Why the record at `position` cannot be read.
    async fn reason_at(&self, position: Position) -> Result<Reason, StoreError> {
        match self.store.leaves(position, position).await {
            Ok(rows) if rows.is_empty() => {}
            // It is there, with columns that nothing can be made of.
            Ok(_) | Err(StoreError::Damaged { .. }) => return Ok(Reason::LeafMismatch),
            Err(error) => return Err(error),
        }
        if self.store.last_record().await? > position {
            return Ok(Reason::Hole);
        }
        let is_covered = self.covered().await? >= position.0;
        Ok(if is_covered { Reason::Truncated } else { Reason::Hole })
    }

    /// How many records the largest sound checkpoint covers.
    async fn covered(&self) -> Result<u64, StoreError> {
        let last = self.store.last_checkpoint(u64::MAX).await?;
        let sound = last.filter(|kept| super::notary::open_kept(kept, &self.keys).is_ok());
        Ok(sound.map_or(0, |kept| kept.tree_size))
    }

    /// What lies beyond the tree: records that nobody appended, checkpoints of records that are missing.
    async fn end(&self, size: u64) -> Result<Option<Finding>, StoreError> {
        // In this order: what is appended meanwhile moves both.
        let last = self.store.last_record().await?;
        let head = self.store.head().await?.position;
        if last > head {
            return Ok(Some(Finding { position: head.next(), reason: Reason::Hole }));
        }
        let Some(kept) = self.store.last_checkpoint(u64::MAX).await?.filter(|kept| kept.tree_size > size) else {
            return Ok(None);
        };
        let head = self.store.head().await?.position.0.max(size);
        Ok(match super::notary::open_kept(&kept, &self.keys) {
            Err(_) => Some(Finding { position: Position(kept.tree_size), reason: Reason::CheckpointInvalid }),
            Ok(checkpoint) if checkpoint.tree_size > head => {
                Some(Finding { position: Position(head + 1), reason: Reason::Truncated })
            }
            Ok(_) => None,
        })
    }

    /// Holds the tiles that end in `(after, last]` against the level below them, which has been looked at.
    async fn tiles_between(&self, after: u64, last: u64) -> Result<Option<Finding>, StoreError> {
        for level in 0..LEVELS {
            let (first, end) = (TileId::complete(level, after), TileId::complete(level, last));
            if first >= end {
                break;
            }
            for (number, root) in self.store.tile_roots(level, first, end - first).await? {
                if let Some(offset) = self.misfit(TileId { level, number }, &root).await? {
                    // The first record below the hash that does not fit.
                    let index = (number * WIDTH + offset) << (HEIGHT * level);
                    return Ok(Some(Finding { position: Position(index).next(), reason: Reason::RootMismatch }));
                }
            }
        }
        Ok(None)
    }

    /// Which hash of a tile is not the root of the tile below it; the first if its own root is not its own.
    async fn misfit(&self, id: TileId, root: &Hash) -> Result<Option<u64>, StoreError> {
        let Some(tile) = readable(self.store.tile(id).await)? else { return Ok(Some(0)) };
        let below = match id.level.checked_sub(1) {
            Some(below) => self.store.tile_roots(below, id.number * WIDTH, WIDTH).await?,
            // These are leaves, which were looked at with their records.
            None => Vec::new(),
        };
        for (number, hash) in below {
            let offset = number % WIDTH;
            if usize::try_from(offset).ok().and_then(|offset| tile.hashes.get(offset)) != Some(&hash) {
                return Ok(Some(offset));
            }
        }
        Ok((tile.root() != *root).then_some(0))
    }
}

/// A tile that nothing can be made of is as good as none.
fn readable<T>(tile: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match tile {
        Err(StoreError::Damaged { .. }) => Ok(None),
        other => other,
    }
}
