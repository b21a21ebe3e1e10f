//! Rotations as answers show them.

use scaivault_domain::rotation::Trigger;
use scaivault_domain::secret::Secret;
use scaivault_domain::{IdentityId, SecretPath, Timestamp};
use scaivault_projections::rotations::item::{Item, ItemResult};
use serde::Serialize;

/// A rotation, an attempt, or one that waits.
#[derive(Serialize)]
pub(super) struct ItemView {
    event_id: Option<String>,
    rotation_policy_id: String,
    secret_path: SecretPath,
    status: &'static str,
    trigger: &'static str,
    old_version: Option<u32>,
    new_version: Option<u32>,
    auto_generated: bool,
    initiated_by: IdentityId,
    started_at: Timestamp,
    completed_at: Option<Timestamp>,
    duration_ms: Option<i64>,
    grace_period_ends: Option<Timestamp>,
    attempt: u32,
    error: Option<ItemError>,
}

#[derive(Serialize)]
struct ItemError {
    code: String,
    message: String,
}

impl ItemView {
    /// Of what became of a rotation.
    pub(super) fn of(item: Item) -> Self {
        let took = (item.completed_at.as_micros() - item.started_at.as_micros()).max(0) / 1_000;
        let ended = Self {
            event_id: Some(item.event_id),
            rotation_policy_id: item.policy.to_string(),
            secret_path: item.path,
            status: "failed",
            trigger: item.trigger.as_str(),
            old_version: None,
            new_version: None,
            auto_generated: true,
            initiated_by: item.initiated_by,
            started_at: item.started_at,
            completed_at: Some(item.completed_at),
            duration_ms: Some(took),
            grace_period_ends: None,
            attempt: item.attempt,
            error: None,
        };
        match item.result {
            ItemResult::Failed { old_version, code, message } => {
                Self { old_version, error: Some(ItemError { code, message }), ..ended }
            }
            ItemResult::Success { old_version, new_version, auto_generated, grace_period_ends } => Self {
                status: "success",
                old_version,
                new_version: Some(new_version),
                auto_generated,
                grace_period_ends: Some(grace_period_ends),
                ..ended
            },
        }
    }

    /// Of one that was deleted or detached meanwhile.
    pub(super) fn gone(policy: &str, path: &SecretPath, by: &IdentityId, at: Timestamp) -> Self {
        let message = "The secret was deleted or detached meanwhile".to_owned();
        Self {
            event_id: None,
            rotation_policy_id: policy.to_owned(),
            secret_path: path.clone(),
            status: "failed",
            trigger: Trigger::Manual.as_str(),
            old_version: None,
            new_version: None,
            auto_generated: false,
            initiated_by: by.clone(),
            started_at: at,
            completed_at: Some(at),
            duration_ms: Some(0),
            grace_period_ends: None,
            attempt: 1,
            error: Some(ItemError { code: "secret_not_found".to_owned(), message }),
        }
    }

    /// Of one that waits for its value, or for its turn.
    pub(super) fn waiting(policy: &str, secret: &Secret, auto_generated: bool, since: Timestamp) -> Self {
        let cycle = secret.attachment.as_ref().map(|attachment| &attachment.cycle);
        let asked = cycle.and_then(|cycle| cycle.asked.as_ref());
        let scheduler = || IdentityId::system(IdentityId::ROTATION_SCHEDULER);
        Self {
            event_id: None,
            rotation_policy_id: policy.to_owned(),
            secret_path: secret.path.clone(),
            status: "pending",
            trigger: if asked.is_some() { Trigger::Manual } else { Trigger::Schedule }.as_str(),
            old_version: secret.current_number(),
            new_version: None,
            auto_generated,
            initiated_by: asked.map_or_else(scheduler, |(_, by)| by.clone()),
            started_at: since,
            completed_at: None,
            duration_ms: None,
            grace_period_ends: None,
            attempt: cycle.map_or(1, scaivault_domain::rotation::Cycle::attempt),
            error: None,
        }
    }
}
