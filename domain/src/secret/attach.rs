//! Attaching to a rotation policy, and detaching.

use super::{Decision, Secret, SecretEvent, live};
use crate::rotation::{RotationPolicyId, RotationPolicyReference, decide};
use crate::{Context, ErrorCode, Rejection, SecretPath};

/// Attaches a secret to a rotation policy, or moves it there.
#[derive(Clone, Debug, PartialEq)]
pub struct AttachSecret {
    /// Where.
    pub path: SecretPath,
    /// To which policy.
    pub policy: RotationPolicyId,
}

/// Detaches a secret from a rotation policy.
#[derive(Clone, Debug, PartialEq)]
pub struct DetachSecret {
    /// Where.
    pub path: SecretPath,
    /// From which policy.
    pub policy: RotationPolicyId,
}

/// Decides an attachment; tells whether it is new. What is attached there already stays as it is.
pub fn attach(secret: Option<&Secret>, command: &AttachSecret, context: &Context) -> Result<Decision<bool>, Rejection> {
    let named = named(command.policy.as_str(), context).ok_or_else(decide::unknown)?;
    let secret = live(secret, &command.path)?;
    let events: Vec<_> = attached(Some(secret), Some(named)).into_iter().collect();
    let outcome = !events.is_empty();
    Ok(Decision { events, outcome })
}

/// Decides a detachment.
pub fn detach(secret: Option<&Secret>, command: &DetachSecret, context: &Context) -> Result<Decision<()>, Rejection> {
    let named = named(command.policy.as_str(), context).ok_or_else(decide::unknown)?;
    let is_attached = |secret: &&Secret| secret.attachment.as_ref().is_some_and(|held| held.policy == named);
    secret.filter(is_attached).ok_or_else(|| decide::not_attached(&command.path, &command.policy))?;
    Ok(Decision { events: vec![SecretEvent::RotationDetached {}], outcome: () })
}

/// What an option comes to: `named` is the id given, or `None` to detach.
pub(super) fn by_option(
    secret: Option<&Secret>,
    named: Option<&str>,
    context: &Context,
) -> Result<Option<SecretEvent>, Rejection> {
    let unknown =
        |id: &str| Rejection::new(ErrorCode::RotationPolicyNotFound, format!("Rotation policy '{id}' not found"));
    let policy = named.map(|id| self::named(id, context).ok_or_else(|| unknown(id))).transpose()?;
    Ok(attached(secret, policy))
}

fn attached(secret: Option<&Secret>, policy: Option<RotationPolicyReference>) -> Option<SecretEvent> {
    let held = secret.and_then(|secret| secret.attachment.as_ref()).map(|attachment| &attachment.policy);
    match policy {
        Some(policy) if held == Some(&policy) => None,
        Some(policy) => Some(SecretEvent::RotationAttached { policy }),
        None => held.map(|_| SecretEvent::RotationDetached {}),
    }
}

/// The policy of that id, if it is there.
fn named(id: &str, context: &Context) -> Option<RotationPolicyReference> {
    context.found.rotation_policy.clone().filter(|found| found.id.as_str() == id)
}
