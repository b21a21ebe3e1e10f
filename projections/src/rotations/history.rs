//! What became of rotations under a policy: where the records are that tell it.

use imbl::Vector;
use scaivault_domain::{SecretPath, Timestamp};
use serde::{Deserialize, Serialize};

/// How a rotation came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new version is in place.
    Success,
    /// No value could be made.
    Failed,
}

/// A rotation, or an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// Position of the record that tells of it.
    pub position: u64,
    /// When.
    pub at: Timestamp,
    /// How it came out.
    pub outcome: Outcome,
    /// Of which secret.
    pub path: SecretPath,
}

/// The rotations under a policy, in log order.
#[derive(Clone, Debug, Default)]
pub(super) struct History(Vector<HistoryRow>);

impl History {
    pub(super) fn push(&mut self, row: HistoryRow) {
        self.0.push_back(row);
    }

    /// Those before a position.
    pub(super) fn newest_first(&self, before: u64) -> impl Iterator<Item = &HistoryRow> {
        let end = self.0.binary_search_by_key(&before, |row| row.position).unwrap_or_else(|end| end);
        self.0.iter().take(end).rev()
    }
}
