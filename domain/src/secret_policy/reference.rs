//! How a secret policy is named by what uses it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use crate::slug;

/// The id of a secret policy: `sp_` and a slug. It may be used again once its policy is deleted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretPolicyId(Arc<str>);

impl SecretPolicyId {
    /// What every id starts with.
    pub const PREFIX: &'static str = "sp_";

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

impl fmt::Display for SecretPolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretPolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
