//! Snapshots: the read models at a position, in a file, so that a start need not fold all of the log.
//!
//! A file begins with a line that names its form, the schema (a digest of the sources of the fold),
//! the position, and the leaf hash of the record there. Sections follow, each with its length in
//! front: rows of one owner, compressed, sealed under that owner's key, bound to the beginning of
//! the file and to their place in it. The last one is the platform's and says how many there are.
//!
//! There are no values in it and no data keys: what is destroyed in the log must not live on here.
//! A file is a copy of what the log says better: whatever is wrong with it, the log is folded.

mod exports;
mod file;
mod identities;
mod installation;
mod issuers;
mod parts;
mod policies;
mod reads;
mod recipients;
mod replays;
mod rotations;
mod secret_policies;
mod secrets;
mod section;

use std::path::PathBuf;

use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, StoreError};

pub use file::Candidate;

use crate::projector::Frozen;

/// Names the form of the file.
const MAGIC: &[u8; 22] = b"scaivault snapshot v1\n";
/// Names what is folded and how: see `build.rs`.
const SCHEMA: &str = env!("SCAIVAULT_FOLD_SCHEMA");
/// Snapshots kept: one more than is used, should that be damaged.
const KEPT: usize = 2;

/// Why a snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file cannot be written or read.
    #[error("the snapshot file cannot be used")]
    File(#[from] std::io::Error),
    /// It cannot be sealed or opened.
    #[error("the snapshot cannot be sealed or opened")]
    Seal(#[from] StoreError),
    /// It is not what was written.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
}

/// The snapshots in one directory.
#[derive(Clone)]
pub struct Snapshots {
    directory: PathBuf,
    sealer: Sealer,
}

impl Snapshots {
    /// In this directory, which is made when the first one is written.
    pub fn new(directory: PathBuf, sealer: Sealer) -> Self {
        Self { directory, sealer }
    }

    /// Those of this schema, newest first. Whether one is of this log, the caller finds out.
    pub fn candidates(&self) -> Vec<Candidate> {
        file::candidates(&self.directory)
    }

    /// Writes one, and removes what it replaces. Blocks for about a second per million secrets; the
    /// fold goes on meanwhile. A crash leaves the earlier ones.
    pub fn write(&self, frozen: &Frozen) -> Result<Position, SnapshotError> {
        let mut file = file::Writer::create(&self.directory, &self.sealer, &frozen.view)?;
        parts::write(frozen, |owner, rows| file.section(owner, rows))?;
        file.finish()?;
        file::prune(&self.directory, frozen.view.applied);
        Ok(frozen.view.applied)
    }

    /// Removes all of them: they hold what is not to be there any more.
    pub fn clear(&self) {
        file::clear(&self.directory);
    }

    /// Reads one, on all processors.
    pub fn read(&self, candidate: &Candidate) -> Result<Frozen, SnapshotError> {
        let sections = file::Reader::open(candidate)?;
        let mut frozen = parts::read(sections, &self.sealer)?;
        frozen.view.applied = candidate.position;
        frozen.view.leaf = candidate.leaf;
        if frozen.view.tree.size() != candidate.position.0 {
            return Err(SnapshotError::Damaged("its tree is of another size"));
        }
        Ok(frozen)
    }
}
