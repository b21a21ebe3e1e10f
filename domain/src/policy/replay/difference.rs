//! Decisions that would have come out otherwise, and their compact form beside the end of a replay.
//!
//! The decision itself stays where it is: a difference tells where, and how it would have been.

use serde::{Deserialize, Serialize};

use crate::PolicyId;
use crate::policy::Condition;

/// A decision that would have come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Position of the record of its audit entry.
    pub position: u64,
    /// Index of the entry there.
    pub index: u32,
    /// How it would have come out.
    pub after: After,
}

/// How a decision would have come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// A rule would have permitted it.
    Allowed {
        /// The policy; an added one has an id of its own kind.
        policy: PolicyId,
        /// Its revision; `None` if its rules are those of the proposal.
        revision: Option<u64>,
        /// The rule.
        rule_index: u32,
    },
    /// None would.
    Denied {
        /// The condition that alone stood in the way.
        failed_condition: Option<Condition>,
    },
}

/// Some of them, in log order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(pub Vec<Difference>);

/// As stored: texts once, and a row of numbers for each difference.
#[derive(Serialize, Deserialize)]
struct Stored {
    policies: Vec<PolicyId>,
    /// Position, index, then policy (from 1; 0 for a denial), rule, revision (0 for one of the proposal); of a denial the
    /// condition (from 1; 0 for none) stands for the rule.
    rows: Vec<(u64, u32, u32, u32, u64)>,
}

impl After {
    /// Whether it would have been allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl Differences {
    /// The bytes to store.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut policies: Vec<PolicyId> = Vec::new();
        let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
        let rows = self.0.iter().map(|Difference { position, index, after }| match after {
            After::Allowed { policy, revision, rule_index } => {
                let known = policies.iter().position(|known| known == policy);
                let known = known.unwrap_or_else(|| {
                    policies.push(policy.clone());
                    policies.len() - 1
                });
                (*position, *index, number(known), *rule_index, revision.unwrap_or_default())
            }
            After::Denied { failed_condition } => {
                let condition = failed_condition.and_then(|of| Condition::ALL.iter().position(|known| *known == of));
                (*position, *index, 0, condition.map_or(0, number), 0)
            }
        });
        let rows = rows.collect();
        serde_json::to_vec(&Stored { policies, rows })
    }

    /// What [`Self::encode`] gave; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let Stored { policies, rows } = serde_json::from_slice(bytes).ok()?;
        let before = |number: u32| usize::try_from(number.checked_sub(1)?).ok();
        let read = |(position, index, policy, rule, revision): (u64, u32, u32, u32, u64)| {
            let after = match policy {
                0 => {
                    let condition = match rule {
                        0 => None,
                        number => Some(*Condition::ALL.get(before(number)?)?),
                    };
                    After::Denied { failed_condition: condition }
                }
                number => {
                    let policy = policies.get(before(number)?)?.clone();
                    let revision = (revision > 0).then_some(revision);
                    After::Allowed { policy, revision, rule_index: rule }
                }
            };
            Some(Difference { position, index, after })
        };
        rows.into_iter().map(read).collect::<Option<_>>().map(Self)
    }
}
