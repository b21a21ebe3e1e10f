//! What a decision may depend on besides state and command.

use std::sync::Arc;

use crate::rotation::{Agenda, RotationPolicy, RotationPolicyReference};
use crate::secret::Secret;
use crate::secret_policy::SecretPolicyReference;
use crate::{IdentityId, Timestamp};

/// Who decides, when, and under which settings. Handed in, never looked up.
#[derive(Clone, Debug)]
pub struct Context {
    /// The moment of the decision.
    pub now: Timestamp,
    /// Who acts.
    pub actor: IdentityId,
    /// The causing request, or the run of background work.
    pub request_id: String,
    /// Settings of the owner concerned.
    pub settings: Settings,
    /// What the command names and is there.
    pub found: Found,
}

/// Things that a command names by id, as far as there are such.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The secret policy.
    pub secret_policy: Option<Arc<SecretPolicyReference>>,
    /// The rotation policy.
    pub rotation_policy: Option<RotationPolicyReference>,
    /// The rotation policy that the secret is attached to.
    pub rotation: Option<AttachedTo>,
}

/// The rotation policy that a secret is attached to.
#[derive(Clone, Debug, PartialEq)]
pub struct AttachedTo {
    /// The policy.
    pub policy: Arc<RotationPolicy>,
    /// The last rotation that it keeps away from.
    pub paired: Option<Timestamp>,
}

impl AttachedTo {
    /// What is to be done about the secret.
    pub fn agenda(&self, secret: &Secret) -> Option<Agenda<'_>> {
        secret.agenda(&self.policy, self.paired)
    }
}

/// Settings of a tenant that decisions read; a partner has the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `max_versions` of secrets created later.
    pub default_max_versions: u32,
    /// How long a soft-deleted secret can be restored.
    pub recovery_window_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { default_max_versions: 10, recovery_window_seconds: 30 * 86_400 }
    }
}
