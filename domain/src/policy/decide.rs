//! Changes of policies and bindings, decided.

use super::{Binding, Content, Policy, PolicyEvent};
use crate::id::BindingId;
use crate::{ErrorCode, IdentityId, PolicyId, Rejection, Timestamp};

/// A new policy; `is_taken` says whether another one has its name.
pub fn create(id: PolicyId, content: Content, is_taken: bool) -> Result<PolicyEvent, Rejection> {
    match is_taken {
        true => Err(name_taken(&content.name)),
        false => Ok(PolicyEvent::Created { id, content }),
    }
}

/// Another content; `is_taken` says whether another policy has its name.
pub fn update(policy: &Policy, content: Content, is_taken: bool) -> Result<PolicyEvent, Rejection> {
    match is_taken {
        true => Err(name_taken(&content.name)),
        false => Ok(PolicyEvent::Updated { id: policy.id.clone(), revision: policy.revision + 1, content }),
    }
}

/// The end of a policy. Its bindings go before it, if `is_forced`; else it must have none.
pub fn delete<'b>(
    policy: &Policy,
    bindings: impl ExactSizeIterator<Item = &'b Binding>,
    is_forced: bool,
) -> Result<Vec<PolicyEvent>, Rejection> {
    if bindings.len() > 0 && !is_forced {
        let sentence = "The policy is bound; remove its bindings first, or delete it with ?force=true";
        return Err(Rejection::new(ErrorCode::PolicyInUse, sentence).detail("binding_count", bindings.len()));
    }
    let deleted = PolicyEvent::Deleted {
        id: policy.id.clone(),
        revision: policy.revision,
        name: policy.content.name.to_string(),
        rule_count: u32::try_from(policy.content.rules.len()).unwrap_or(u32::MAX),
    };
    Ok(bindings.map(|binding| unbind(binding, false)).chain([deleted]).collect())
}

/// A binding. The same identity bound again keeps its binding, with another end if that differs.
pub fn bind(
    id: BindingId,
    policy: &Policy,
    existing: Option<&Binding>,
    identity: IdentityId,
    expires_at: Option<Timestamp>,
) -> Option<PolicyEvent> {
    let policy_id = policy.id.clone();
    match existing {
        None => Some(PolicyEvent::Bound(Binding { id, policy_id, identity, expires_at })),
        Some(binding) if binding.expires_at == expires_at => None,
        Some(binding) => Some(PolicyEvent::Renewed { id: binding.id.clone(), policy_id, expires_at }),
    }
}

/// The end of a binding: asked for, or because its time has come.
pub fn unbind(binding: &Binding, expired: bool) -> PolicyEvent {
    PolicyEvent::Unbound {
        id: binding.id.clone(),
        policy_id: binding.policy_id.clone(),
        identity: binding.identity.clone(),
        expired,
    }
}

fn name_taken(name: &str) -> Rejection {
    Rejection::new(ErrorCode::NameTaken, "Another policy has this name").detail("name", name)
}
