//! How a rotation policy is named by what uses it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::secret_policy::PolicyUid;
use crate::slug;

/// The id of a rotation policy: `rot_` and a slug. It may be used again once its policy is deleted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RotationPolicyId(Arc<str>);

impl RotationPolicyId {
    /// What every id starts with.
    pub const PREFIX: &'static str = "rot_";

    /// The id that goes with a name; `None` for a name without any letter or digit.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(Self(format!("{}{}", Self::PREFIX, slug::slug(name)?).into()))
    }

    /// Takes a text of this shape.
    pub fn parse(text: &str) -> Option<Self> {
        slug::is_slug(text.strip_prefix(Self::PREFIX)?).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RotationPolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RotationPolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of a policy by what uses it. Counts as none once that policy is gone, also when another one has its
/// id by then: so a deletion need not touch the secrets that are attached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RotationPolicyReference {
    /// Its id.
    pub id: RotationPolicyId,
    /// Which of those that have or had this id.
    pub uid: PolicyUid,
}
