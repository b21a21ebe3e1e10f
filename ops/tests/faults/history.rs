//! What clients did and were told, with the moments of asking and of the answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What was asked of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// GET.
    Read,
    /// The row of the path in a list, or its absence.
    Row,
    /// PUT of a value nobody else writes.
    Write { value: u64, condition: Condition },
    /// DELETE, restorable.
    Delete,
    /// DELETE for good.
    Erase,
    /// POST …/restore.
    Restore,
}

/// On what a PUT depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Nothing.
    Always,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match`.
    Version(u64),
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// 200 of a GET.
    Value { version: u64, value: u64 },
    /// In a list, with this version.
    Listed { version: Option<u64> },
    /// 201 or 200 of a PUT.
    Wrote { version: u64, created: bool },
    /// 200 of a DELETE.
    Deleted,
    /// 204 of a DELETE.
    Erased,
    /// 200 of a restore that restored.
    Restored { version: u64 },
    /// 200 of a restore of what is not deleted.
    Unchanged { version: u64 },
    /// 404.
    Missing,
    /// 404 of what is soft-deleted.
    Gone,
    /// 409 `secret_exists`.
    Exists,
    /// 409 `version_conflict`.
    Conflict { current: Option<u64> },
}

impl Answer {
    /// Says what is there and changes nothing.
    pub fn observes(self) -> bool {
        !matches!(self, Self::Wrote { .. } | Self::Deleted | Self::Erased | Self::Restored { .. })
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Secret.
    pub path: String,
    /// What was asked.
    pub call: Call,
    /// Who answered; `None` if several were asked.
    pub node: Option<u64>,
    /// Nanoseconds since the beginning.
    pub invoked: u64,
    /// Nanoseconds since the beginning, and what was answered. `None`: it may have happened at any time after it was
    /// asked, or never.
    pub answered: Option<(u64, Answer)>,
}

/// Operations by path.
pub fn by_path(operations: &[Operation]) -> BTreeMap<&str, Vec<Operation>> {
    let mut paths: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
    for operation in operations {
        paths.entry(&operation.path).or_default().push(operation.clone());
    }
    paths
}

/// Keeps a history that must be looked at; returns where.
pub fn save(seed: u64, name: &str, operations: &[Operation]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("history-{seed}-{}.json", name.replace(['/', ' '], "-")));
    fs::write(&path, serde_json::to_vec_pretty(operations).unwrap()).unwrap();
    path
}

/// A history that was kept.
pub fn load(path: &str) -> Vec<Operation> {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
