//! Restore: of a soft-deleted secret or version.

use super::{Decision, Secret, SecretEvent, VersionState, not_found, version_not_found, write};
use crate::{Context, Rejection, SecretPath, Timestamp};

/// Restores a secret, or one version of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoreSecret {
    /// Where.
    pub path: SecretPath,
    /// One version instead of the secret.
    pub version: Option<u32>,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The current version afterwards.
    pub version: Option<u32>,
    /// When, if anything was deleted.
    pub restored_at: Option<Timestamp>,
}

/// Decides a restore.
pub fn decide(
    secret: Option<&Secret>,
    command: &RestoreSecret,
    context: &Context,
) -> Result<Decision<Restored>, Rejection> {
    let secret = secret.ok_or_else(|| not_found(&command.path, None))?;
    match command.version {
        Some(version) => restore_version(secret, version, context),
        None => Ok(restore_secret(secret, context)),
    }
}

fn restore_secret(secret: &Secret, context: &Context) -> Decision<Restored> {
    if secret.deleted.is_none() {
        return nothing(secret);
    }
    let mut events = Vec::new();
    if secret.current().is_none()
        && let Some(highest) = highest_deleted(secret)
    {
        events.push(SecretEvent::VersionRestored { version: highest, with_secret: true });
    }
    finish(secret, events, context)
}

fn restore_version(secret: &Secret, version: u32, context: &Context) -> Result<Decision<Restored>, Rejection> {
    let state = secret.version(version).map(|found| found.state);
    // Deleted as a whole: its versions come back with it, not one by one.
    let deleted_as_a_whole = secret.deleted.is_some() && secret.current().is_some();
    match state {
        None => Err(version_not_found(&secret.path, Some(version), "unknown")),
        Some(VersionState::Destroyed) => Err(version_not_found(&secret.path, Some(version), "destroyed")),
        Some(_) if deleted_as_a_whole => Err(not_found(&secret.path, secret.deleted)),
        Some(VersionState::Live) => Ok(nothing(secret)),
        Some(VersionState::Deleted { .. }) => {
            let event = SecretEvent::VersionRestored { version, with_secret: secret.deleted.is_some() };
            Ok(finish(secret, vec![event], context))
        }
    }
}

fn finish(secret: &Secret, mut events: Vec<SecretEvent>, context: &Context) -> Decision<Restored> {
    let after = Secret::preview(Some(secret.clone()), &events, context.now, &secret.path);
    let current = after.as_ref().and_then(Secret::current_number);
    match (secret.deleted, secret.current_number(), current) {
        (Some(_), _, Some(version)) => events.push(SecretEvent::Restored { version }),
        (None, Some(old_version), Some(new_version)) if old_version != new_version => {
            events.push(SecretEvent::CurrentVersionChanged { old_version, new_version });
        }
        (_, _, _) => {}
    }
    // A grace period may have ended while nothing aged out.
    let events = write::with_aged_out(secret, events, context);
    Decision { events, outcome: Restored { version: current, restored_at: Some(context.now) } }
}

fn nothing(secret: &Secret) -> Decision<Restored> {
    Decision { events: Vec::new(), outcome: Restored { version: secret.current_number(), restored_at: None } }
}

fn highest_deleted(secret: &Secret) -> Option<u32> {
    secret
        .versions
        .iter()
        .rev()
        .find(|version| matches!(version.state, VersionState::Deleted { .. }))
        .map(|version| version.number)
}
