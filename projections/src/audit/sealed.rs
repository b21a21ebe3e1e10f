//! Segments as they lie in the database: sealed under the key of their owner, bound to their place.

use scaivault_eventstore::log::{Segment as Stored, SegmentHeader};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Owner, StoreError};

use super::bloom::Bloom;
use super::segment::Segment;

/// Which part of a segment.
#[derive(Clone, Copy)]
enum Part {
    Filter,
    Columns,
}

/// Seals a segment that is not empty, as number `number` of its owner; `None` if it is.
pub(super) fn seal(
    sealer: &Sealer,
    generation: u64,
    owner: &Owner,
    number: u64,
    segment: &Segment,
) -> Result<Option<Stored>, StoreError> {
    let (Some((first, last)), Some((first_at, last_at))) = (segment.ends(), segment.times()) else { return Ok(None) };
    let filter = sealer.seal_aside(owner, &label(generation, number, Part::Filter), &segment.bloom().to_bytes())?;
    let plain = segment.to_bytes().map_err(StoreError::unavailable)?;
    let columns = sealer.seal_aside(owner, &label(generation, number, Part::Columns), &plain)?;
    let header = SegmentHeader {
        owner: owner.clone(),
        number,
        first_position: first.position,
        last_position: last.position,
        first_at,
        last_at,
        entries: segment.len() as u64,
        filter,
    };
    Ok(Some(Stored { header, columns }))
}

/// Opens the filter of a segment.
pub(super) fn open_filter(sealer: &Sealer, generation: u64, header: &SegmentHeader) -> Result<Bloom, StoreError> {
    let label = label(generation, header.number, Part::Filter);
    let plain = opened(sealer, &header.owner, &label, &header.filter)?;
    Bloom::from_bytes(&plain).ok_or_else(unreadable)
}

/// Opens the entries of a segment.
pub(super) fn open_columns(
    sealer: &Sealer,
    generation: u64,
    owner: &Owner,
    number: u64,
    columns: &[u8],
) -> Result<Segment, StoreError> {
    let plain = opened(sealer, owner, &label(generation, number, Part::Columns), columns)?;
    Segment::from_bytes(&plain).ok_or_else(unreadable)
}

fn opened(
    sealer: &Sealer,
    owner: &Owner,
    label: &[u8],
    sealed: &[u8],
) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
    let (of, plain) = sealer.open_aside(label, sealed)?;
    if of == *owner { Ok(plain) } else { Err(unreadable()) }
}

fn label(generation: u64, number: u64, part: Part) -> Vec<u8> {
    let part: &[u8] = match part {
        Part::Filter => b"filter",
        Part::Columns => b"columns",
    };
    [b"audit-index/", &generation.to_be_bytes()[..], &number.to_be_bytes()[..], part].concat()
}

fn unreadable() -> StoreError {
    StoreError::Setup("the audit index is damaged; rebuild it with scaivault audit reindex".into())
}
