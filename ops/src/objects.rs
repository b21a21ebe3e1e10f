//! Places for audit exports: a directory of this server, and object stores of three kinds.

mod cloud;
mod directory;
mod guarded;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scaivault_commands::export::store::{ObjectStores, Opening, Store, StoreFault};
use scaivault_domain::export::StoreKind;
use scaivault_domain::id::ExportId;

/// Longest time for one call of a store, attempts included.
const PATIENCE: Duration = Duration::from_secs(120);

/// The places of this server.
pub(crate) struct Objects {
    /// Below it each export has a directory; `None`: files are not kept here.
    directory: Option<PathBuf>,
}

impl Objects {
    /// With `EXPORT_DIR`.
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }
}

#[async_trait]
impl ObjectStores for Objects {
    fn keeps_files(&self) -> bool {
        self.directory.is_some()
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Arc<dyn Store>, StoreFault> {
        match opening.destination.kind {
            StoreKind::File => {
                let directory = self.directory.as_ref().ok_or(StoreFault::Unusable("there is no export directory"))?;
                Ok(Arc::new(directory::Files::new(directory.join(opening.id.as_str()))))
            }
            StoreKind::S3 | StoreKind::Gcs | StoreKind::AzureBlob => Ok(Arc::new(cloud::Cloud::open(opening)?)),
        }
    }

    async fn kept(&self) -> Result<Vec<ExportId>, StoreFault> {
        match &self.directory {
            Some(directory) => within(directory::kept(directory)).await,
            None => Ok(Vec::new()),
        }
    }

    async fn delete(&self, id: &ExportId) -> Result<(), StoreFault> {
        match &self.directory {
            Some(directory) => within(directory::delete(&directory.join(id.as_str()))).await,
            None => Ok(()),
        }
    }
}

/// What comes of a call in time.
async fn within<T>(call: impl Future<Output = Result<T, StoreFault>>) -> Result<T, StoreFault> {
    tokio::time::timeout(PATIENCE, call).await.unwrap_or(Err(StoreFault::Unreachable))
}
