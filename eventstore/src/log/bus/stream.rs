//! The stream: made when it is missing, replaced when it does not fit the log, never used when it
//! is somebody else's.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RawMessageErrorKind, Stream as Handle};
use async_nats::jetstream::{self, Context, ErrorCode};
use tokio::time::sleep;

use super::error::BusError;
use super::{Shared, chance, message};
use crate::record::hex;
use crate::{Position, StoreError};

/// How long messages are kept. Who is further behind reads the log.
const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of messages that are kept; older ones make room.
const MAX_BYTES: i64 = 256 * 1024 * 1024;
/// Records that are published at most when a stream is filled anew, where the server lets it begin
/// at any number; else all are, and the oldest make room again.
const REFILL: u64 = 100_000;
/// How far apart processes replace a stream, at most.
const APART: Duration = Duration::from_secs(1);
/// Copies on a cluster of servers.
const REPLICAS: usize = 3;
/// Begins the description of every stream of ours; the installation's id follows.
const DESCRIPTION: &str = "ScaiVault log of installation ";

/// The stream of this installation, found to fit the log.
pub(super) struct Stream {
    pub(super) context: Context,
    pub(super) handle: Handle,
    pub(super) subject: String,
    opened: Info,
    /// Its last sequence when it was opened.
    pub(super) tail: u64,
}

impl Stream {
    /// Finds or makes the stream, and has it end where publishing goes on: nowhere beyond the log,
    /// and not before what is worth publishing.
    ///
    /// One that is `broken` is made anew: the server no longer stores what is published to it.
    pub(super) async fn open(shared: &Shared, client: Client, broken: bool) -> Result<Self, BusError> {
        let context = jetstream::new(client);
        let name = format!("{}-log", shared.options.prefix);
        let subject = format!("{}.log", shared.options.prefix);
        let description = format!("{DESCRIPTION}{}", hex(&shared.options.installation_id));
        let plan = Plan { context: &context, name, subject: &subject, description };
        let mut handle = plan.find_or_make().await?;
        let found = handle.cached_info().clone();
        match found.config.description.as_deref() {
            Some(text) if text == plan.description && broken => {
                tracing::warn!(stream = plan.name, "the server does not store into the stream; it is made anew");
                handle = plan.replace(&found).await?;
            }
            Some(text) if text == plan.description => {
                if !fits(shared, &handle, &found).await? {
                    tracing::warn!(stream = plan.name, "the stream does not fit the log; it is made anew from the log");
                    handle = plan.replace(&found).await?;
                }
            }
            Some(text) if text.starts_with(DESCRIPTION) => {
                // A living installation has consumers. Left behind by one that is gone, it is ours to take.
                if found.state.consumer_count > 0 {
                    return Err(BusError::Foreign);
                }
                tracing::warn!(
                    stream = plan.name,
                    "the stream is of another installation that does not use it; it is made anew"
                );
                handle = plan.replace(&found).await?;
            }
            Some(_) | None => return Err(BusError::Occupied),
        }
        let opened = handle.cached_info().clone();
        let mut tail = opened.state.last_sequence;
        // Servers before 2.10 forget the new number when they compare it with what a publisher expects.
        if context.client().is_server_compatible(2, 10, 0) {
            tail = skip_old(shared, &handle, tail).await?;
        }
        Ok(Self { context, handle, subject, opened, tail })
    }

    /// Looks at it again: its last sequence, if it is still the same stream and fits the log.
    pub(super) async fn check(&self, shared: &Shared) -> Result<u64, BusError> {
        let info = self.look().await?;
        match fits(shared, &self.handle, &info).await? {
            true => Ok(info.state.last_sequence),
            // Opening it anew tells what to do.
            false => Err(BusError::Unconfirmed(Position(info.state.last_sequence))),
        }
    }

    /// Its state, if it is still the same stream.
    pub(super) async fn look(&self) -> Result<Info, BusError> {
        let info = self.handle.get_info().await.map_err(|error| BusError::Silent(error.kind()))?;
        if info.created == self.opened.created { Ok(info) } else { Err(BusError::Replaced) }
    }
}

/// How the stream is to be.
struct Plan<'p> {
    context: &'p Context,
    name: String,
    subject: &'p str,
    description: String,
}

impl Plan<'_> {
    async fn find_or_make(&self) -> Result<Handle, BusError> {
        let missing = |kind: &GetStreamErrorKind| matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND);
        match self.context.get_stream(&self.name).await {
            Ok(found) => Ok(found),
            Err(error) if missing(&error.kind()) => self.make().await,
            Err(error) => Err(BusError::Look(error.kind())),
        }
    }

    /// Limits may be changed later by whoever runs the servers: only the name and the description
    /// are looked at again.
    async fn make(&self) -> Result<Handle, BusError> {
        let config = |replicas| Config {
            name: self.name.clone(),
            description: Some(self.description.clone()),
            subjects: vec![self.subject.to_owned()],
            discard: DiscardPolicy::Old,
            max_age: MAX_AGE,
            max_bytes: MAX_BYTES,
            num_replicas: replicas,
            ..Config::default()
        };
        let too_many = |kind: &CreateStreamErrorKind| {
            let codes = [ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED, ErrorCode::CLUSTER_NO_PEERS];
            matches!(kind, CreateStreamErrorKind::JetStream(error) if codes.contains(&error.error_code()))
        };
        let there = |kind: &CreateStreamErrorKind| matches!(kind, CreateStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST);
        let mut made = self.context.create_stream(config(REPLICAS)).await;
        if made.as_ref().is_err_and(|error| too_many(&error.kind())) {
            made = self.context.create_stream(config(1)).await;
        }
        match made {
            Ok(made) => Ok(made),
            // Another process was first, and asked for another number of copies.
            Err(error) if there(&error.kind()) => {
                self.context.get_stream(&self.name).await.map_err(|error| BusError::Look(error.kind()))
            }
            Err(error) => Err(BusError::Create(error.kind())),
        }
    }

    /// Replaces the very stream that was judged: another process may have done so already.
    /// So that two do not delete at once, which leaves some servers with a stream without files, each
    /// waits a while of its own before the last look.
    async fn replace(&self, judged: &Info) -> Result<Handle, BusError> {
        sleep(chance(APART)).await;
        let found = self.find_or_make().await?;
        if found.cached_info().created != judged.created {
            return Err(BusError::Replaced);
        }
        self.context.delete_stream(&self.name).await.map_err(|error| BusError::Delete(error.kind()))?;
        self.make().await
    }
}

/// Whether the stream can be of this log: it ends within it, at the very record.
async fn fits(shared: &Shared, handle: &Handle, info: &Info) -> Result<bool, BusError> {
    let last = info.state.last_sequence;
    if last == 0 {
        return Ok(true);
    }
    // Asked after the stream: what is published has been committed.
    let Some(record) = shared.backend.read_at(Position(last)).await? else { return Ok(false) };
    match handle.get_raw_message(last).await {
        Ok(found) => Ok(message::leaf(&found.headers) == Some(record.leaf_hash)),
        // Too old to be there still: nothing speaks against it.
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(true),
        Err(error) => Err(BusError::Read(error.kind())),
    }
}

/// Moves the end of a stream that is far behind to right before the oldest record worth publishing.
/// Returns its last sequence.
async fn skip_old(shared: &Shared, handle: &Handle, tail: u64) -> Result<u64, BusError> {
    let oldest = oldest_wanted(shared, tail).await?;
    if oldest <= tail + 1 {
        return Ok(tail);
    }
    handle.purge().sequence(oldest).await.map_err(|error| BusError::Purge(error.kind()))?;
    let info = handle.get_info().await.map_err(|error| BusError::Silent(error.kind()))?;
    Ok(info.state.last_sequence)
}

/// The first record after `tail` that is within what the stream keeps, seen from the log's end.
async fn oldest_wanted(shared: &Shared, tail: u64) -> Result<u64, StoreError> {
    let head = shared.backend.head().await?;
    let horizon = head.recorded_at.0.saturating_sub(i64::try_from(MAX_AGE.as_micros()).unwrap_or(i64::MAX));
    let (mut low, mut high) = ((tail + 1).max(head.position.0.saturating_sub(REFILL) + 1), head.position.0);
    if low > high {
        return Ok(tail + 1);
    }
    // Times never decrease along the log. Most often the first is recent enough.
    let mut middle = low;
    while low < high {
        match shared.backend.read_at(Position(middle)).await? {
            Some(record) if record.recorded_at.0 < horizon => low = middle + 1,
            Some(_) | None => high = middle,
        }
        middle = low + (high - low) / 2;
    }
    Ok(low)
}
