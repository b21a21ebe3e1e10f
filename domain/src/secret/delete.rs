//! DELETE: of a secret or one version, soft or for good.

use super::event::DestroyReason;
use super::{Condition, Decision, Secret, SecretEvent, VersionState, not_found, version_not_found};
use crate::{Context, Rejection, SecretPath, Timestamp};

/// Deletes a secret or one version of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteSecret {
    /// Where.
    pub path: SecretPath,
    /// One version instead of the secret.
    pub version: Option<u32>,
    /// For good.
    pub permanent: bool,
    /// What has to hold.
    pub condition: Condition,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// The secret, restorable.
    Secret {
        /// When.
        deleted_at: Timestamp,
        /// Until when it can be restored.
        recoverable_until: Timestamp,
    },
    /// One version, restorable.
    Version {
        /// When.
        deleted_at: Timestamp,
        /// Until when it can be restored.
        recoverable_until: Timestamp,
        /// The current version afterwards.
        current_version: Option<u32>,
        /// Whether no live version was left.
        secret_deleted: bool,
    },
    /// Values, for good.
    Destroyed,
}

/// Decides a deletion.
pub fn decide(
    secret: Option<&Secret>,
    command: &DeleteSecret,
    context: &Context,
) -> Result<Decision<Deleted>, Rejection> {
    let secret = match secret {
        Some(secret) if secret.deleted.is_none() || command.permanent => secret,
        Some(secret) => return Err(not_found(&command.path, secret.deleted)),
        None => return Err(not_found(&command.path, None)),
    };
    command.condition.check(&command.path, Some(secret))?;
    match (command.version, command.permanent) {
        (None, false) => Ok(soft_delete(secret, context)),
        (None, true) => Ok(destroyed(vec![destroy_all(secret)])),
        (Some(version), false) => delete_version(secret, version, context),
        (Some(version), true) => destroy_version(secret, version, context),
    }
}

fn soft_delete(secret: &Secret, context: &Context) -> Decision<Deleted> {
    let recoverable_until = window_end(context);
    let event = SecretEvent::Deleted { recoverable_until, version_count: valued(secret) };
    Decision { events: vec![event], outcome: Deleted::Secret { deleted_at: context.now, recoverable_until } }
}

fn delete_version(secret: &Secret, version: u32, context: &Context) -> Result<Decision<Deleted>, Rejection> {
    match secret.version(version).map(|found| found.state) {
        None => return Err(version_not_found(&secret.path, Some(version), "unknown")),
        Some(VersionState::Deleted { .. }) => return Err(version_not_found(&secret.path, Some(version), "deleted")),
        Some(VersionState::Destroyed) => return Err(version_not_found(&secret.path, Some(version), "destroyed")),
        Some(VersionState::Live) => {}
    }
    let recoverable_until = window_end(context);
    let mut events = vec![SecretEvent::VersionDeleted { version, recoverable_until }];
    let current_version = follow_up(secret, &mut events, context);
    let outcome = Deleted::Version {
        deleted_at: context.now,
        recoverable_until,
        current_version,
        secret_deleted: current_version.is_none(),
    };
    Ok(Decision { events, outcome })
}

fn destroy_version(secret: &Secret, version: u32, context: &Context) -> Result<Decision<Deleted>, Rejection> {
    match secret.version(version) {
        None => return Err(version_not_found(&secret.path, Some(version), "unknown")),
        Some(found) if !found.has_value() => return Err(version_not_found(&secret.path, Some(version), "destroyed")),
        Some(_) => {}
    }
    let mut events = vec![SecretEvent::VersionDestroyed { version, reason: DestroyReason::Requested }];
    if valued(secret) == 1 {
        let count = SecretEvent::Destroyed { reason: DestroyReason::Requested, version_count: 0 };
        events.push(count);
    } else {
        follow_up(secret, &mut events, context);
    }
    Ok(destroyed(events))
}

/// What the loss of a version means for a live secret: another current one, or its soft deletion.
/// Returns the current version afterwards.
fn follow_up(secret: &Secret, events: &mut Vec<SecretEvent>, context: &Context) -> Option<u32> {
    let after = Secret::preview(Some(secret.clone()), events, context.now, &secret.path);
    let current = after.as_ref().and_then(Secret::current_number);
    if secret.deleted.is_some() {
        return current;
    }
    match (secret.current_number(), current) {
        (Some(old_version), Some(new_version)) if old_version != new_version => {
            events.push(SecretEvent::CurrentVersionChanged { old_version, new_version });
        }
        (_, None) => {
            let version_count = after.as_ref().map_or(0, valued);
            events.push(SecretEvent::Deleted { recoverable_until: window_end(context), version_count });
        }
        (_, Some(_)) => {}
    }
    current
}

fn destroy_all(secret: &Secret) -> SecretEvent {
    SecretEvent::Destroyed { reason: DestroyReason::Requested, version_count: valued(secret) }
}

fn destroyed(events: Vec<SecretEvent>) -> Decision<Deleted> {
    Decision { events, outcome: Deleted::Destroyed }
}

fn valued(secret: &Secret) -> u32 {
    u32::try_from(secret.valued().count()).unwrap_or(u32::MAX)
}

fn window_end(context: &Context) -> Timestamp {
    context.now.plus_seconds(context.settings.recovery_window_seconds)
}
