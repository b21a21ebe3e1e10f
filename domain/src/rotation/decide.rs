//! Changes of rotation policies, decided.

use super::{Content, RotationPolicy, RotationPolicyEvent, RotationPolicyId};
use crate::secret_policy::PolicyUid;
use crate::{ErrorCode, Rejection, SecretPath};

/// A new policy; `is_taken` says whether another one has its name or slug.
pub fn create(uid: PolicyUid, content: Content, is_taken: bool) -> Result<RotationPolicyEvent, Rejection> {
    check(&content)?;
    let without = || Rejection::field("name", "must have at least one of the letters a-z or the digits 0-9");
    let id = RotationPolicyId::of_name(&content.name).ok_or_else(without)?;
    match is_taken {
        true => Err(name_taken(&content.name)),
        false => Ok(RotationPolicyEvent::Created { id, uid, content }),
    }
}

/// Another content, or a switch; nothing if it is that already. `is_taken` says whether another policy has its name
/// or slug.
pub fn update(
    policy: &RotationPolicy,
    content: Content,
    is_active: bool,
    is_taken: bool,
) -> Result<Option<RotationPolicyEvent>, Rejection> {
    check(&content)?;
    if is_taken {
        return Err(name_taken(&content.name));
    }
    let changes = content != policy.content || is_active != policy.is_active;
    Ok(changes.then(|| RotationPolicyEvent::Updated { id: policy.id.clone(), content, is_active }))
}

/// What concerns more than one field.
fn check(content: &Content) -> Result<(), Rejection> {
    let Content { interval, warn_before, auto_generate, secret_policy, min_distance, .. } = content;
    if warn_before.longest() >= interval.seconds() {
        return Err(Rejection::field("warn_before", "must be shorter than interval, each of them"));
    }
    if secret_policy.is_some() && !auto_generate {
        return Err(Rejection::field("secret_policy_id", "goes with auto_generate: true alone"));
    }
    if min_distance.as_ref().is_some_and(|distance| distance.duration.seconds() >= interval.seconds()) {
        return Err(Rejection::field("min_distance.duration", "must be shorter than interval"));
    }
    Ok(())
}

/// `rotation_policy_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::RotationPolicyNotFound, "Rotation policy not found")
}

/// A secret is attached to another policy, or to none.
pub fn not_attached(path: &SecretPath, policy: &RotationPolicyId) -> Rejection {
    Rejection::new(ErrorCode::SecretNotFound, format!("Secret '{path}' is not attached to rotation policy '{policy}'"))
        .detail("path", path.as_str())
        .detail("reason", "not_assigned")
}

fn name_taken(name: &str) -> Rejection {
    Rejection::new(ErrorCode::NameTaken, "Another rotation policy has this name, or one with the same slug")
        .detail("name", name)
}
