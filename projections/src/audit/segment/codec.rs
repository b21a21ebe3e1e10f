//! Bytes of a segment: `layout (1) ‖ zstd(names, runs, columns)`.
//!
//! Another layout is another number here, and generations of the index with the old one are made anew.

use std::cell::RefCell;

use scaivault_eventstore::Position;

use super::{COLUMNS, Place, Run, Segment};
use crate::audit::names::Names;
use crate::codec::{Decoder, Encoder};

/// The layout.
const LAYOUT: u8 = 1;
/// Fast; the columns are much alike already.
const COMPRESSION_LEVEL: i32 = 1;
/// Far more than any segment has; a larger one is damage.
const MOST_BYTES: usize = 64 * 1024 * 1024;

impl Segment {
    /// As bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, std::io::Error> {
        let mut encoder = Encoder::default();
        encoder.text(self.names.bytes());
        encoder.number(self.names.len() as u64);
        encoder.bytes.extend(self.names.ends().iter().flat_map(|end| end.to_le_bytes()));
        encoder.number(self.runs.len() as u64);
        let mut before = 0;
        for Run { first, row } in &self.runs {
            encoder.number(first.position.0 - before);
            before = first.position.0;
            encoder.number(u64::from(first.index));
            encoder.number(u64::from(*row));
        }
        encoder.number(self.len() as u64);
        let mut before = 0;
        for at in &self.at {
            encoder.signed(at - before);
            before = *at;
        }
        self.version.iter().for_each(|version| encoder.number(u64::from(*version)));
        encoder.bytes.extend_from_slice(&self.flags);
        encoder.bytes.extend(self.request.iter().flat_map(|request| request.to_le_bytes()));
        for column in &self.columns {
            encoder.bytes.extend(column.iter().flat_map(|name| name.to_le_bytes()));
        }
        let packed = zstd::bulk::compress(&encoder.bytes, COMPRESSION_LEVEL)?;
        Ok([&[LAYOUT], packed.as_slice()].concat())
    }

    /// What [`Self::to_bytes`] gave; `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&layout, packed) = bytes.split_first()?;
        let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
        let size = usize::try_from(size).ok().filter(|size| layout == LAYOUT && *size <= MOST_BYTES)?;
        let plain = decompress(packed, size)?;
        let mut decoder = Decoder::new(&plain);
        let text = decoder.text()?.to_owned();
        let count = decoder.count()?;
        let ends = decoder.take(count.checked_mul(4)?)?.as_chunks::<4>().0;
        let names = Names::of(text, ends.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())?;
        let mut runs = Vec::new();
        let mut position = 0u64;
        for _ in 0..decoder.count()? {
            position = position.checked_add(decoder.number()?)?;
            let first = Place { position: Position(position), index: decoder.small()? };
            runs.push(Run { first, row: decoder.small()? });
        }
        let rows = decoder.count()?;
        let mut at = Vec::with_capacity(rows);
        let mut before = 0i64;
        for _ in 0..rows {
            before = before.checked_add(decoder.signed()?)?;
            at.push(before);
        }
        let version = (0..rows).map(|_| decoder.small()).collect::<Option<Vec<_>>>()?;
        let flags = decoder.take(rows)?.to_vec();
        let request = decoder.take(rows.checked_mul(4)?)?.as_chunks::<4>().0;
        let request = request.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let mut columns: [Vec<u16>; COLUMNS] = Default::default();
        for column in &mut columns {
            let bytes = decoder.take(rows.checked_mul(2)?)?.as_chunks::<2>().0;
            *column = bytes.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        }
        let is_sound = decoder.is_empty() && columns.iter().flatten().all(|name| usize::from(*name) <= names.len());
        is_sound.then_some(Self { names, runs, at, request, version, flags, columns })
    }
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
