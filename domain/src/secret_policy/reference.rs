//! How a secret policy is named by what uses it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use crate::slug::slug_id;

slug_id!(
    /// The id of a secret policy, `sp_…`.
    SecretPolicyId, "sp_"
);

/// What tells a policy from others with its id: fixed at its creation, never used again, never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyUid(pub Ulid);

impl fmt::Display for PolicyUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for PolicyUid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
    }
}

impl<'de> Deserialize<'de> for PolicyUid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ulid::from_string(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What is kept of a policy by what uses it. Counts as none once that policy is gone, also when another one has its
/// id by then: so a deletion need not touch those who use it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretPolicyReference {
    /// Its id.
    pub id: SecretPolicyId,
    /// Which of those that have or had this id.
    pub uid: PolicyUid,
}
