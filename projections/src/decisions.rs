//! What was decided on past requests, read back from their audit entries.

use std::time::Duration;

use scaivault_domain::policy::Recollection;
use scaivault_domain::{IdentityId, IdentityType, Owner, Timestamp, id};
use scaivault_eventstore::{Position, Record, StoreError};
use serde::Deserialize;

use crate::decode::{Decoded, decode};
use crate::history::History;

/// Records read at once where the log is searched.
const PAGE: usize = 200;
/// How long after its arrival a request may be recorded: longer than any may take.
const RECORDED_WITHIN: Duration = Duration::from_secs(60);
/// Within which time all entries of one request are recorded.
const TOGETHER_MICROS: i64 = 1_000_000;
/// Most records that a search looks at.
const MOST: usize = 50_000;

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
    request_id: String,
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

impl History {
    /// Entries of a request in the log of `owner`, in log order: those in the records at `positions`,
    /// or if there are none, what is found about when a request id of our own making was made.
    pub async fn decisions(
        &self,
        owner: &Owner,
        request_id: &str,
        positions: &[Position],
    ) -> Result<Vec<RecordedDecision>, StoreError> {
        let mut found = Vec::new();
        // An id that a client gives to everything it asks for is told of as often as can be looked up.
        let latest = positions.len().saturating_sub(MOST / PAGE);
        for position in positions.iter().skip(latest) {
            if let Some(record) = self.backend.read_at(*position).await? {
                self.collect(owner, request_id, &record, &mut found)?;
            }
        }
        match id::request_made_at(request_id).filter(|_| found.is_empty()) {
            Some(at) => self.search(owner, request_id, at).await,
            None => Ok(found),
        }
    }

    async fn search(
        &self,
        owner: &Owner,
        request_id: &str,
        from: Timestamp,
    ) -> Result<Vec<RecordedDecision>, StoreError> {
        let until = from.plus_seconds(i64::try_from(RECORDED_WITHIN.as_secs()).unwrap_or(i64::MAX));
        let mut after = self.last_before(from).await?;
        let mut until = until.as_micros();
        let mut found = Vec::new();
        for _ in 0..MOST / PAGE {
            let records = self.backend.read(after, PAGE).await?;
            for record in &records {
                after = record.position;
                if record.recorded_at.0 > until {
                    return Ok(found);
                }
                self.collect(owner, request_id, record, &mut found)?;
                if !found.is_empty() {
                    until = until.min(record.recorded_at.0 + TOGETHER_MICROS);
                }
            }
            if records.len() < PAGE {
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// The last position whose record is older than `at`. Times never decrease along the log.
    async fn last_before(&self, at: Timestamp) -> Result<Position, StoreError> {
        let (mut older, mut newer) = (0, self.backend.head().await?.position.0 + 1);
        while newer - older > 1 {
            let middle = older + (newer - older) / 2;
            let record = self.backend.read_at(Position(middle)).await?;
            match record.is_some_and(|record| record.recorded_at.0 < at.as_micros()) {
                true => older = middle,
                false => newer = middle,
            }
        }
        Ok(Position(older))
    }

    fn collect(
        &self,
        owner: &Owner,
        request_id: &str,
        record: &Record,
        found: &mut Vec<RecordedDecision>,
    ) -> Result<(), StoreError> {
        if record.kind != scaivault_eventstore::sealing::access::ACCESS_RECORDED {
            return Ok(());
        }
        let Decoded::Access { owner: of_record, block } = decode(&self.sealer, record)? else { return Ok(()) };
        if of_record != *owner {
            return Ok(());
        }
        let malformed = |error| StoreError::damaged(record.position, format!("an entry is malformed: {error}"));
        for (json, detail) in block.entries().filter(|(json, _)| json.contains(request_id)) {
            let entry: StoredEntry = serde_json::from_str(json).map_err(malformed)?;
            if entry.request_id == request_id {
                let recollection = detail.map(serde_json::from_str).transpose().map_err(malformed)?;
                found.push(entry.with(recollection.unwrap_or_default()));
            }
        }
        Ok(())
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
