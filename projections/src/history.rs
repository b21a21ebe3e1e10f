//! Time travel: the fold of one stream that stops earlier. And values of older versions.

use std::sync::Arc;

use scaivault_domain::secret::{Facts, SecretEvent};
use scaivault_domain::{Event, Timestamp, secret::Secret};
use scaivault_eventstore::log::Backend;
use scaivault_eventstore::sealing::{SealedValue, Sealer};
use scaivault_eventstore::{Position, Revision, StoreError, StreamId};

use crate::decode::{Decoded, decode};

/// Records read from a stream at once.
const PAGE: usize = 500;

/// Reads the past from the log.
#[derive(Clone)]
pub struct History {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) sealer: Sealer,
}

impl History {
    /// Over this log.
    pub fn new(backend: Arc<dyn Backend>, sealer: Sealer) -> Self {
        Self { backend, sealer }
    }

    /// A secret as it was at `at`; `None` before its first version. Only its present life counts:
    /// what was hard-deleted is as if it had never been.
    pub async fn secret_at(&self, stream: StreamId, at: Timestamp) -> Result<Option<Secret>, StoreError> {
        let mut state: Option<Secret> = None;
        let mut after = Revision::NONE;
        loop {
            let records = self.backend.read_stream(stream, after, PAGE).await?;
            for record in &records {
                after = record.revision;
                let Decoded::Event { recorded, .. } = decode(&self.sealer, record)? else { continue };
                let Event::Secret(path, event) = recorded.body.event else { continue };
                // A later life, or the end of this one, takes the earlier moment along.
                let restarts = matches!(event, SecretEvent::Created { .. } | SecretEvent::Destroyed { .. });
                if recorded.body.at > at {
                    if restarts {
                        state = None;
                    }
                    continue;
                }
                let facts =
                    Facts { position: recorded.position, at: recorded.body.at, actor: Some(recorded.body.actor) };
                state = Secret::evolve(state, &path, &event, &facts);
            }
            if records.len() < PAGE {
                return Ok(state);
            }
        }
    }

    /// The value in the record at `position`, sealed; `None` once it is destroyed.
    pub async fn value_at(&self, position: u64) -> Result<Option<SealedValue>, StoreError> {
        let position = Position(position);
        let missing = || StoreError::damaged(position, "the record is missing");
        let record = self.backend.read_at(position).await?.ok_or_else(missing)?;
        match decode(&self.sealer, &record)? {
            Decoded::Event { value, .. } => Ok(value),
            Decoded::Erased | Decoded::ErasedEntries { .. } => Ok(None),
            Decoded::Access { .. } => Err(StoreError::damaged(position, "the record holds no secret value")),
        }
    }
}
