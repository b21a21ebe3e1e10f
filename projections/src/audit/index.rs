//! The index as a whole: what is stored, what came since, and searches over both.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use scaivault_domain::Owner;
use scaivault_eventstore::log::{Clock, Generation, SegmentHeader, SegmentRange, SegmentStore};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Owner as KeyOwner, Position, StoreError};
use tokio::sync::{Mutex, watch};

use super::filter::Filter;
use super::page::Order;
use super::sealed;
use super::segment::Segment;
use super::tail::Tail;
use crate::history::History;
use crate::owners::key_owner;

/// Memory for segments that were opened lately, in bytes.
const OPENED_BYTES: u64 = 32 * 1024 * 1024;
/// Headers read at once.
const HEADERS: usize = 64;

/// How much is put together.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Entries of a segment.
    pub segment: usize,
    /// Entries in memory after which they are stored.
    pub tail: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { segment: 8_192, tail: 16_384 }
    }
}

/// A segment in the database: generation, owner, number, and where it begins, since numbers may be given again.
type Key = (u64, KeyOwner, u64, Position);

/// All audit entries, so that they can be searched.
pub struct AuditIndex {
    pub(super) store: Arc<dyn SegmentStore>,
    pub(super) sealer: Sealer,
    pub(super) history: History,
    pub(super) clock: Clock,
    pub(super) sizes: Sizes,
    pub(super) state: RwLock<State>,
    /// Held by who writes segments.
    pub(super) storing: Mutex<()>,
    applied: watch::Sender<Position>,
    opened: Cache<Key, Arc<Segment>, Size>,
}

/// What is searched now.
pub(super) struct State {
    pub(super) generation: u64,
    /// How often the log had to be followed from an earlier position again.
    pub(super) restarts: u64,
    pub(super) tail: Tail,
}

#[derive(Clone)]
struct Size;

impl Weighter<Key, Arc<Segment>> for Size {
    fn weight(&self, _key: &Key, segment: &Arc<Segment>) -> u64 {
        segment.size()
    }
}

impl AuditIndex {
    /// Over a log and what of its index is stored; a new one if there is none.
    pub async fn open(history: History, clock: Clock, sizes: Sizes) -> Result<Self, StoreError> {
        let (store, sealer) = (history.backend.segments(), history.sealer.clone());
        let current = current(store.as_ref(), &clock).await?;
        let tail = Tail::after(current.position);
        Ok(Self {
            store,
            sealer,
            history,
            clock,
            sizes,
            applied: watch::Sender::new(current.position),
            state: RwLock::new(State { generation: current.number, restarts: 0, tail }),
            storing: Mutex::default(),
            opened: Cache::with_weighter(1_024, OPENED_BYTES, Size),
        })
    }

    /// Up to which position of the log everything can be found.
    pub fn applied(&self) -> Position {
        *self.applied.borrow()
    }

    /// Waits until what is recorded at `position` can be found. `false` after `patience`.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> bool {
        let mut applied = self.applied.subscribe();
        let reached = applied.wait_for(|applied| *applied >= position);
        tokio::time::timeout(patience, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    /// What is in memory is gone: only what is stored can be found.
    pub(super) fn begins_at(&self, stored: Position) {
        self.applied.send_replace(stored);
    }

    pub(super) fn applies(&self, position: Position) {
        self.applied.send_if_modified(|applied| {
            let moved = position > *applied;
            *applied = position.max(*applied);
            moved
        });
    }

    /// Looks which generation is the current one, and how far it goes.
    pub(super) async fn refresh(&self) -> Result<(), StoreError> {
        let current = current(self.store.as_ref(), &self.clock).await?;
        let mut state = self.state.write();
        // What is read here may be older than what is known.
        let is_switch = current.number > state.generation;
        if current.number < state.generation {
            return Ok(());
        }
        state.generation = current.number;
        if is_switch && current.position < state.tail.stored {
            // What lies between was stored in a generation that is no more.
            state.tail = Tail::after(current.position);
            state.restarts += 1;
            self.applied.send_replace(current.position);
        } else if current.position > state.tail.stored {
            state.tail.stored_up_to(current.position);
            self.applies(state.tail.applied);
        }
        Ok(())
    }

    /// Goes through the entries of an owner that may be wanted, in order.
    pub(super) async fn scan<'a>(
        &'a self,
        owner: &Owner,
        filter: &'a Filter,
        positions: (Position, Position),
        order: Order,
    ) -> Result<Scan<'a>, StoreError> {
        self.refresh().await?;
        let newest_first = order == Order::NewestFirst;
        let (generation, stored, mut tail) = {
            let state = self.state.read();
            let after =
                |segment: Arc<Segment>| Part { rows: segment.rows_up_to(state.tail.stored)..segment.len(), segment };
            let tail: Vec<Part> = state.tail.of(owner).into_iter().map(after).collect();
            (state.generation, state.tail.stored, tail)
        };
        if newest_first {
            tail.reverse();
        }
        Ok(Scan {
            index: self,
            owner: key_owner(owner),
            filter,
            positions,
            newest_first,
            generation,
            stored,
            tail: tail.into(),
            headers: VecDeque::new(),
            numbers: Some((0, u64::MAX)),
        })
    }

    /// The entries of a stored segment; `None` if it is gone.
    pub(super) async fn segment(
        &self,
        generation: u64,
        header: &SegmentHeader,
    ) -> Result<Option<Arc<Segment>>, StoreError> {
        let SegmentHeader { owner, number, first_position, entries, .. } = header;
        let key = (generation, owner.clone(), *number, *first_position);
        // One that is not whole grows under its number.
        if let Some(segment) = self.opened.get(&key).filter(|segment| segment.len() as u64 >= *entries) {
            return Ok(Some(segment));
        }
        let Some(columns) = self.store.columns(generation, owner, *number).await? else { return Ok(None) };
        let segment = Arc::new(sealed::open_columns(&self.sealer, generation, owner, *number, &columns)?);
        if segment.ends().is_some_and(|(first, _)| first.position == *first_position) {
            self.opened.insert(key, segment.clone());
        }
        Ok(Some(segment))
    }
}

/// The generation that is searched; the first one is made here.
async fn current(store: &dyn SegmentStore, clock: &Clock) -> Result<Generation, StoreError> {
    loop {
        let found = store.generations().await?;
        if let Some(current) = found.into_iter().find(|generation| generation.is_current) {
            return Ok(current);
        }
        store.begin_generation(1, clock().0).await?;
    }
}

/// Entries that may be wanted, one segment after the other.
pub(super) struct Scan<'a> {
    index: &'a AuditIndex,
    owner: KeyOwner,
    filter: &'a Filter,
    positions: (Position, Position),
    newest_first: bool,
    generation: u64,
    /// Up to here in the database, after it in memory.
    stored: Position,
    tail: VecDeque<Part>,
    headers: VecDeque<SegmentHeader>,
    /// Where to read on; `None` at the end.
    numbers: Option<(u64, u64)>,
}

/// Rows of a segment.
pub(super) struct Part {
    pub(super) segment: Arc<Segment>,
    pub(super) rows: Range<usize>,
}

impl Part {
    /// Those that are wanted, in order.
    pub(super) fn wanted(&self, filter: &Filter, order: Order) -> Vec<usize> {
        let Some(compiled) = filter.compile(&self.segment) else { return Vec::new() };
        let wanted = |row: &usize| compiled.has(*row);
        match order {
            Order::OldestFirst => self.rows.clone().filter(wanted).collect(),
            Order::NewestFirst => self.rows.clone().rev().filter(wanted).collect(),
        }
    }
}

impl Scan<'_> {
    /// The next part that may have something.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, StoreError> {
        if self.newest_first
            && let Some(part) = self.tail.pop_front()
        {
            return Ok(Some(self.within(part)));
        }
        while let Some(header) = self.header().await? {
            let bloom = sealed::open_filter(&self.index.sealer, self.generation, &header)?;
            if !self.filter.may_be_in(&bloom) {
                continue;
            }
            let found = self.index.segment(self.generation, &header).await?;
            // One that is gone was older than anything is kept.
            if let Some(segment) = found {
                let rows = 0..segment.rows_up_to(self.stored);
                return Ok(Some(self.within(Part { segment, rows })));
            }
        }
        Ok(self.tail.pop_front().map(|part| self.within(part)))
    }

    /// Without what lies outside the positions asked for.
    fn within(&self, part: Part) -> Part {
        let (first, last) = self.positions;
        let before = part.segment.rows_up_to(Position(first.0.saturating_sub(1)));
        let rows = part.rows.start.max(before)..part.rows.end.min(part.segment.rows_up_to(last));
        Part { rows, ..part }
    }

    async fn header(&mut self) -> Result<Option<SegmentHeader>, StoreError> {
        if self.headers.is_empty()
            && let Some(numbers) = self.numbers
        {
            let (from, to) = self.filter.times();
            let range = SegmentRange {
                generation: self.generation,
                owner: &self.owner,
                from,
                to,
                positions: self.positions,
                numbers,
                newest_first: self.newest_first,
                limit: HEADERS,
            };
            self.headers = self.index.store.headers(range).await?.into();
            self.numbers = self.headers.back().filter(|_| self.headers.len() == HEADERS).and_then(|last| {
                match self.newest_first {
                    true => Some((numbers.0, last.number.checked_sub(1)?)),
                    false => Some((last.number + 1, numbers.1)),
                }
            });
        }
        Ok(self.headers.pop_front())
    }
}
