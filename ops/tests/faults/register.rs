//! What one path does when one operation follows the other: the specification that histories are held against.

use crate::history::{Answer, Call, Condition};

/// A path between two operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Register {
    /// Never written, or erased.
    #[default]
    Absent,
    /// Readable.
    Live { version: u64, value: u64 },
    /// Soft-deleted.
    Deleted { version: u64, value: u64 },
}

impl Register {
    /// The state after an operation, and what it answers.
    pub fn step(self, call: Call) -> (Self, Answer) {
        match (call, self) {
            (Call::Read, Self::Live { version, value }) => (self, Answer::Value { version, value }),
            (Call::Row, Self::Live { version, .. }) => (self, Answer::Listed { version: Some(version) }),
            (Call::Row, Self::Absent | Self::Deleted { .. }) => (self, Answer::Listed { version: None }),
            (Call::Write { .. }, Self::Deleted { .. }) => (self, Answer::Exists),
            (Call::Write { value, condition }, Self::Absent) => match condition {
                Condition::Always | Condition::Absent => {
                    (Self::Live { version: 1, value }, Answer::Wrote { version: 1, created: true })
                }
                Condition::Version(_) => (self, Answer::Conflict { current: None }),
            },
            (Call::Write { value, condition }, Self::Live { version, .. }) => match condition {
                Condition::Version(wanted) if wanted != version => (self, Answer::Conflict { current: Some(version) }),
                Condition::Absent => (self, Answer::Conflict { current: Some(version) }),
                Condition::Always | Condition::Version(_) => {
                    let version = version + 1;
                    (Self::Live { version, value }, Answer::Wrote { version, created: false })
                }
            },
            (Call::Delete, Self::Live { version, value }) => (Self::Deleted { version, value }, Answer::Deleted),
            (Call::Erase, Self::Live { .. } | Self::Deleted { .. }) => (Self::Absent, Answer::Erased),
            (Call::Restore, Self::Deleted { version, value }) => {
                (Self::Live { version, value }, Answer::Restored { version })
            }
            (Call::Restore, Self::Live { version, .. }) => (self, Answer::Unchanged { version }),
            (Call::Read | Call::Delete, Self::Deleted { .. }) => (self, Answer::Gone),
            (Call::Read | Call::Delete | Call::Erase | Call::Restore, Self::Absent) => (self, Answer::Missing),
        }
    }
}
