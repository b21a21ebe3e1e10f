//! One group of units: from the head lock to the commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::Clock;
use crate::log::backend::{AppendTransaction, AtOnce, Backend, Expected, Head};
use crate::log::feed::Batch;
use crate::log::unit::{Committed, Compose, EntryGroup, Unit};
use crate::log::verdict::{Known, Verdict, judge};
use crate::record::{NewRecord, Record};
use crate::{CommandId, Owner, Position, RecordedAt, Revision, StoreError, StreamId, merkle};

/// Commits groups of units.
pub(super) struct Writer {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) composer: Arc<dyn Compose>,
    pub(super) clock: Clock,
    /// What appending without the lock goes by.
    pub(super) guess: Mutex<Guess>,
}

/// Where the log is believed to end.
#[derive(Debug, Default)]
pub(super) struct Guess {
    /// After the last commit of this process, while nothing says otherwise.
    head: Option<Head>,
    /// Commits that take the lock first, after others were found to write as well.
    cautious: u32,
    /// How many that were the last time.
    caution: u32,
}

/// Most commits in a row that take the lock first.
const MOST_CAUTION: u32 = 64;

/// A group with its positions.
pub(super) struct Group {
    /// All records of the commit in order: those of the units, then the composed ones.
    pub(super) records: Arc<[Record]>,
    /// Where in `records` the composed ones begin.
    composed: usize,
    /// What each composed record holds.
    entries: Vec<EntryGroup>,
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

impl Group {
    /// Where the log ends with it, if it began at `head`.
    fn end(&self, head: Head) -> Head {
        let last = self.records.last();
        last.map_or(head, |last| Head { position: last.position, recorded_at: last.recorded_at })
    }

    /// For the feed, with what its composed records hold: this process need not open them again.
    pub(super) fn batch(&mut self) -> Batch {
        Batch::composed(self.records.clone(), self.composed, std::mem::take(&mut self.entries))
    }
}

impl Writer {
    /// Judges, numbers and commits `units`. The head it began with is for the feed.
    ///
    /// Alone on the log, in one step that goes by what the units expect; if the log is elsewhere,
    /// under its lock.
    pub(super) async fn write(&self, units: &[Unit]) -> Result<(Head, Group), Failure> {
        let guessed = self.guess.lock().take();
        if let Some(head) = guessed
            && let Some(group) = self.write_at_once(head, units).await?
        {
            self.guess.lock().held(&group, head);
            return Ok((head, group));
        }
        let (head, group) = self.write_locked(units).await?;
        self.guess.lock().learnt(&group, head, guessed);
        Ok((head, group))
    }

    /// `None` if the log turned out not to be as the units expect.
    async fn write_at_once(&self, head: Head, units: &[Unit]) -> Result<Option<Group>, Failure> {
        let (revisions, commands) = expectations(units);
        let known = Known { head: head.position, revisions: revisions.clone(), ..Known::default() };
        let verdicts = judge(units, known);
        let shred = shredded(units, &verdicts);
        let group = self.number(head, units, verdicts)?;
        if group.records.is_empty() {
            self.abandon(&group);
            return Ok(None);
        }
        let revisions: Vec<_> = revisions.into_iter().collect();
        let expected = Expected { head, revisions: &revisions, commands: &commands };
        let start = Instant::now();
        let done = self.backend.append_at_once(expected, &group.records, &shred).await;
        metrics::histogram!("scaivault_db_latency_seconds").record(start.elapsed());
        match done {
            Ok(AtOnce::Appended) => Ok(Some(group)),
            Ok(AtOnce::Refused) => {
                self.abandon(&group);
                Ok(None)
            }
            Ok(AtOnce::Unknown(error)) => Err(Failure::Unknown(group, error)),
            Err(error) => {
                self.abandon(&group);
                Err(Failure::Clean(error))
            }
        }
    }

    async fn write_locked(&self, units: &[Unit]) -> Result<(Head, Group), Failure> {
        let mut tx = self.backend.begin().await?;
        let head = tx.head();
        let known = know(tx.as_mut(), units).await?;
        let verdicts = judge(units, known);
        let shred = shredded(units, &verdicts);
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
    fn number(&self, head: Head, units: &[Unit], verdicts: Vec<Verdict>) -> Result<Group, StoreError> {
        let mut numbered = Numbered { records: Vec::with_capacity(units.len()), last: head };
        let mut entries = Vec::with_capacity(units.len());
        let mut places = Vec::with_capacity(units.len());
        // Owners in the order of their first entries, which is the order of the composed records.
        let mut owners: Vec<Owner> = Vec::new();
        for (unit, verdict) in units.iter().zip(verdicts) {
            places.push(match verdict {
                Verdict::Conflict { stream, actual } => Err(StoreError::Conflict { stream, actual }),
                Verdict::Duplicate(position) => Err(StoreError::Duplicate(position)),
                Verdict::Accepted => Ok(Place::of(unit, numbered.last.position.next(), &mut owners)),
            });
            if verdict == Verdict::Accepted {
                let mut command_id = Some(unit.command_id);
                for record in &unit.records {
                    numbered.push(record.clone(), command_id.take());
                }
                entries.extend(unit.entries.iter().cloned());
            }
        }
        let composed = numbered.records.len();
        let entries = EntryGroup::by_owner(entries);
        for record in self.compose(&entries, numbered.last.recorded_at)? {
            numbered.push(record, None);
        }
        let last = numbered.last.position;
        let answers = places
            .into_iter()
            .map(|place| place.map(|place| Committed { first: place.position(head, composed, last), last }))
            .collect();
        Ok(Group { records: numbered.records.into(), composed, entries, answers })
    }

    fn compose(&self, entries: &[EntryGroup], not_before: RecordedAt) -> Result<Vec<NewRecord>, StoreError> {
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

/// What `units` take the log to be: the revisions before their first records, and no trace of their
/// commands.
fn expectations(units: &[Unit]) -> (HashMap<StreamId, Revision>, Vec<CommandId>) {
    let mut revisions = HashMap::new();
    for record in units.iter().flat_map(|unit| &unit.records) {
        revisions.entry(record.stream).or_insert(Revision(record.revision.0.saturating_sub(1)));
    }
    let commands = units.iter().filter(|unit| !unit.records.is_empty()).map(|unit| unit.command_id).collect();
    (revisions, commands)
}

/// The data keys that accepted units destroy.
fn shredded(units: &[Unit], verdicts: &[Verdict]) -> Vec<Position> {
    let accepted = units.iter().zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Accepted);
    accepted.flat_map(|(unit, _)| unit.shred.iter().copied()).collect()
}

impl Guess {
    /// The end to go by; none while others write as well.
    fn take(&mut self) -> Option<Head> {
        if self.cautious > 0 {
            self.cautious -= 1;
            return None;
        }
        self.head.take()
    }

    /// It was right.
    fn held(&mut self, group: &Group, head: Head) {
        *self = Self { head: Some(group.end(head)), cautious: 0, caution: 0 };
    }

    /// The lock has told where the log ends; `wrong` is what was believed.
    fn learnt(&mut self, group: &Group, head: Head, wrong: Option<Head>) {
        self.head = Some(group.end(head));
        if wrong.is_some_and(|wrong| wrong != head) {
            self.caution = (self.caution * 2).clamp(1, MOST_CAUTION);
            self.cautious = self.caution;
        }
    }
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
