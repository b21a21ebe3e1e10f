//! Why a session on the bus ended. All of it passes or waits for an operator; none of it stops a node.

use async_nats::jetstream::context::{CreateStreamErrorKind, DeleteStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::context::{PublishErrorKind, RequestErrorKind};
use async_nats::jetstream::stream::{ConsumerErrorKind, PurgeErrorKind, RawMessageErrorKind};

use crate::{Position, StoreError};

/// What ended a session. No text holds an address or a credential.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    #[error("a NATS address cannot be used")]
    Address,
    #[error("the file of NATS credentials cannot be used")]
    Credentials(#[source] std::io::Error),
    #[error("NATS cannot be reached: {0}")]
    Connect(async_nats::ConnectErrorKind),
    #[error("the connection to NATS is lost")]
    Disconnected,
    #[error("the stream cannot be looked at: {0}")]
    Look(GetStreamErrorKind),
    #[error("the stream does not answer: {0}")]
    Silent(RequestErrorKind),
    #[error("the stream cannot be made: {0}")]
    Create(CreateStreamErrorKind),
    #[error("the stream cannot be replaced: {0}")]
    Delete(DeleteStreamErrorKind),
    #[error("the start of the stream cannot be moved: {0}")]
    Purge(PurgeErrorKind),
    #[error("the end of the stream cannot be read: {0}")]
    Read(RawMessageErrorKind),
    #[error("the stream cannot be followed: {0}")]
    Follow(ConsumerErrorKind),
    #[error("following the stream broke off")]
    Unfollowed(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("a record cannot be published: {0}")]
    Publish(PublishErrorKind),
    #[error("a record cannot be put into a message")]
    Encode(#[source] cloudevents::message::Error),
    #[error("the stream of this name is not ScaiVault's; set NATS_PREFIX to another name")]
    Occupied,
    #[error("the stream of this name serves another installation; set NATS_PREFIX to another name")]
    Foreign,
    #[error("the server cannot store what is published")]
    Broken,
    #[error("the stream was replaced")]
    Replaced,
    #[error("the stream holds at {0} what the log does not confirm")]
    Unconfirmed(Position),
    #[error("the log cannot be asked")]
    Log(#[from] StoreError),
}
