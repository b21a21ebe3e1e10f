//! What was decided on past requests, read back from their audit entries.

use scaivault_domain::policy::Recollection;
use scaivault_domain::{IdentityId, IdentityType, Timestamp};
use scaivault_eventstore::StoreError;
use serde::Deserialize;

use crate::audit::FoundEntry;

/// One entry of a request, with what was kept beside it.
#[derive(Clone, Debug)]
pub struct RecordedDecision {
    /// Of the entry, `log_…`.
    pub id: String,
    /// When the request arrived.
    pub timestamp: Timestamp,
    /// Kind of identity.
    pub identity_type: Option<IdentityType>,
    /// Who.
    pub identity_id: Option<IdentityId>,
    /// Code of the outcome; `None` for a success.
    pub error_code: Option<String>,
    /// What was asked for, where path policies govern.
    pub permission: Option<String>,
    /// On which path.
    pub path: Option<String>,
    /// The policy that permitted.
    pub policy_id: Option<String>,
    /// Its revision.
    pub policy_revision: Option<u64>,
    /// Its rule.
    pub rule_index: Option<usize>,
    /// The condition that denied.
    pub failed_condition: Option<String>,
    /// What was kept beside the entry.
    pub recollection: Recollection,
}

#[derive(Deserialize)]
struct StoredEntry {
    id: String,
    timestamp: Timestamp,
    identity_type: Option<IdentityType>,
    identity_id: Option<IdentityId>,
    error_code: Option<String>,
    secret_path: Option<String>,
    extra_data: StoredExtra,
}

#[derive(Deserialize)]
struct StoredExtra {
    permission: Option<String>,
    policy_id: Option<String>,
    policy_revision: Option<u64>,
    rule_index: Option<usize>,
    failed_condition: Option<String>,
}

impl RecordedDecision {
    /// What an entry tells of the decision.
    pub fn of(entry: &FoundEntry) -> Result<Self, StoreError> {
        let malformed = |error| StoreError::damaged(entry.place.position, format!("an entry is malformed: {error}"));
        let stored: StoredEntry = serde_json::from_str(&entry.json).map_err(malformed)?;
        let recollection = entry.detail.as_deref().map(serde_json::from_str).transpose().map_err(malformed)?;
        Ok(stored.with(recollection.unwrap_or_default()))
    }
}

impl StoredEntry {
    fn with(self, recollection: Recollection) -> RecordedDecision {
        RecordedDecision {
            id: self.id,
            timestamp: self.timestamp,
            identity_type: self.identity_type,
            identity_id: self.identity_id,
            error_code: self.error_code,
            permission: self.extra_data.permission,
            path: self.secret_path,
            policy_id: self.extra_data.policy_id,
            policy_revision: self.extra_data.policy_revision,
            rule_index: self.extra_data.rule_index,
            failed_condition: self.extra_data.failed_condition,
            recollection,
        }
    }
}
