//! Takes what other processes published into the feed, once the log has confirmed it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{Message, consumer::PullConsumer};
use futures_util::{FutureExt as _, StreamExt as _};

use super::error::BusError;
use super::stream::Stream;
use super::{Shared, message};
use crate::log::backend::Witness;
use crate::log::feed::Batch;
use crate::record::Record;
use crate::{Position, StoreError};

/// Messages the server may have on the way to us; their bodies are in memory.
const ON_THE_WAY: usize = 200;
/// A pull without messages is repeated after this.
const EXPIRES: Duration = Duration::from_secs(30);
/// A server that sends nothing at all for two of these has lost the consumer.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// The server forgets a consumer that nobody has asked for this long.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Follows the stream until something breaks.
pub(super) async fn follow(shared: &Shared, consumer: &PullConsumer) -> BusError {
    match following(shared, consumer).await {
        Ok(()) => BusError::Unfollowed(None),
        Err(error) => error,
    }
}

/// A consumer of what comes after the stream's present end: what is before that is in the log.
pub(super) async fn consumer(shared: &Shared, stream: &Stream) -> Result<PullConsumer, BusError> {
    let config = pull::Config {
        description: Some(format!("ScaiVault node {}", shared.options.node_id)),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: stream.tail + 1 },
        ack_policy: AckPolicy::None,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: FORGOTTEN,
        ..pull::Config::default()
    };
    stream.handle.create_consumer(config).await.map_err(|error| BusError::Follow(error.kind()))
}

async fn following(shared: &Shared, consumer: &PullConsumer) -> Result<(), BusError> {
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| BusError::Unfollowed(Some(error));
    let stream = consumer.stream().max_messages_per_batch(ON_THE_WAY).expires(EXPIRES).heartbeat(HEARTBEAT);
    let mut messages = stream.messages().await.map_err(|error| broken(error.into()))?;
    while let Some(first) = messages.next().await {
        let mut got = vec![first.map_err(|error| broken(error.into()))?];
        // What has arrived by now goes together.
        let mut over = None;
        while got.len() < ON_THE_WAY {
            match messages.next().now_or_never().flatten() {
                Some(Ok(message)) => got.push(message),
                Some(Err(error)) => {
                    over = Some(error);
                    break;
                }
                None => break,
            }
        }
        take(shared, &got).await?;
        if let Some(error) = over {
            return Err(broken(error.into()));
        }
    }
    Ok(())
}

/// Hands on those of `messages` that are news and true. Where one is missing or not to be used,
/// the log is looked at.
async fn take(shared: &Shared, messages: &[Message]) -> Result<(), BusError> {
    let told = shared.feed.told();
    let mut records: Vec<Record> = Vec::with_capacity(messages.len());
    let mut whole = true;
    let mut foreign: Option<Position> = None;
    let mut ends: Option<Position> = None;
    for message in messages {
        let Ok(info) = message.info() else { continue };
        let position = Position(info.stream_sequence);
        let headers = message.headers.as_ref();
        if !headers.is_some_and(|headers| message::claims(shared, headers, position)) {
            foreign = Some(position);
            break;
        }
        if position <= told {
            shared.reached(position.0);
            continue;
        }
        match headers.and_then(|headers| message::decode(shared, headers, &message.payload)) {
            Some(record) if records.last().is_none_or(|last| last.position.next() == record.position) => {
                records.push(record);
            }
            // The first of them are of use; the log has the rest.
            Some(_) | None => whole = false,
        }
        ends = Some(position);
    }
    let confirmed = confirm(shared, records).await;
    if let (Ok(()), Some(position)) = (&confirmed, ends) {
        shared.reached(position.0);
    }
    if !whole || foreign.is_some() || confirmed.is_err() {
        shared.feed.look();
    }
    match (confirmed, foreign) {
        // The log is away: it will be polled when it is back.
        (Ok(()) | Err(BusError::Log(StoreError::Unavailable(_))), None) => Ok(()),
        (Ok(()), Some(position)) => Err(BusError::Unconfirmed(position)),
        (Err(error), _) => Err(error),
    }
}

/// Compares `records`, which are consecutive, with what the log says of them, and publishes them.
async fn confirm(shared: &Shared, records: Vec<Record>) -> Result<(), BusError> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
    let (first, last) = (first.position, last.position);
    let age = (shared.clock)().0.saturating_sub(records.first().map_or(0, |record| record.recorded_at.0));
    let mut witnesses = shared.backend.witnesses(first, last).await?.into_iter();
    let mut confirmed = Vec::with_capacity(records.len());
    let mut refused: Option<Position> = None;
    for record in records {
        match witnesses.next() {
            Some(witness) if is_true(&record, &witness) => {
                confirmed.push(Record { data_key: witness.data_key, ..record });
            }
            Some(_) | None => {
                refused = Some(record.position);
                break;
            }
        }
    }
    if !confirmed.is_empty() {
        let age = Duration::from_micros(u64::try_from(age).unwrap_or_default());
        shared.feed.publish(Batch::received(confirmed, age));
    }
    refused.map_or(Ok(()), |position| Err(BusError::Unconfirmed(position)))
}

/// The message was found consistent with the leaf hash it claims; the log says which one is right.
fn is_true(record: &Record, witness: &Witness) -> bool {
    record.position == witness.position
        && record.leaf_hash == witness.leaf_hash
        && record.command_id == witness.command_id
}
