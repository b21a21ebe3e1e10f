//! A replay over the log: read in pages, opened and judged on several threads, put together in order.

use std::sync::Arc;

use futures_util::future::join;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use scaivault_domain::policy::replay::{Base, Difference, Proposal};
use scaivault_domain::{Owner, PartnerId, Timestamp};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::sealing::access::{ACCESS_RECORDED, Block};
use scaivault_eventstore::{Owner as KeyOwner, Position, Record, RecordedAt, StoreError};
use tokio::task::JoinError;

use super::decided::{Decided, Kept};
use super::epochs::Changes;
use super::judge::Judge;
use super::{Found, Way};
use crate::decode::{Decoded, decode};
use crate::history::History;
use crate::owners::key_owner;
use crate::past::Past;
use crate::replays::HeldReplay;

/// Records read from the log at once.
const PAGE: u64 = 1_000;
/// Records that are judged together: a few milliseconds of work where each holds many entries.
const PART: usize = 16;
/// Parts judged side by side.
const SIDE_BY_SIDE: usize = 4;
/// An entry is recorded when its request ends: so long after its beginning at most, for clocks that were set back.
const LATEST_SECONDS: i64 = 86_400;

/// What is to be replayed.
pub struct Question {
    /// Whose decisions.
    pub tenant: Owner,
    /// The tenant's partner.
    pub partner: Option<PartnerId>,
    /// What was asked for.
    pub replay: Arc<HeldReplay>,
    /// What is proposed.
    pub proposal: Proposal,
}

/// Shared by all parts.
struct Work {
    judge: Judge,
    sealer: Sealer,
    owner: KeyOwner,
    from: Timestamp,
    question: Question,
}

/// Judges all decisions of the question; `found` grows in log order meanwhile, from what it has already. Ends the same
/// however often it is run, and however far the runs before came.
pub async fn run(past: &Past, question: Question, found: &Mutex<Found>) -> Result<(), StoreError> {
    let history = past.history();
    let created = question.replay.created.clone();
    let from = created.from.max(created.since);
    let owners: Vec<_> =
        std::iter::once(question.tenant.clone()).chain(question.partner.clone().map(Owner::Partner)).collect();
    let mut changes = Changes::of(history, &owners)?;
    let judge = Judge::new(created.base, question.proposal.clone(), question.replay.created_at);
    let end = Position(question.replay.position);
    if created.base == Base::Current {
        judge.advance(&mut changes, end.0, end.0).await?;
    }
    let latest = RecordedAt(created.to.plus_seconds(LATEST_SECONDS).as_micros());
    let mut after = begin(past, from, latest, end, found).await?;
    let owner = key_owner(&question.tenant);
    let work = Arc::new(Work { judge, sealer: history.sealer.clone(), owner, from, question });
    let mut page = read(history, after, end).await?;
    while let Some((last, recorded_at)) = page.last().map(|record| (record.position, record.recorded_at)) {
        if created.base == Base::Recorded {
            work.judge.advance(&mut changes, after.next().0, last.0).await?;
        }
        after = last;
        let is_last = recorded_at > latest;
        // The next page is read while this one is judged.
        let next = async { if is_last { Ok(Vec::new()) } else { read(history, after, end).await } };
        let (next, judged) = join(next, judged(&work, &page.into(), found)).await;
        judged?;
        page = next?;
    }
    let mut found = found.lock();
    found.way.to = found.way.reached;
    Ok(())
}

/// Where to go on: after what has been found already, or before the first record that can hold a wanted decision.
async fn begin(
    past: &Past,
    from: Timestamp,
    latest: RecordedAt,
    end: Position,
    found: &Mutex<Found>,
) -> Result<Position, StoreError> {
    let reached = Position(found.lock().way.reached);
    if reached > Position::START {
        return Ok(reached);
    }
    let before = past.last_up_to(Timestamp::from_micros(from.as_micros().saturating_sub(1))).await?;
    let last = past.last_up_to(Timestamp::from_micros(latest.0)).await?.next();
    let to = last.0.min(end.0.saturating_sub(1)).max(before.0);
    found.lock().way = Way { from: before.0, reached: before.0, to };
    Ok(before)
}

/// The next records before `end`.
async fn read(history: &History, after: Position, end: Position) -> Result<Vec<Record>, StoreError> {
    let left = end.0.saturating_sub(after.next().0).min(PAGE);
    match usize::try_from(left).unwrap_or(usize::MAX) {
        0 => Ok(Vec::new()),
        limit => match history.backend.read(after, limit).await? {
            records if records.is_empty() => {
                Err(StoreError::damaged(after.next(), format!("the log ends here, not at {end}")))
            }
            records => Ok(records),
        },
    }
}

async fn judged(work: &Arc<Work>, records: &Arc<[Record]>, found: &Mutex<Found>) -> Result<(), StoreError> {
    let parts = (0..records.len()).step_by(PART).map(|from| {
        let part = from..(from + PART).min(records.len());
        let (owned, of) = ((work.clone(), records.clone()), part.clone());
        #[allow(clippy::disallowed_methods, reason = "it ends by itself, soon")]
        let judging = tokio::spawn(async move { owned.0.judge_all(owned.1.get(of).unwrap_or_default()).await });
        let first = records.get(part.start).map_or(Position::START, |record| record.position);
        // Another attempt would come to the same.
        let broken = move |_: JoinError| Broken::For(StoreError::damaged(first, "judging its decisions panicked"));
        async move { (part, judging.await.map_err(broken).and_then(|judged| judged.map_err(Broken::by))) }
    });
    let mut parts = stream::iter(parts).buffered(SIDE_BY_SIDE);
    while let Some((part, judged)) = parts.next().await {
        let reached = records.get(part.end.saturating_sub(1)).map_or(0, |record| record.position.0);
        let judged = match judged {
            Ok(judged) => judged,
            Err(Broken::For(error)) => return Err(error),
            Err(Broken::Perhaps) => {
                work.sealer.keyring().refresh().await?;
                work.judge_all(records.get(part).unwrap_or_default()).await?
            }
        };
        found.lock().append(judged, reached);
    }
    Ok(())
}

/// Why a part was not judged.
enum Broken {
    /// Perhaps it is sealed with a key that another process has made since.
    Perhaps,
    /// It cannot be.
    For(StoreError),
}

impl Broken {
    fn by(error: StoreError) -> Self {
        match matches!(error, StoreError::Damaged { .. }) {
            true => Self::Perhaps,
            false => Self::For(error),
        }
    }
}

impl Work {
    /// Judges the decisions of several records; between two of them, requests have their turn.
    async fn judge_all(&self, records: &[Record]) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for record in records {
            found = self.judge(record, found)?;
            tokio::task::yield_now().await;
        }
        Ok(found)
    }

    /// Judges the decisions of a record.
    fn judge(&self, record: &Record, found: Found) -> Result<Found, StoreError> {
        // Most records of a log are of other tenants.
        if record.kind != ACCESS_RECORDED || self.sealer.owner_of(record).is_some_and(|owner| owner != self.owner) {
            return Ok(found);
        }
        match decode(&self.sealer, record)? {
            Decoded::Access { owner, block } if owner == self.question.tenant => {
                self.judge_block(record, &block, found)
            }
            Decoded::Access { .. } | Decoded::Event { .. } | Decoded::ErasedEntries { .. } | Decoded::Erased => {
                Ok(found)
            }
        }
    }

    fn judge_block(&self, record: &Record, block: &Block, mut found: Found) -> Result<Found, StoreError> {
        let malformed = |error| StoreError::damaged(record.position, format!("an entry is malformed: {error}"));
        let created = &self.question.replay.created;
        for (index, (json, detail)) in (0..).zip(block.entries()) {
            let Some(decided) = Decided::parse(json).map_err(malformed)? else { continue };
            if !decided.is_wanted(self.from, created.to, &created.filters) {
                continue;
            }
            let recorded = decided.recorded();
            let is_denied = recorded == super::decided::Recorded::Denied;
            let concerns = self.judge.concerns(&recorded);
            if !concerns && !is_denied {
                found.count(None);
                continue;
            }
            let kept = Kept::parse(detail).map_err(malformed)?;
            if !decided.is_by_policy(&kept) {
                continue;
            }
            let position = record.position.0;
            let case = if concerns { decided.case(kept) } else { None };
            let after = case.and_then(|case| self.judge.judge(position, &recorded, &case));
            found.count(after.map(|after| Difference { position, index, after }));
        }
        Ok(found)
    }
}
