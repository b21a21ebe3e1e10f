//! Publishes the log, each record at the sequence that is its position.
//!
//! Every process publishes what it committed itself, and leaves the rest to those who did. Only
//! when the stream stands still does it publish what they owe: they may be gone.

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::{Future, IntoFuture as _};
use std::pin::Pin;
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{self, ErrorCode};
use tokio::time::{sleep, timeout};

use super::error::BusError;
use super::stream::Stream;
use super::{Shared, chance, message};
use crate::log::feed::{Batch, FeedReader, Origin};
use crate::record::Record;
use crate::{Position, StoreError, merkle};

/// Messages on the way to the server, and their bytes.
const WINDOW: usize = 512;
const WINDOW_BYTES: usize = 8 * 1024 * 1024;
/// How long the stream may stand still before others' records are published, and what chance adds,
/// so that one process begins and the rest sees it.
const GRACE: Duration = Duration::from_millis(100);
const GRACE_CHANCE: Duration = Duration::from_millis(200);
/// Pauses after conflicts with nothing published in between; chance takes from them.
const CONFLICT_FIRST: Duration = Duration::from_millis(50);
const CONFLICT_LONGEST: Duration = Duration::from_secs(2);
/// Room for the headers of a message.
const HEADERS: usize = 2048;
/// Records the stream may be ahead before they are skipped rather than read.
const SKIP: u64 = 2000;

type Ack = Pin<Box<dyn Future<Output = Result<PublishAck, PublishError>> + Send>>;

/// A message that was sent and not acknowledged yet.
struct Sent {
    sequence: u64,
    bytes: usize,
    ack: Ack,
}

/// Why publishing stops where it is.
enum Halt {
    /// The stream does not end where it was thought to: look, and go on from there.
    Conflict,
    /// The session is over.
    Over(BusError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Over(error.into())
    }
}

/// Publishes until something breaks.
pub(super) async fn publish(shared: &Shared, stream: &Stream) -> BusError {
    let longest = stream.context.client().server_info().max_payload.saturating_sub(HEADERS);
    let relay = Relay {
        shared,
        stream,
        longest,
        sent: stream.tail,
        window: VecDeque::new(),
        bytes: 0,
        filling: false,
        pause: CONFLICT_FIRST,
    };
    relay.run().await
}

struct Relay<'s> {
    shared: &'s Shared,
    stream: &'s Stream,
    longest: usize,
    /// The last sequence sent, or seen in the stream.
    sent: u64,
    window: VecDeque<Sent>,
    bytes: usize,
    /// The stream stood still, so that others' records are published too.
    filling: bool,
    /// After the next conflict.
    pause: Duration,
}

impl Relay<'_> {
    async fn run(mut self) -> BusError {
        let mut reader = self.reader();
        loop {
            let done = match self.next(&mut reader).await {
                Ok(batch) => self.publish(batch).await,
                Err(halt) => Err(halt),
            };
            match done {
                Ok(()) if self.sent > reader.position().0.saturating_add(SKIP) => reader = self.reader(),
                Ok(()) => {}
                Err(Halt::Over(error)) => return error,
                Err(Halt::Conflict) => match self.resume().await {
                    Ok(()) => reader = self.reader(),
                    Err(error) => return error,
                },
            }
        }
    }

    fn reader(&self) -> FeedReader {
        self.shared.feed.reader(Position(self.sent))
    }

    /// The next records of the log; acknowledgements are taken meanwhile.
    async fn next(&mut self, reader: &mut FeedReader) -> Result<Batch, Halt> {
        loop {
            let Some(oldest) = self.window.front_mut() else { return Ok(reader.next().await?) };
            tokio::select! {
                biased;
                batch = reader.next() => return Ok(batch?),
                ack = &mut oldest.ack => self.settle(ack)?,
            }
        }
    }

    async fn publish(&mut self, batch: Batch) -> Result<(), Halt> {
        let mut batch = self.missing(batch);
        if batch.origin() == Origin::Own {
            self.filling = false;
        } else if let Some(last) = batch.last()
            && !self.filling
        {
            wait_for_others(self.shared, last).await;
            batch = self.missing(batch);
            self.filling = !batch.is_empty();
        }
        if batch.origin() == Origin::Log {
            batch.records().iter().try_for_each(merkle::check_leaf)?;
        }
        for record in batch.records() {
            if record.position.0 != self.sent + 1 {
                return Err(Halt::Conflict);
            }
            while self.window.len() >= WINDOW || self.bytes >= WINDOW_BYTES {
                self.await_oldest().await?;
            }
            self.send(record).await?;
        }
        Ok(())
    }

    /// Those of `batch` that the stream does not have. What was committed here and is there already
    /// was published by somebody else: found out by trying, which has it looked at.
    fn missing(&mut self, batch: Batch) -> Batch {
        if batch.origin() != Origin::Own {
            self.sent = self.sent.max(*self.shared.tail.borrow());
        }
        batch.starting_at(Position(self.sent).next())
    }

    async fn send(&mut self, record: &Record) -> Result<(), Halt> {
        let sequence = record.position.0;
        let (headers, payload) = message::encode(record, &self.shared.source, self.longest)
            .map_err(|error| Halt::Over(BusError::Encode(error)))?;
        let bytes = payload.len();
        let message = PublishMessage::build()
            .headers(headers)
            .payload(payload)
            .message_id(sequence.to_string())
            .expected_last_sequence(sequence - 1);
        let sent = self.stream.context.send_publish(self.stream.subject.clone(), message).await;
        let ack = Box::pin(sent.map_err(halt)?.into_future());
        self.window.push_back(Sent { sequence, bytes, ack });
        self.bytes += bytes;
        self.sent = sequence;
        Ok(())
    }

    async fn await_oldest(&mut self) -> Result<(), Halt> {
        let Some(oldest) = self.window.front_mut() else { return Ok(()) };
        let ack = (&mut oldest.ack).await;
        self.settle(ack)
    }

    /// Takes the answer to the oldest message.
    fn settle(&mut self, ack: Result<PublishAck, PublishError>) -> Result<(), Halt> {
        let Some(oldest) = self.window.pop_front() else { return Ok(()) };
        self.bytes -= oldest.bytes;
        let ack = ack.map_err(halt)?;
        // Somebody else's publishing of it is not taken on trust either.
        if ack.duplicate || ack.sequence != oldest.sequence {
            return Err(Halt::Conflict);
        }
        self.shared.reached(ack.sequence);
        self.pause = CONFLICT_FIRST;
        Ok(())
    }

    /// Finds out where the stream ends, and goes on from there.
    async fn resume(&mut self) -> Result<(), BusError> {
        self.window.clear();
        self.bytes = 0;
        self.filling = false;
        sleep(chance(self.pause)).await;
        self.pause = (self.pause * 2).min(CONFLICT_LONGEST);
        let tail = self.stream.check(self.shared).await?;
        tracing::debug!(tail, "the stream ends elsewhere than thought");
        self.shared.reached(tail);
        self.sent = tail;
        Ok(())
    }
}

/// Until the stream has `last`, or stands still.
async fn wait_for_others(shared: &Shared, last: Position) {
    let mut tail = shared.tail.subscribe();
    while *tail.borrow_and_update() < last.0 {
        let grace = GRACE + chance(GRACE_CHANCE);
        if !matches!(timeout(grace, tail.changed()).await, Ok(Ok(()))) {
            return;
        }
    }
}

fn halt(error: PublishError) -> Halt {
    let answer = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    if answer.is_some_and(|answer| answer.error_code() == ErrorCode::STREAM_STORE_FAILED) {
        return Halt::Over(BusError::Broken);
    }
    let kind = error.kind();
    if kind == PublishErrorKind::WrongLastSequence { Halt::Conflict } else { Halt::Over(BusError::Publish(kind)) }
}
