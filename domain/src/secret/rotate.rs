//! Rotation by call: a new value, and a grace period for the replaced one.

use std::sync::Arc;

use super::event::{NamedPolicy, Rotation, UnderPolicy};
use super::options::OptionsChange;
use super::write::Written;
use super::{Condition, Decision, Secret, live, write};
use crate::context::AttachedTo;
use crate::rotation::{RotationPolicyId, Trigger};
use crate::{Context, Rejection, SecretPath, Timestamp};

/// Grace period where none is given, in seconds: 48 hours.
pub const DEFAULT_GRACE_SECONDS: i64 = 48 * 3_600;
/// Longest grace period, in seconds: 365 days.
pub const MAX_GRACE_SECONDS: i64 = 365 * 86_400;

/// Replaces the value. The value itself stays with the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct RotateSecret {
    /// Where.
    pub path: SecretPath,
    /// Where its value comes from.
    pub value: NewValue,
    /// For the audit.
    pub reason: Option<Arc<str>>,
    /// How long the replaced version stays readable.
    pub grace_seconds: Option<i64>,
    /// What has to hold.
    pub condition: Condition,
}

/// Where the new value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewValue {
    /// It was given.
    Given,
    /// It was made here.
    Generated {
        /// What asked for it.
        trigger: Trigger,
        /// When that began.
        started_at: Timestamp,
    },
    /// There is none.
    Missing,
}

/// What was rotated.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotated {
    /// The new version.
    pub written: Written,
    /// Until when the replaced one is readable.
    pub grace_ends_at: Timestamp,
    /// The policy that the secret is attached to.
    pub policy: Option<RotationPolicyId>,
    /// Number of the attempt for its due date.
    pub attempt: u32,
}

/// Decides a rotation.
pub fn decide(
    secret: Option<&Secret>,
    command: &RotateSecret,
    context: &Context,
) -> Result<Decision<Rotated>, Rejection> {
    if command.value == NewValue::Missing {
        // Only an attached policy or a dynamic engine could make one.
        let secret = live(secret, &command.path)?;
        let policy = context.found.rotation.as_ref().map(|attached_to| &attached_to.policy);
        if policy.is_some_and(|policy| policy.content.auto_generate) {
            command.condition.check(&command.path, Some(secret))?;
        }
        return Err(Rejection::field("new_value", "is required: no rotation policy generates values for this secret"));
    }
    let secret = live(secret, &command.path)?;
    command.condition.check(&command.path, Some(secret))?;
    let (options, expires_at) = OptionsChange::default().apply(&secret.options, secret.expires_at(), true, context)?;
    let attached_to = context.found.rotation.as_ref();
    let of_policy = attached_to.map(|attached_to| attached_to.policy.content.grace_period.seconds());
    let grace_ends_at = context.now.plus_seconds(command.grace_seconds.or(of_policy).unwrap_or(DEFAULT_GRACE_SECONDS));
    let under = attached_to.map(|attached_to| under(secret, command.value, attached_to, context));
    let policy = attached_to.map(|attached_to| attached_to.policy.id.clone());
    let attempt = under.as_ref().map_or(1, |under| under.attempt);
    let rotation = Rotation { grace_ends_at, reason: command.reason.clone(), under: under.map(Box::new) };
    let decision = write::append(secret, None, None, options, expires_at, Some(rotation), context);
    let outcome = Rotated { written: decision.outcome, grace_ends_at, policy, attempt };
    Ok(Decision { events: decision.events, outcome })
}

fn under(secret: &Secret, value: NewValue, attached_to: &AttachedTo, context: &Context) -> UnderPolicy {
    let (trigger, started_at) = match value {
        NewValue::Generated { trigger, started_at } => (trigger, started_at),
        NewValue::Given | NewValue::Missing => (Trigger::Manual, context.now),
    };
    UnderPolicy {
        policy: NamedPolicy::of(&attached_to.policy),
        trigger,
        auto_generated: matches!(value, NewValue::Generated { .. }),
        started_at,
        attempt: attached_to.agenda(secret).map_or(1, |agenda| agenda.cycle().attempt()),
        finish_when_moved: attached_to.policy.content.finish_when_moved,
    }
}
