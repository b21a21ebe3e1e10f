//! The file: its beginning, its sections, its name, and what becomes of old ones.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use scaivault_domain::Owner;
use scaivault_eventstore::Position;
use scaivault_eventstore::sealing::Sealer;

use super::{KEPT, MAGIC, SCHEMA, SnapshotError};
use crate::View;
use crate::owners::key_owner;

const SUFFIX: &str = ".snapshot";
const DRAFT: &str = ".draft";
/// Length of the beginning: magic, schema in hexadecimal digits, position, leaf.
const HEAD: usize = MAGIC.len() + SCHEMA.len() + 8 + 32;
/// No section is longer; a longer one is damage.
const MAX_SECTION: u32 = 256 * 1024 * 1024;
/// Fast, and already several times smaller: rows are much alike.
const COMPRESSION_LEVEL: i32 = 1;

/// A file that may be read.
#[derive(Clone, Debug)]
pub struct Candidate {
    path: PathBuf,
    /// As of which position.
    pub position: Position,
    /// Leaf hash of the log's record there.
    pub leaf: [u8; 32],
}

/// Writes a file beside the others, where nobody looks until it is whole.
pub(super) struct Writer<'a> {
    sealer: &'a Sealer,
    directory: &'a Path,
    draft: PathBuf,
    target: PathBuf,
    file: BufWriter<File>,
    head: Vec<u8>,
    sections: u64,
}

/// Reads the sections of a file, still sealed.
pub(super) struct Reader {
    file: BufReader<File>,
    head: Vec<u8>,
    next: u64,
    left: u64,
}

/// A section as it lies in the file.
pub(super) struct Sealed {
    label: Vec<u8>,
    bytes: Vec<u8>,
    /// Whether nothing follows it.
    pub(super) is_last: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn create(directory: &'a Path, sealer: &'a Sealer, view: &View) -> Result<Self, SnapshotError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let position = view.applied;
        let target = directory.join(format!("{SCHEMA}-{:020}{SUFFIX}", position.0));
        let draft = target.with_extension(DRAFT.trim_start_matches('.'));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        let mut file = BufWriter::with_capacity(1024 * 1024, file);
        let head = [MAGIC.as_slice(), SCHEMA.as_bytes(), &position.0.to_be_bytes(), &view.leaf].concat();
        file.write_all(&head)?;
        Ok(Self { sealer, directory, draft, target, file, head, sections: 0 })
    }

    /// Adds a section.
    pub(super) fn section(&mut self, owner: &Owner, rows: &[u8]) -> Result<(), SnapshotError> {
        let packed = zstd::bulk::compress(rows, COMPRESSION_LEVEL)?;
        let sealed = self.sealer.seal_aside(&key_owner(owner), &label(&self.head, self.sections), &packed)?;
        let length = u32::try_from(sealed.len()).map_err(|_| SnapshotError::Damaged("a section is too long"))?;
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(&sealed)?;
        self.sections += 1;
        Ok(())
    }

    /// Adds the end, and puts the file in its place.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let sections = self.sections;
        self.section(&Owner::Platform, &[&[END], sections.to_be_bytes().as_slice()].concat())?;
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.draft, &self.target)?;
        File::open(self.directory)?.sync_all()?;
        Ok(())
    }
}

/// First byte of the last section: no kind of rows.
const END: u8 = 0x7f;

impl Reader {
    pub(super) fn open(candidate: &Candidate) -> Result<Self, SnapshotError> {
        let file = File::open(&candidate.path)?;
        let length = file.metadata()?.len();
        let mut file = BufReader::with_capacity(1024 * 1024, file);
        let mut head = vec![0; HEAD];
        file.read_exact(&mut head)?;
        Ok(Self { file, head, next: 0, left: length.saturating_sub(HEAD as u64) })
    }

    /// The next section; `None` after the last byte.
    pub(super) fn section(&mut self) -> Result<Option<Sealed>, SnapshotError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        let taken = u64::from(length) + 4;
        if length > MAX_SECTION || taken > self.left {
            return Err(SnapshotError::Damaged("a section is cut off"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact(&mut bytes)?;
        let label = label(&self.head, self.next);
        self.next += 1;
        self.left -= taken;
        Ok(Some(Sealed { label, bytes, is_last: self.left == 0 }))
    }
}

impl Sealed {
    /// Whose it is, and its rows.
    pub(super) fn open(&self, sealer: &Sealer) -> Result<(scaivault_eventstore::Owner, Vec<u8>), SnapshotError> {
        let (owner, packed) = sealer.open_aside(&self.label, &self.bytes)?;
        let size = zstd::zstd_safe::get_frame_content_size(&packed).ok().flatten();
        let size = size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size <= MAX_SECTION);
        let size = size.ok_or(SnapshotError::Damaged("a section has no length"))?;
        Ok((owner, zstd::bulk::decompress(&packed, usize::try_from(size).unwrap_or_default())?))
    }

    /// Whether these rows are the end of a file with so many sections before it.
    pub(super) fn is_end(rows: &[u8], sections: u64) -> bool {
        rows.split_first() == Some((&END, sections.to_be_bytes().as_slice()))
    }
}

/// The files of this schema in a directory, newest first.
pub(super) fn candidates(directory: &Path) -> Vec<Candidate> {
    // No directory yet, or none that can be read: there is nothing to go by.
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<Candidate> = entries.flatten().filter_map(|entry| candidate(&entry.path())).collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.position));
    found
}

fn candidate(path: &Path) -> Option<Candidate> {
    if !path.to_str()?.ends_with(SUFFIX) {
        return None;
    }
    let mut head = vec![0; HEAD];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let rest = head.strip_prefix(MAGIC.as_slice())?.strip_prefix(SCHEMA.as_bytes())?;
    let (position, leaf) = rest.split_first_chunk::<8>()?;
    let position = Position(u64::from_be_bytes(*position));
    Some(Candidate { path: path.to_owned(), position, leaf: leaf.try_into().ok()? })
}

/// Removes all but the one just written at `newest` and those before it: older ones, those of other
/// schemas, drafts, and those further on, which are of a log that was since restored to an earlier state.
pub(super) fn prune(directory: &Path, newest: Position) {
    let of_this_log = candidates(directory).into_iter().filter(|candidate| candidate.position <= newest);
    let kept: Vec<PathBuf> = of_this_log.take(KEPT).map(|candidate| candidate.path).collect();
    remove_all_but(directory, &kept);
}

/// Removes all of them.
pub(super) fn clear(directory: &Path) {
    remove_all_but(directory, &[]);
}

fn remove_all_but(directory: &Path, kept: &[PathBuf]) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let ours = path.to_str().is_some_and(|path| path.ends_with(SUFFIX) || path.ends_with(DRAFT));
        if ours && !kept.contains(&path) {
            // One that stays is in nobody's way.
            let _ = fs::remove_file(path);
        }
    }
}

/// What a section is bound to: the file, and its place there.
fn label(head: &[u8], index: u64) -> Vec<u8> {
    [b"snapshot".as_slice(), head, &index.to_be_bytes()].concat()
}
