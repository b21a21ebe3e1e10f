//! Places for objects as a port: an object is written from beginning to end, or is not there.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use scaivault_domain::ErrorCode;
use scaivault_domain::address::AddressRules;
use scaivault_domain::export::{Destination, ExportFault};
use scaivault_domain::id::ExportId;
use std::sync::Arc;

use super::credentials::StoreCredentials;

/// Opens places for objects.
#[async_trait]
pub trait ObjectStores: Send + Sync {
    /// Whether this server has a directory for files of its own.
    fn keeps_files(&self) -> bool;

    /// Opens a place. Nothing is asked there yet.
    fn open(&self, opening: &Opening<'_>) -> Result<Arc<dyn Store>, StoreFault>;

    /// The exports whose files lie on this server.
    async fn kept(&self) -> Result<Vec<ExportId>, StoreFault>;

    /// Deletes the files of an export that lie on this server.
    async fn delete(&self, id: &ExportId) -> Result<(), StoreFault>;
}

/// Which place to open.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// For which export.
    pub id: &'a ExportId,
    /// Where.
    pub destination: &'a Destination,
    /// With what; files need nothing.
    pub credentials: Option<&'a StoreCredentials>,
    /// Which addresses may be connected to.
    pub addresses: AddressRules,
}

/// An open place. Every call ends within a time limit.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins an object. One of that name that is there is replaced, but not before the new one is finished.
    async fn begin(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StoreFault>;

    /// Reads an object.
    async fn read(&self, name: &str) -> Result<StoredObject, StoreFault>;
}

/// An object that is being written. It is there once `finish` has answered; dropped before, it is not.
#[async_trait]
pub trait ObjectWriter: Send {
    /// Adds to it.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreFault>;

    /// Completes it.
    async fn finish(self: Box<Self>) -> Result<(), StoreFault>;

    /// Gives it up, and what was stored of it.
    async fn abandon(self: Box<Self>);
}

/// An object to be read.
pub struct StoredObject {
    /// Its length.
    pub bytes: u64,
    /// Its content.
    pub content: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Why a place cannot be used. Says nothing of what was sent or answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// What describes it, or opens it, makes no sense.
    #[error("The destination cannot be used: {0}")]
    Unusable(&'static str),
    /// Not an address that may be connected to.
    #[error("The address of the object store may not be connected to")]
    BlockedAddress,
    /// Nobody answers there, or not in time.
    #[error("The object store cannot be reached")]
    Unreachable,
    /// TLS failed.
    #[error("TLS with the object store failed")]
    Tls,
    /// It does not take the credentials, or they do not permit this.
    #[error("The object store refuses the credentials")]
    Refused,
    /// No such bucket, container or object.
    #[error("The object store has no such bucket or object")]
    Missing,
    /// It fails by its own account.
    #[error("The object store fails with status {0}")]
    Failing(u16),
    /// It answered something else that is no success.
    #[error("The object store did not accept a request")]
    Unexpected,
    /// A directory of the server cannot be written or read.
    #[error("The export directory cannot be used ({0})")]
    Directory(std::io::ErrorKind),
}

impl StoreFault {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable | Self::Failing(_) | Self::Directory(_) => true,
            Self::Unusable(_) | Self::BlockedAddress | Self::Tls | Self::Refused | Self::Missing | Self::Unexpected => {
                false
            }
        }
    }
}

impl From<&StoreFault> for ExportFault {
    fn from(fault: &StoreFault) -> Self {
        Self { code: ErrorCode::BackendError.as_str().into(), message: fault.to_string().into() }
    }
}
