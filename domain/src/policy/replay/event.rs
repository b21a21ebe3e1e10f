//! What happens to replays.

use serde::{Deserialize, Serialize};

use super::{Base, ReplayFilters};
use crate::Timestamp;
use crate::id::ReplayId;

/// A replay was asked for. Its proposal lies beside it, as the erasable part of its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayCreated {
    /// Which.
    pub id: ReplayId,
    /// What the proposal is laid over.
    pub base: Base,
    /// Decisions on requests that arrived then or later.
    pub from: Timestamp,
    /// Decisions on requests that arrived before.
    pub to: Timestamp,
    /// What is older is kept no more.
    pub since: Timestamp,
    /// Which of them.
    #[serde(default)]
    pub filters: ReplayFilters,
}

/// Something that happened to a replay. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReplayEvent {
    /// It was asked for.
    #[serde(rename = "policy_replay.created")]
    Created(ReplayCreated),
    /// It has come so far: another process goes on from here. The differences so far lie beside it, as the erasable part
    /// of its record.
    #[serde(rename = "policy_replay.progressed")]
    Progressed {
        /// Which.
        id: ReplayId,
        /// Where it began in the log.
        from: u64,
        /// The last record that it has gone over.
        reached: u64,
        /// Where it is to end.
        to: u64,
        /// Decisions judged again.
        evaluated: u64,
        /// Of these, allowed and would be denied.
        allowed_to_denied: u64,
        /// Denied and would be allowed.
        denied_to_allowed: u64,
    },
    /// It has come to its end. The differences lie beside it, as the erasable part of its record.
    #[serde(rename = "policy_replay.completed")]
    Completed {
        /// Which.
        id: ReplayId,
        /// Decisions judged again.
        evaluated: u64,
        /// Of these, allowed and would be denied.
        allowed_to_denied: u64,
        /// Denied and would be allowed.
        denied_to_allowed: u64,
    },
    /// It cannot be carried out.
    #[serde(rename = "policy_replay.failed")]
    Failed {
        /// Which.
        id: ReplayId,
        /// Code of the contract.
        code: String,
        /// For people.
        message: String,
    },
}

impl ReplayEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 4] =
        ["policy_replay.created", "policy_replay.progressed", "policy_replay.completed", "policy_replay.failed"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created(_) => "policy_replay.created",
            Self::Progressed { .. } => "policy_replay.progressed",
            Self::Completed { .. } => "policy_replay.completed",
            Self::Failed { .. } => "policy_replay.failed",
        }
    }
}
