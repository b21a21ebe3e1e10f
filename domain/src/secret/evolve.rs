//! The fold: state and one event give the next state.

use std::sync::Arc;

use super::event::Rotation;
use super::{Deletion, Expiry, Handover, Secret, SecretEvent, Version, VersionState};
use crate::rotation::{Attachment, Cycle};
use crate::{IdentityId, SecretPath, Timestamp};

/// What the record around an event says.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its position; 0 for an event that is not in the log yet.
    pub position: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Option<IdentityId>,
}

impl Secret {
    /// Applies one event. Total: an event that does not fit the state leaves it as it is, since
    /// what is in the log was decided upon the state before it.
    pub fn evolve(state: Option<Self>, path: &SecretPath, event: &SecretEvent, facts: &Facts) -> Option<Self> {
        if let SecretEvent::Created { secret_type, metadata, options, expires_at } = event {
            return Some(Self {
                path: path.clone(),
                versions: vec![new_version(1, *secret_type, facts)],
                metadata: metadata.clone(),
                options: options.clone(),
                expiry: expires_at.map(|at| Expiry::new(at, facts.at)),
                created_at: facts.at,
                updated_at: facts.at,
                deleted: None,
                rotated_at: None,
                attachment: None,
            });
        }
        if matches!(event, SecretEvent::Destroyed { .. }) {
            return None;
        }
        let mut secret = state?;
        secret.apply(event, facts);
        Some(secret)
    }

    fn apply(&mut self, event: &SecretEvent, facts: &Facts) {
        match event {
            SecretEvent::Created { .. } | SecretEvent::Destroyed { .. } => {}
            SecretEvent::VersionAdded {
                version,
                previous_version,
                secret_type,
                metadata,
                options,
                expires_at,
                rotation,
            } => {
                if let Some(rotation) = rotation {
                    self.rotated(rotation, *previous_version, *version, facts.at);
                }
                self.versions.push(new_version(*version, *secret_type, facts));
                self.settle_on(metadata.as_ref(), options.as_ref(), *expires_at, facts);
            }
            SecretEvent::MetadataUpdated { version: _, metadata, options, expires_at } => {
                self.settle_on(metadata.as_ref(), options.as_ref(), *expires_at, facts);
            }
            SecretEvent::VersionDestroyed { version, .. } => self.set_state(*version, VersionState::Destroyed),
            SecretEvent::VersionDeleted { version, recoverable_until } => {
                let state = VersionState::Deleted { deleted_at: facts.at, recoverable_until: *recoverable_until };
                self.set_state(*version, state);
            }
            SecretEvent::VersionRestored { version, .. } => self.set_state(*version, VersionState::Live),
            SecretEvent::CurrentVersionChanged { .. } => {}
            SecretEvent::Deleted { recoverable_until, .. } => {
                self.deleted = Some(Deletion { deleted_at: facts.at, recoverable_until: *recoverable_until });
            }
            SecretEvent::Restored { .. } => self.deleted = None,
            SecretEvent::ExpiryAnnounced { threshold, .. } => {
                if let Some(expiry) = &mut self.expiry {
                    expiry.announced.push(threshold.clone());
                }
            }
            SecretEvent::Expired { .. } => {
                if let Some(expiry) = &mut self.expiry {
                    expiry.told = true;
                }
            }
            SecretEvent::RotationAttached { policy } => {
                let by = facts.actor.clone().unwrap_or_else(|| IdentityId::system("system:unknown"));
                let value_since = self.current().map_or(self.created_at, |version| version.created_at);
                let cycle = Cycle::default();
                let attachment = Attachment { policy: policy.clone(), at: facts.at, by, value_since, cycle };
                self.attachment = Some(Arc::new(attachment));
            }
            SecretEvent::RotationDetached {} => self.attachment = None,
            SecretEvent::RotationDue { due_at, warning, asked, .. } => self.cycle(*due_at, |cycle| match warning {
                Some(warning) => cycle.warned.push(warning.clone()),
                // A new beginning, whatever came of an earlier one.
                None if *asked => {
                    let by = facts.actor.clone().unwrap_or_else(|| IdentityId::system("system:unknown"));
                    let (due_at, told_at, asked) = (Some(*due_at), Some(facts.at), Some((*due_at, by)));
                    *cycle = Cycle { due_at, told_at, asked, ..Cycle::default() };
                }
                None => cycle.told_at = Some(facts.at),
            }),
            SecretEvent::RotationOverdue { due_at, .. } => self.cycle(*due_at, |cycle| cycle.told_overdue = true),
            SecretEvent::RotationFailed(failed) => {
                let Some(due_at) = failed.due_at else { return };
                self.cycle(due_at, |cycle| {
                    cycle.failures = failed.attempt;
                    cycle.next_attempt_at = failed.next_attempt_at;
                });
            }
            SecretEvent::GraceFinished { version } => {
                if let Some(version) = self.version_mut(*version) {
                    version.grace_ends_at = Some(facts.at);
                    version.handover = None;
                }
            }
            SecretEvent::StragglersFound(found) => {
                if let Some(handover) = self.version_mut(found.old_version).and_then(|of| of.handover.as_mut()) {
                    handover.told_half = true;
                    handover.told_end |= found.ended;
                }
            }
        }
    }

    fn rotated(&mut self, rotation: &Rotation, previous: Option<u32>, new_version: u32, at: Timestamp) {
        self.rotated_at = Some(at);
        if let Some(attachment) = &mut self.attachment {
            Arc::make_mut(attachment).cycle = Cycle::default();
        }
        let Some(replaced) = previous.and_then(|number| self.version_mut(number)) else { return };
        replaced.grace_ends_at = Some(rotation.grace_ends_at);
        let under = rotation.under.as_ref().filter(|under| under.finish_when_moved);
        replaced.handover = under.map(|under| {
            let policy = under.policy.clone();
            Box::new(Handover { replaced_at: at, new_version, policy, told_half: false, told_end: false })
        });
    }

    /// Notes something of a due date.
    fn cycle(&mut self, due_at: Timestamp, note: impl FnOnce(&mut Cycle)) {
        if let Some(attachment) = &mut self.attachment {
            let attachment = Arc::make_mut(attachment);
            attachment.cycle = attachment.cycle.of(due_at);
            note(&mut attachment.cycle);
        }
    }

    fn settle_on(
        &mut self,
        metadata: Option<&super::Metadata>,
        options: Option<&super::Options>,
        expires_at: Option<Timestamp>,
        facts: &Facts,
    ) {
        if let Some(metadata) = metadata {
            self.metadata = metadata.clone();
        }
        if let Some(options) = options {
            self.options = options.clone();
        }
        if self.expires_at() != expires_at {
            self.expiry = expires_at.map(|at| Expiry::new(at, facts.at));
        }
        self.updated_at = facts.at;
    }

    fn version_mut(&mut self, number: u32) -> Option<&mut Version> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.versions.get_mut(index)
    }

    fn set_state(&mut self, number: u32, state: VersionState) {
        if let Some(version) = self.version_mut(number) {
            version.state = state;
        }
    }
}

fn new_version(number: u32, secret_type: super::SecretType, facts: &Facts) -> Version {
    Version {
        number,
        secret_type,
        created_at: facts.at,
        created_by: facts.actor.clone().unwrap_or_else(|| IdentityId::system("system:unknown")),
        position: facts.position,
        state: VersionState::Live,
        grace_ends_at: None,
        handover: None,
    }
}
