//! How a rotation policy is named by what uses it.

use serde::{Deserialize, Serialize};

use crate::secret_policy::PolicyUid;
use crate::slug::slug_id;

slug_id!(
    /// The id of a rotation policy, `rot_…`.
    RotationPolicyId, "rot_"
);

/// What is kept of a policy by what uses it. Counts as none once that policy is gone, also when another one has its
/// id by then: so a deletion need not touch the secrets that are attached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RotationPolicyReference {
    /// Its id.
    pub id: RotationPolicyId,
    /// Which of those that have or had this id.
    pub uid: PolicyUid,
}
