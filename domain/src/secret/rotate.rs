//! Rotation by call: a new value, and a grace period for the replaced one.

use std::sync::Arc;

use super::event::Rotation;
use super::options::OptionsChange;
use super::write::Written;
use super::{Condition, Decision, Secret, live, write};
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
    /// Whether a value was given; nothing in this build generates one.
    pub has_value: bool,
    /// For the audit.
    pub reason: Option<Arc<str>>,
    /// How long the replaced version stays readable.
    pub grace_seconds: Option<i64>,
    /// What has to hold.
    pub condition: Condition,
}

/// What was rotated.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotated {
    /// The new version.
    pub written: Written,
    /// Until when the replaced one is readable.
    pub grace_ends_at: Timestamp,
}

/// Decides a rotation.
pub fn decide(
    secret: Option<&Secret>,
    command: &RotateSecret,
    context: &Context,
) -> Result<Decision<Rotated>, Rejection> {
    if !command.has_value {
        // Only an attached policy or a dynamic engine could make one.
        live(secret, &command.path)?;
        return Err(Rejection::field("new_value", "is required: no rotation policy generates values for this secret"));
    }
    let secret = live(secret, &command.path)?;
    command.condition.check(&command.path, Some(secret))?;
    let (options, expires_at) = OptionsChange::default().apply(&secret.options, secret.expires_at(), true, context)?;
    let grace_ends_at = context.now.plus_seconds(command.grace_seconds.unwrap_or(DEFAULT_GRACE_SECONDS));
    let rotation = Rotation { grace_ends_at, reason: command.reason.clone() };
    let decision = write::append(secret, None, None, options, expires_at, Some(rotation), context);
    Ok(Decision { events: decision.events, outcome: Rotated { written: decision.outcome, grace_ends_at } })
}
