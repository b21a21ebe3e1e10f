//! Rotations as they are told: each from the record that says what became of it.

use scaivault_domain::publication::EventKey;
use scaivault_domain::rotation::{RotationPolicyId, Trigger};
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::secret::event::{FailedRotation, Rotation};
use scaivault_domain::{Event, IdentityId, SecretPath, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use crate::decode::{Decoded, decode};
use crate::history::History;

/// Place of `rotation.completed` among the events that a new version publishes, and of `rotation.failed`.
const COMPLETED: u32 = 2;
const FAILED: u32 = 0;

/// A rotation, or an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The published event.
    pub event_id: String,
    /// Under which policy.
    pub policy: RotationPolicyId,
    /// Of which secret.
    pub path: SecretPath,
    /// What brought it about.
    pub trigger: Trigger,
    /// Who.
    pub initiated_by: IdentityId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Number of the attempt for its due date.
    pub attempt: u32,
    /// What came of it.
    pub result: ItemResult,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemResult {
    /// A new version.
    Success {
        /// The version that was replaced.
        old_version: Option<u32>,
        /// By which.
        new_version: u32,
        /// Whether its value was made here.
        auto_generated: bool,
        /// Until when the replaced one is readable.
        grace_period_ends: Timestamp,
    },
    /// No value could be made.
    Failed {
        /// The version that stayed.
        old_version: Option<u32>,
        /// Code of the contract.
        code: String,
        /// For people.
        message: String,
    },
}

/// What the record at `position` tells; `None` if that is no rotation under a policy.
pub async fn item(history: &History, position: u64) -> Result<Option<Item>, StoreError> {
    let missing = || StoreError::damaged(Position(position), "the record is missing");
    let record = history.backend.read_at(Position(position)).await?.ok_or_else(missing)?;
    let Decoded::Event { recorded, .. } = decode(&history.sealer, &record)? else { return Ok(None) };
    let (at, actor) = (recorded.body.at, recorded.body.actor);
    let event_id = |index| EventKey { position: recorded.position, index }.id(recorded.recorded_at);
    let Event::Secret(path, event) = recorded.body.event else { return Ok(None) };
    if let SecretEvent::RotationFailed(failed) = event {
        let FailedRotation { policy, trigger, started_at, old_version, attempt, code, message, .. } = failed;
        let result = ItemResult::Failed { old_version, code: code.to_string(), message: message.to_string() };
        let policy = policy.reference.id;
        let (event_id, initiated_by) = (event_id(FAILED), actor);
        return Ok(Some(Item {
            event_id,
            policy,
            path,
            trigger,
            initiated_by,
            started_at,
            completed_at: at,
            attempt,
            result,
        }));
    }
    let SecretEvent::VersionAdded { version, previous_version, rotation: Some(rotation), .. } = event else {
        return Ok(None);
    };
    let Rotation { grace_ends_at, under, .. } = rotation;
    Ok(under.map(|under| Item {
        event_id: event_id(COMPLETED),
        policy: under.policy.reference.id,
        path,
        trigger: under.trigger,
        initiated_by: actor,
        started_at: under.started_at,
        completed_at: at,
        attempt: under.attempt,
        result: ItemResult::Success {
            old_version: previous_version,
            new_version: version,
            auto_generated: under.auto_generated,
            grace_period_ends: grace_ends_at,
        },
    }))
}
