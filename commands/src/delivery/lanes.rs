//! What of one recipient's queue may be sent now: of each lane the first, and the next when that has ended.
//!
//! Pure: a queue goes in, slots come out, and what became of them goes in again.

use std::collections::{BTreeSet, HashMap, VecDeque};

use imbl::OrdMap;
use scaivault_domain::Timestamp;
use scaivault_domain::delivery::{Outcome, Series, Slot};
use scaivault_eventstore::Revision;
use scaivault_projections::outboxes::{Outbox, Waiting};

/// One of so many deliveries is one that was asked for, if there are both.
const TURN: u32 = 4;

/// What is in order: a path or object, as it comes or in a replay.
type LaneId = (Series, u64);

/// The lanes of one recipient.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<LaneId, VecDeque<Slot>>,
    ready: VecDeque<LaneId>,
    ready_asked: VecDeque<LaneId>,
    later: BTreeSet<(Timestamp, LaneId)>,
    of: HashMap<Slot, LaneId>,
    /// The last event that has come for the first time.
    seen: Option<Slot>,
    asked: Revision,
    turn: u32,
}

impl Lanes {
    /// Takes in what has come into a queue.
    pub(super) fn take_in(&mut self, outbox: &Outbox) {
        let after = self.seen.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let live_end = Slot::live(scaivault_domain::publication::EventKey { position: u64::MAX, index: u32::MAX });
        let fresh = outbox.waiting.range((after, std::ops::Bound::Included(live_end)));
        let fresh: Vec<_> = fresh.map(|(slot, waiting)| (*slot, waiting.clone())).collect();
        for (slot, waiting) in fresh {
            self.seen = Some(slot);
            self.enter(slot, &waiting);
        }
        if self.asked < outbox.asked {
            self.asked = outbox.asked;
            self.take_in_asked(&outbox.waiting, live_end);
        }
    }

    fn take_in_asked(&mut self, waiting: &OrdMap<Slot, Waiting>, live_end: Slot) {
        let asked = waiting.range((std::ops::Bound::Excluded(live_end), std::ops::Bound::Unbounded));
        let fresh: Vec<_> = asked.filter(|(slot, _)| !self.of.contains_key(*slot)).collect();
        for (slot, waiting) in fresh {
            self.enter(*slot, waiting);
        }
    }

    fn enter(&mut self, slot: Slot, waiting: &Waiting) {
        let lane = (slot.series, waiting.lane);
        self.of.insert(slot, lane);
        let queue = self.lanes.entry(lane).or_default();
        queue.push_back(slot);
        if queue.len() == 1 {
            match &waiting.tries {
                Some(tries) => _ = self.later.insert((tries.next_attempt_at, lane)),
                None => self.make_ready(lane),
            }
        }
    }

    /// The next that may be sent at `now`; it is taken until something becomes of it.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Slot> {
        while let Some((_, lane)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.pop_first();
            self.make_ready(lane);
        }
        self.turn = self.turn.wrapping_add(1);
        let asked_first = self.turn.is_multiple_of(TURN);
        let (first, second) = match asked_first {
            true => (&mut self.ready_asked, &mut self.ready),
            false => (&mut self.ready, &mut self.ready_asked),
        };
        let lane = first.pop_front().or_else(|| second.pop_front())?;
        self.lanes.get(&lane)?.front().copied()
    }

    /// What became of what was taken, once that is durable.
    pub(super) fn settle(&mut self, slot: Slot, outcome: Outcome) {
        let Some(lane) = self.of.get(&slot).copied() else { return };
        if let Outcome::Pending { next_attempt_at } = outcome {
            self.later.insert((next_attempt_at, lane));
            return;
        }
        self.of.remove(&slot);
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        queue.pop_front();
        if queue.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.make_ready(lane);
        }
    }

    /// Whether nothing is in them.
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// When the next is to be tried again.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.later.first().map(|(at, _)| *at)
    }

    fn make_ready(&mut self, lane: LaneId) {
        match lane.0.is_live() {
            true => self.ready.push_back(lane),
            false => self.ready_asked.push_back(lane),
        }
    }
}
