//! Coalesced audit entries: all that wait when a commit starts become one record per owner.
//!
//! The erasable part is `seed (32) ‖ zstd(lines)`, a line being `entry [TAB detail]`. An entry is
//! RFC 8785 canonical JSON, which holds no raw control characters. The salt of entry *i* is the
//! first half of HMAC-SHA256(seed, i): sixteen random bytes each, without storing them each.

use std::cell::RefCell;
use std::collections::HashMap;

use aws_lc_rs::hmac;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::sealer::{Draft, Sealer};
use super::secret_key::random_bytes;
use crate::log::{Compose, Entry, EntryGroup};
use crate::record::{NewRecord, hex};
use crate::{Owner, RecordedAt, Revision, StoreError, StreamId, merkle};

/// Stored type of a coalesced record.
pub const ACCESS_RECORDED: &str = "access.recorded";
/// Schema version of a coalesced record.
pub const ACCESS_SCHEMA_VERSION: u16 = 1;
const SEED: usize = 32;
/// Fast, and already several times smaller: entries are much alike.
const COMPRESSION_LEVEL: i32 = 1;
/// No commit makes a larger block; a larger one is damage.
const MAX_BLOCK: usize = 256 * 1024 * 1024;

/// Makes coalesced records in streams that belong to this process alone.
pub struct AccessComposer {
    sealer: Sealer,
    run: String,
    streams: Mutex<HashMap<Owner, (StreamId, Revision)>>,
    /// Making one anew for each record costs more than compressing.
    compressor: Mutex<zstd::bulk::Compressor<'static>>,
}

impl AccessComposer {
    /// A composer with streams of its own.
    pub fn new(sealer: Sealer) -> Result<Self, StoreError> {
        let compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL).map_err(StoreError::unavailable)?;
        Ok(Self {
            sealer,
            run: hex(&random_bytes::<16>()?),
            streams: Mutex::default(),
            compressor: Mutex::new(compressor),
        })
    }

    /// The next place in the owner's stream. Only the appender composes, one commit at a time.
    fn next(&self, owner: &Owner) -> Result<(StreamId, Revision), StoreError> {
        match self.streams.lock().get(owner) {
            Some((stream, revision)) => Ok((*stream, revision.next())),
            None => Ok((self.sealer.keyring().stream(owner, "access", &self.run)?, Revision::NONE.next())),
        }
    }

    fn record(&self, group: &EntryGroup, recorded_at: RecordedAt) -> Result<NewRecord, StoreError> {
        let EntryGroup { owner, entries } = group;
        // A request that was under way while the tenant's key was destroyed is told of where there still is one.
        let owner = if self.sealer.keyring().is_destroyed(owner) { &Owner::Platform } else { owner };
        let seed: [u8; SEED] = random_bytes()?;
        let block = Block { seed, lines: lines(entries) };
        let leaves: Vec<_> = block.leaves().collect();
        let (stream, revision) = self.next(owner)?;
        let record = self.sealer.seal(
            Draft {
                owner: owner.clone(),
                stream,
                revision,
                kind: ACCESS_RECORDED.into(),
                schema_version: ACCESS_SCHEMA_VERSION,
                recorded_at,
                json: format!("{{\"count\":{}}}", entries.len()).into_bytes(),
                erasable: Some(block.pack(&mut self.compressor.lock())?),
                entries_root: Some(merkle::root_of(&leaves)),
            },
            None,
        )?;
        self.streams.lock().insert(owner.clone(), (stream, revision));
        Ok(record)
    }
}

impl Compose for AccessComposer {
    fn compose(&self, groups: &[EntryGroup], recorded_at: RecordedAt) -> Result<Vec<NewRecord>, StoreError> {
        let mut records = Vec::with_capacity(groups.len());
        for group in groups {
            match self.record(group, recorded_at) {
                Ok(record) => records.push(record),
                Err(error) => {
                    self.abandon(&records);
                    return Err(error);
                }
            }
        }
        Ok(records)
    }

    fn abandon(&self, records: &[NewRecord]) {
        let mut streams = self.streams.lock();
        for record in records {
            if let Some((_, revision)) = streams.values_mut().find(|(stream, _)| *stream == record.stream) {
                *revision = Revision(record.revision.0.saturating_sub(1));
            }
        }
    }
}

fn lines(entries: &[Entry]) -> String {
    let length =
        entries.iter().map(|entry| entry.json.len() + entry.detail.as_ref().map_or(1, |detail| detail.len() + 2));
    let mut text = String::with_capacity(length.sum());
    for entry in entries {
        text.push_str(&entry.json);
        if let Some(detail) = &entry.detail {
            text.push('\t');
            text.push_str(detail);
        }
        text.push('\n');
    }
    text
}

/// With a decompressor that stays with its thread: to make one takes longer than to use it.
fn decompress(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(zstd::bulk::Decompressor::new().ok()?),
        };
        decompressor.decompress(packed, size).ok()
    })
}

/// The opened entries of one record.
pub struct Block {
    seed: [u8; SEED],
    lines: String,
}

impl Block {
    fn pack(&self, compressor: &mut zstd::bulk::Compressor<'_>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let packed = compressor.compress(self.lines.as_bytes()).map_err(StoreError::unavailable)?;
        Ok(Zeroizing::new([self.seed.as_slice(), &packed].concat()))
    }

    /// Reads what [`AccessComposer`] packed; `None` if it is anything else.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let (seed, packed) = bytes.split_first_chunk::<SEED>()?;
        let size = usize::try_from(zstd::zstd_safe::get_frame_content_size(packed).ok()??).ok()?;
        let lines = decompress(packed, size.min(MAX_BLOCK))?;
        Some(Self { seed: *seed, lines: String::from_utf8(lines).ok()? })
    }

    /// The entries in order: canonical JSON, and what is kept besides.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.lines.lines().map(|line| match line.split_once('\t') {
            Some((json, detail)) => (json, Some(detail)),
            None => (line, None),
        })
    }

    /// The salt of an entry.
    pub fn salt(&self, index: u32) -> [u8; 16] {
        self.salt_with(&hmac::Key::new(hmac::HMAC_SHA256, &self.seed), index)
    }

    fn salt_with(&self, key: &hmac::Key, index: u32) -> [u8; 16] {
        let mut salt = [0; 16];
        let tag = hmac::sign(key, &index.to_be_bytes());
        salt.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        salt
    }

    /// Leaves of the entries' tree, in order.
    pub fn leaves(&self) -> impl Iterator<Item = [u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.seed);
        (0..)
            .zip(self.entries())
            .map(move |(index, (json, _))| merkle::entry_leaf(&self.salt_with(&key, index), json.as_bytes()))
    }
}
