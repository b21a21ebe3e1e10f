//! One group of units: from the head lock to the commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::Clock;
use crate::log::backend::{AppendTransaction, Backend, Head};
use crate::log::unit::{Committed, Compose, Entry, Unit};
use crate::log::verdict::{Known, Verdict, judge};
use crate::record::{NewRecord, Record};
use crate::{CommandId, Owner, Position, RecordedAt, StoreError, merkle};

/// Commits groups of units.
pub(super) struct Writer {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) composer: Arc<dyn Compose>,
    pub(super) clock: Clock,
}

/// A group with its positions.
pub(super) struct Group {
    /// All records of the commit in order: those of the units, then the composed ones.
    pub(super) records: Arc<[Record]>,
    /// Where in `records` the composed ones begin.
    composed: usize,
    /// An answer for each unit, valid once the group is committed.
    pub(super) answers: Vec<Result<Committed, StoreError>>,
}

/// Why a group was not committed.
pub(super) enum Failure {
    /// It is certain that nothing was written.
    Clean(StoreError),
    /// The commit itself failed: only the log can tell what became of it.
    Unknown(Group, StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Clean(error)
    }
}

impl Writer {
    /// Judges, numbers and commits `units`. The head it began with is for the feed.
    pub(super) async fn write(&self, units: Vec<Unit>) -> Result<(Head, Group), Failure> {
        let mut tx = self.backend.begin().await?;
        let head = tx.head();
        let known = know(tx.as_mut(), &units).await?;
        let verdicts = judge(&units, known);
        let shred: Vec<Position> = accepted(&units, &verdicts).flat_map(|unit| unit.shred.iter().copied()).collect();
        let group = self.number(head, units, verdicts)?;
        if group.records.is_empty() && shred.is_empty() {
            return Ok((head, group));
        }
        if let Err(error) = put(tx.as_mut(), &group.records, &shred).await {
            self.abandon(&group);
            return Err(Failure::Clean(error));
        }
        let start = Instant::now();
        let done = tx.commit().await;
        metrics::histogram!("scaivault_db_latency_seconds").record(start.elapsed());
        match done {
            Ok(()) => Ok((head, group)),
            Err(error) => Err(Failure::Unknown(group, error)),
        }
    }

    /// Tells the composer that its records of `group` are not in the log.
    pub(super) fn abandon(&self, group: &Group) {
        let composed = group.records.get(group.composed..).unwrap_or_default();
        if !composed.is_empty() {
            let composed: Vec<NewRecord> = composed.iter().map(unnumbered).collect();
            self.composer.abandon(&composed);
        }
    }

    /// Gives the records of accepted units, and then the composed ones, their places.
    fn number(&self, head: Head, units: Vec<Unit>, verdicts: Vec<Verdict>) -> Result<Group, StoreError> {
        let mut numbered = Numbered { records: Vec::with_capacity(units.len()), last: head };
        let mut entries = Vec::with_capacity(units.len());
        let mut places = Vec::with_capacity(units.len());
        // Owners in the order of their first entries, which is the order of the composed records.
        let mut owners: Vec<Owner> = Vec::new();
        for (unit, verdict) in units.into_iter().zip(verdicts) {
            places.push(match verdict {
                Verdict::Conflict { stream, actual } => Err(StoreError::Conflict { stream, actual }),
                Verdict::Duplicate(position) => Err(StoreError::Duplicate(position)),
                Verdict::Accepted => Ok(Place::of(&unit, numbered.last.position.next(), &mut owners)),
            });
            if verdict == Verdict::Accepted {
                let mut command_id = Some(unit.command_id);
                for record in unit.records {
                    numbered.push(record, command_id.take());
                }
                entries.extend(unit.entries);
            }
        }
        let composed = numbered.records.len();
        for record in self.compose(entries, numbered.last.recorded_at)? {
            numbered.push(record, None);
        }
        let last = numbered.last.position;
        let answers = places
            .into_iter()
            .map(|place| place.map(|place| Committed { first: place.position(head, composed, last), last }))
            .collect();
        Ok(Group { records: numbered.records.into(), composed, answers })
    }

    fn compose(&self, entries: Vec<Entry>, not_before: RecordedAt) -> Result<Vec<NewRecord>, StoreError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        self.composer.compose(entries, not_before.max((self.clock)()))
    }
}

/// Asks the log what the verdicts need; nothing if no unit has records.
async fn know(tx: &mut dyn AppendTransaction, units: &[Unit]) -> Result<Known, StoreError> {
    let head = tx.head().position;
    let writing = || units.iter().filter(|unit| !unit.records.is_empty());
    let commands: HashSet<CommandId> = writing().map(|unit| unit.command_id).collect();
    if commands.is_empty() {
        return Ok(Known { head, ..Known::default() });
    }
    let streams: HashSet<_> = writing().flat_map(|unit| &unit.records).map(|record| record.stream).collect();
    let streams: Vec<_> = streams.into_iter().collect();
    let commands: Vec<_> = commands.into_iter().collect();
    Ok(Known { head, revisions: tx.revisions(&streams).await?, commands: tx.commands(&commands).await? })
}

async fn put(tx: &mut dyn AppendTransaction, records: &[Record], shred: &[Position]) -> Result<(), StoreError> {
    if !records.is_empty() {
        tx.insert(records).await?;
    }
    if !shred.is_empty() {
        tx.shred(shred).await?;
    }
    Ok(())
}

fn accepted<'u>(units: &'u [Unit], verdicts: &'u [Verdict]) -> impl Iterator<Item = &'u Unit> {
    units.iter().zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Accepted).map(|(unit, _)| unit)
}

/// Records with positions, and the end of the log after them.
struct Numbered {
    records: Vec<Record>,
    last: Head,
}

impl Numbered {
    fn push(&mut self, new: NewRecord, command_id: Option<CommandId>) {
        let position = self.last.position.next();
        let recorded_at = new.recorded_at.max(self.last.recorded_at);
        let mut record = Record {
            position,
            stream: new.stream,
            revision: new.revision,
            kind: new.kind,
            schema_version: new.schema_version,
            recorded_at,
            command_id,
            body: new.body,
            body_sha256: new.body_sha256,
            entries_root: new.entries_root,
            leaf_hash: [0; 32],
            data_key: new.data_key,
        };
        record.leaf_hash = merkle::leaf_hash(&record);
        self.records.push(record);
        self.last = Head { position, recorded_at };
    }
}

/// Where an accepted unit is found.
enum Place {
    /// It has own records from this position on.
    Own(Position),
    /// Its first entry is in the composed record with this number.
    Composed(usize),
    /// It has neither.
    Nowhere,
}

impl Place {
    /// `next` is the position its first own record gets. Notes new owners of entries.
    fn of(unit: &Unit, next: Position, owners: &mut Vec<Owner>) -> Self {
        let mut first = None;
        for entry in &unit.entries {
            let known = owners.iter().position(|owner| *owner == entry.owner);
            let index = known.unwrap_or_else(|| {
                owners.push(entry.owner.clone());
                owners.len() - 1
            });
            first.get_or_insert(index);
        }
        match first {
            _ if !unit.records.is_empty() => Self::Own(next),
            Some(index) => Self::Composed(index),
            None => Self::Nowhere,
        }
    }

    /// Its position, given where the commit began and how many records are not composed.
    fn position(&self, head: Head, own: usize, last: Position) -> Position {
        match self {
            Self::Own(position) => *position,
            // A composer that returned fewer records than owners still covers it by the last.
            Self::Composed(index) => Position(head.position.0 + (own + index) as u64 + 1).min(last),
            Self::Nowhere => last,
        }
    }
}

fn unnumbered(record: &Record) -> NewRecord {
    NewRecord {
        stream: record.stream,
        revision: record.revision,
        kind: record.kind.clone(),
        schema_version: record.schema_version,
        recorded_at: record.recorded_at,
        body: record.body.clone(),
        body_sha256: record.body_sha256,
        entries_root: record.entries_root,
        data_key: record.data_key.clone(),
    }
}
