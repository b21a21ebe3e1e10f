//! The one way to change something: seal, append with the audit entry, wait for the local fold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::{Event, EventBody, IdentityId, Owner, Timestamp};
use scaivault_eventstore::log::{self, Appender, Feed, Unit};
use scaivault_eventstore::sealing::{Draft, Sealer};
use scaivault_eventstore::{CommandId, Position, RecordedAt, Revision, StreamId};
use scaivault_projections::audit::AuditIndex;
use scaivault_projections::owners::key_owner;
use scaivault_projections::past::Past;
use scaivault_projections::snapshot::Snapshots;
use scaivault_projections::{EventReader, Projections, Reader};
use zeroize::Zeroizing;

use crate::deferral::{self, Deferral, Recorder};
use crate::delivery::post::{Nowhere, Post};
use crate::export::Exporting;
use crate::generation::Forging;
use crate::idempotency::{InFlight, outcome_event};
use crate::issuer::Trust;
use crate::measures::Measures;
use crate::policy_replay::Running;
use crate::race::Plan;
use crate::turns::Turns;
use crate::{Answer, ChangeRequest, Clock, Failure, Reply, ids};

/// How long a change may take to come out of the fold. It is durable by then.
const FOLD_PATIENCE: Duration = Duration::from_secs(10);

/// Everything commands work with.
pub struct Engine {
    pub(crate) appender: Appender,
    pub(crate) feed: Arc<Feed>,
    pub(crate) sealer: Sealer,
    pub(crate) reader: Reader,
    pub(crate) projections: Arc<Projections>,
    pub(crate) audit: Arc<AuditIndex>,
    pub(crate) past: Arc<Past>,
    pub(crate) events: EventReader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trust: Trust,
    pub(crate) exporting: Exporting,
    pub(crate) post: Arc<dyn Post>,
    pub(crate) in_flight: InFlight,
    pub(crate) turns: Turns,
    pub(crate) replaying: Running,
    pub(crate) measures: Measures,
    pub(crate) forging: Forging,
    pub(crate) deferral: Option<Deferral>,
    /// Up to which end the keys of kept outcomes have been destroyed by this process.
    pub(crate) outcomes_shredded: Mutex<Timestamp>,
    /// When this process looks again for audit entries that are old enough.
    pub(crate) next_erasure: Mutex<Timestamp>,
}

/// An event that is about to be sealed.
pub(crate) struct Pending {
    pub(crate) owner: Owner,
    pub(crate) stream: StreamId,
    pub(crate) revision: Revision,
    pub(crate) actor: IdentityId,
    pub(crate) event: Event,
    pub(crate) value: Option<Zeroizing<Vec<u8>>>,
}

/// What one command changes, decided at one moment.
pub(crate) struct Change {
    /// The moment of the decision, which is that of every event.
    pub(crate) at: Timestamp,
    /// The events, in order.
    pub(crate) pending: Vec<Pending>,
    /// Positions of records whose data keys are destroyed.
    pub(crate) shred: Vec<u64>,
}

impl Change {
    /// Events alone.
    pub(crate) fn of(at: Timestamp, pending: Vec<Pending>) -> Self {
        Self { at, pending, shred: Vec::new() }
    }
}

impl Engine {
    /// Over a running log.
    pub fn new(
        appender: Appender,
        feed: Arc<Feed>,
        sealer: Sealer,
        reader: Reader,
        audit: Arc<AuditIndex>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let projections = reader.projections().clone();
        let past = Arc::new(Past::new(reader.history().clone(), projections.clone()));
        let events = EventReader::new(projections.clone(), reader.history().clone());
        Self {
            appender,
            feed,
            sealer,
            reader,
            projections,
            audit,
            past,
            events,
            clock,
            trust: Trust::default(),
            exporting: Exporting::default(),
            post: Arc::new(Nowhere),
            in_flight: InFlight::default(),
            turns: Turns::default(),
            replaying: Running::default(),
            measures: Measures::new(),
            forging: Forging::default(),
            deferral: None,
            outcomes_shredded: Mutex::default(),
            next_erasure: Mutex::default(),
        }
    }

    /// With issuers that may be asked for their keys.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// With snapshots, from which views of the past may begin.
    #[must_use]
    pub fn resuming(self, snapshots: Option<Snapshots>) -> Self {
        let past = Past::new(self.reader.history().clone(), self.projections.clone()).resuming(snapshots);
        Self { past: Arc::new(past), ..self }
    }

    /// With places that audit exports can be written to.
    #[must_use]
    pub fn exporting_to(self, exporting: Exporting) -> Self {
        Self { exporting, ..self }
    }

    /// With a way to send events.
    #[must_use]
    pub fn posting(self, post: Arc<dyn Post>) -> Self {
        Self { post, ..self }
    }

    /// The read models.
    pub fn projections(&self) -> &Arc<Projections> {
        &self.projections
    }

    /// The audit entries, to be searched. See [`Self::audit_barrier`].
    pub fn audit(&self) -> &Arc<AuditIndex> {
        &self.audit
    }

    /// Published events.
    pub fn events(&self) -> &EventReader {
        &self.events
    }

    /// Views of the past.
    pub fn past(&self) -> &Arc<Past> {
        &self.past
    }

    /// Waits until every entry that was recorded for an answer of this process can be found.
    pub async fn audit_barrier(&self) -> Result<(), Failure> {
        match self.audit.wait_for(self.feed.committed(), FOLD_PATIENCE).await {
            true => Ok(()),
            false => Err(Failure::unavailable("position_not_applied")),
        }
    }

    /// Now, by the server's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The keyed digest under which a token is stored.
    pub fn token_hash(&self, token: &str) -> Result<String, Failure> {
        Ok(scaivault_eventstore::record::hex(&self.sealer.keyring().token_hash(token)?))
    }

    /// A tag that only this installation can make, for cursors.
    pub fn cursor_tag(&self, owner: &Owner, message: &[u8]) -> Result<[u8; 32], Failure> {
        Ok(self.sealer.keyring().tag(&key_owner(owner), "cursor", message)?)
    }

    /// Waits until every write that was answered by this process is folded, so that it is seen.
    pub async fn read_barrier(&self) -> Result<(), Failure> {
        self.wait_for(self.feed.committed(), FOLD_PATIENCE).await
    }

    /// The same for who asks for values alone: counts of reads may be a moment behind.
    pub async fn changes_barrier(&self) -> Result<(), Failure> {
        self.wait_for(self.feed.changed(), FOLD_PATIENCE).await
    }

    /// The same with another patience.
    pub async fn read_barrier_within(&self, patience: Duration) -> Result<(), Failure> {
        self.wait_for(self.feed.committed(), patience).await
    }

    /// Events that are known to be committed and not folded yet.
    pub fn lag(&self) -> u64 {
        self.feed.committed().0.saturating_sub(self.projections.applied().0)
    }

    /// Waits until `position` is folded; unavailable after `patience`.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> Result<(), Failure> {
        match self.projections.wait_for(position, patience).await {
            true => Ok(()),
            false => Err(Failure::unavailable("position_not_applied")),
        }
    }

    /// Waits until the log position a client names is folded.
    pub async fn wait_for_position(&self, position: u64, patience: Duration) -> Result<(), Failure> {
        if Position(position) > self.feed.committed() {
            // Committed elsewhere, and on its way here: the log has it already.
            self.feed.look();
        }
        self.wait_for(Position(position), patience).await
    }

    /// Lets reads be answered before their entries are durable, if by a moment only; what records them ends when the
    /// engine is gone.
    #[must_use]
    pub fn deferring(self) -> (Self, Recorder) {
        let (deferral, recorder) = deferral::pair();
        (Self { deferral: Some(deferral), ..self }, recorder)
    }

    /// Whether reads are.
    pub fn is_deferring(&self) -> bool {
        self.deferral.is_some()
    }

    /// Records entries of reads: now, or if reads may be ahead of their entries, soon.
    pub async fn record_reads(&self, entries: Vec<log::Entry>) -> Result<(), Failure> {
        match &self.deferral {
            None => self.record(entries).await,
            Some(deferral) => match deferral.take(entries) {
                Ok(()) => Ok(()),
                Err(entries) => self.record(entries).await,
            },
        }
    }

    /// Makes audit entries durable by themselves.
    pub async fn record(&self, entries: Vec<log::Entry>) -> Result<(), Failure> {
        let started = Instant::now();
        let unit = Unit { command_id: CommandId([0; 16]), records: Vec::new(), entries, shred: Vec::new() };
        self.appender.append(unit).await?;
        self.measures.recorded(started.elapsed());
        Ok(())
    }

    /// Appends events, audit entries and kept outcome in one atomic step, and waits for the fold.
    pub(crate) async fn commit(&self, request: &ChangeRequest, plan: Plan) -> Result<Answer, Failure> {
        let Plan { mut change, entry, outcome, besides, reply } = plan;
        if let Some(idempotency) = &request.idempotency {
            change.pending.push(self.keeping(request, idempotency, &reply)?);
        }
        let mut entries = besides;
        entries.push(entry.finish(outcome)?);
        request.handed.set();
        let position = self.append(&request.request_id, change, entries).await?;
        Ok(Answer { reply, position, replayed: false })
    }

    /// Concludes a request that changed nothing: its entry, and its outcome if it has a key.
    pub async fn unchanged(&self, request: &ChangeRequest, reply: Reply) -> Result<Answer, Failure> {
        let plan = || Plan::success(Change::of(self.now(), Vec::new()), request.entry.clone(), reply.clone());
        self.conclude(request, plan).await
    }

    /// Seals and appends; returns the position up to which the fold has come since.
    pub(crate) async fn append(
        &self,
        request_id: &str,
        change: Change,
        entries: Vec<log::Entry>,
    ) -> Result<Position, Failure> {
        let Change { at, pending, shred } = change;
        let command_id = ids::command_id(at)?;
        let drafts = pending.into_iter().map(|pending| draft(pending, request_id, at));
        let drafts = drafts.collect::<Result<Vec<_>, Failure>>()?;
        let records = self.sealer.seal_unit(command_id, drafts)?;
        let shred = shred.into_iter().map(Position).collect();
        let committed = self.appender.append(Unit { command_id, records, entries, shred }).await?;
        // It is durable by now, whatever becomes of the fold: not to be told as a failure.
        self.wait_for(committed.last, FOLD_PATIENCE).await.map_err(|_| Failure::Undecided)?;
        Ok(committed.last)
    }

    pub(crate) fn stream(&self, owner: &Owner, kind: &str, name: &str) -> Result<StreamId, Failure> {
        Ok(self.sealer.keyring().stream(&key_owner(owner), kind, name)?)
    }

    /// The outcome of a request, if it is to be kept.
    pub(crate) fn outcome(&self, request: &ChangeRequest, reply: &Reply) -> Result<Option<Pending>, Failure> {
        request.idempotency.as_ref().map(|idempotency| self.keeping(request, idempotency, reply)).transpose()
    }

    fn keeping(
        &self,
        request: &ChangeRequest,
        idempotency: &crate::request::IdempotentRequest,
        reply: &Reply,
    ) -> Result<Pending, Failure> {
        let key = &idempotency.key;
        Ok(Pending {
            owner: key.owner.clone(),
            stream: self.outcome_stream(key)?,
            revision: self.projections.view().outcomes.revision(key).next(),
            actor: request.actor.clone(),
            event: outcome_event(idempotency, reply, self.now()),
            value: Some(reply.body.clone()),
        })
    }
}

fn draft(pending: Pending, request_id: &str, at: Timestamp) -> Result<Draft, Failure> {
    let kind = pending.event.kind();
    let body = EventBody { at, actor: pending.actor, request_id: request_id.to_owned(), event: pending.event };
    Ok(Draft {
        owner: key_owner(&pending.owner),
        stream: pending.stream,
        revision: pending.revision,
        kind: kind.into(),
        schema_version: SCHEMA_VERSION,
        recorded_at: RecordedAt(at.as_micros()),
        json: body.encode()?,
        erasable: pending.value,
        entries_root: None,
    })
}
