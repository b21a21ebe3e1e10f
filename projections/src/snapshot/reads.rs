//! Rows of reads. An identity is written out where it first comes up in a section.

use std::collections::HashMap;
use std::sync::Arc;

use scaivault_domain::{SecretPath, Timestamp};

use crate::accesses::{Accesses, PathReads, Row};
use crate::codec::{Decoder, Encoder};

/// Identities of the section that is being written, by their numbers in the read model.
#[derive(Default)]
pub(super) struct Known {
    numbers: HashMap<u32, u64>,
}

/// Reads of one path, with identities by their place in the section.
pub(super) struct ReadRow {
    path: SecretPath,
    rows: Vec<Row>,
    join_at: usize,
}

/// Writes one path's reads.
pub(super) fn write(to: &mut Encoder, path: &SecretPath, reads: &PathReads, all: &Accesses, known: &mut Known) {
    if to.is_started() {
        known.numbers.clear();
    }
    to.text(path.as_str());
    to.number(reads.join_at as u64);
    to.number(reads.rows.len() as u64);
    let mut before = 0;
    for row in &reads.rows {
        to.signed(row.at.as_micros() - before);
        before = row.at.as_micros();
        let next = known.numbers.len() as u64;
        let number = *known.numbers.entry(row.identity).or_insert(next);
        to.number(number);
        if number == next {
            to.text(all.identity(row.identity).map_or("", AsRef::as_ref));
        }
        to.number(row.version.into());
        to.number(row.count.into());
    }
}

/// Reads one path's; `identities` are those of the section so far.
pub(super) fn read<'a>(from: &mut Decoder<'a>, identities: &mut Vec<&'a str>) -> Option<ReadRow> {
    let path = SecretPath::parse(from.text()?).ok()?;
    let join_at = usize::try_from(from.number()?).ok()?;
    let mut before = 0_i64;
    let rows = (0..from.count()?).map(|_| {
        before = before.checked_add(from.signed()?)?;
        let identity = from.small()?;
        if usize::try_from(identity).ok()? == identities.len() {
            identities.push(from.text()?);
        }
        Some(Row { at: Timestamp::from_micros(before), identity, version: from.small()?, count: from.small()? })
    });
    Some(ReadRow { path, rows: rows.collect::<Option<_>>()?, join_at })
}

impl ReadRow {
    /// Its path.
    pub(super) fn path(&self) -> &SecretPath {
        &self.path
    }

    /// With the numbers that the identities have in the read model.
    pub(super) fn into_reads(mut self, numbers: &[u32]) -> Option<PathReads> {
        for row in &mut self.rows {
            row.identity = *numbers.get(usize::try_from(row.identity).ok()?)?;
        }
        Some(PathReads { rows: self.rows, join_at: self.join_at })
    }
}

/// Identities of a section, to be kept.
pub(super) fn owned(identities: Vec<&str>) -> Vec<Arc<str>> {
    identities.into_iter().map(Arc::from).collect()
}
