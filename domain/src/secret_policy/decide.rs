//! Changes of secret policies, decided.

use super::{Content, PolicyUid, SecretPolicy, SecretPolicyEvent, SecretPolicyId};
use crate::{ErrorCode, Rejection};

/// What uses a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Ids of rotation policies.
    pub rotation_policies: Vec<String>,
    /// How many secrets.
    pub secrets: usize,
}

/// A new policy; `is_taken` says whether another one has its name or slug.
pub fn create(uid: PolicyUid, content: Content, is_taken: bool) -> Result<SecretPolicyEvent, Rejection> {
    let without = || Rejection::field("name", "must have at least one of the letters a-z or the digits 0-9");
    let id = SecretPolicyId::of_name(&content.name).ok_or_else(without)?;
    match is_taken {
        true => Err(name_taken(&content.name)),
        false => Ok(SecretPolicyEvent::Created { id, uid, content }),
    }
}

/// Another content; `is_taken` says whether another policy has its name or slug.
pub fn update(policy: &SecretPolicy, content: Content, is_taken: bool) -> Result<SecretPolicyEvent, Rejection> {
    match is_taken {
        true => Err(name_taken(&content.name)),
        false => Ok(SecretPolicyEvent::Updated { id: policy.id.clone(), content }),
    }
}

/// The end of a policy: nothing may use it, unless it `is_forced`.
pub fn delete(policy: &SecretPolicy, usage: &Usage, is_forced: bool) -> Result<SecretPolicyEvent, Rejection> {
    if *usage != Usage::default() && !is_forced {
        let sentence = "The secret policy is in use; detach it first, or delete it with ?force=true";
        return Err(Rejection::new(ErrorCode::ResourceInUse, sentence)
            .detail("rotation_policies", usage.rotation_policies.clone())
            .detail("secrets_count", usage.secrets));
    }
    Ok(SecretPolicyEvent::Deleted { id: policy.id.clone() })
}

fn name_taken(name: &str) -> Rejection {
    Rejection::new(ErrorCode::NameTaken, "Another secret policy has this name, or one with the same slug")
        .detail("name", name)
}
