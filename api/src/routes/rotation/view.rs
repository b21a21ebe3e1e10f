//! Rotation policies and what is attached to them, as answers show them.

use scaivault_domain::id::WebhookId;
use scaivault_domain::policy::TimeWindow;
use scaivault_domain::rotation::{MinDistance, RotationPolicy, Status};
use scaivault_domain::secret::{Secret, scheduled};
use scaivault_domain::{IdentityId, Owner, SecretPath, Timestamp};
use scaivault_projections::secrets::Catalogue;
use scaivault_projections::{RotationSet, View};
use serde::Serialize;

/// A policy.
#[derive(Serialize)]
pub(super) struct PolicyView<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    interval: &'a str,
    interval_seconds: i64,
    grace_period: &'a str,
    warn_before: String,
    auto_generate: bool,
    secret_policy_id: Option<&'a str>,
    window: Option<WindowView>,
    min_distance: Option<MinDistanceView<'a>>,
    finish_when_moved: bool,
    webhook_ids: Vec<&'a str>,
    secrets_count: usize,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Serialize)]
struct WindowView {
    days: Vec<String>,
    start: String,
    end: String,
    timezone: String,
}

#[derive(Serialize)]
struct MinDistanceView<'a> {
    path: &'a SecretPath,
    duration: &'a str,
}

/// A policy in a list.
#[derive(Serialize)]
pub(super) struct PolicyRow<'a> {
    id: &'a str,
    name: &'a str,
    interval: &'a str,
    interval_seconds: i64,
    grace_period: &'a str,
    auto_generate: bool,
    is_active: bool,
    secrets_count: usize,
}

/// An attached secret.
#[derive(Serialize)]
pub(super) struct AssignmentView<'a> {
    rotation_policy_id: &'a str,
    secret_path: &'a SecretPath,
    assigned_at: Timestamp,
    assigned_by: &'a IdentityId,
    last_rotated_at: Option<Timestamp>,
    next_rotation: Option<Timestamp>,
    status: &'static str,
}

impl<'a> PolicyView<'a> {
    /// One whose every reference has just been looked up.
    pub(super) fn fresh(policy: &'a RotationPolicy, secrets_count: usize) -> Self {
        let content = &policy.content;
        Self {
            id: policy.id.as_str(),
            name: &content.name,
            description: &content.description,
            interval: content.interval.as_str(),
            interval_seconds: content.interval.seconds(),
            grace_period: content.grace_period.as_str(),
            warn_before: content.warn_before.text(),
            auto_generate: content.auto_generate,
            secret_policy_id: content.secret_policy.as_ref().map(|reference| reference.id.as_str()),
            window: content.window.as_ref().map(window),
            min_distance: content.min_distance.as_ref().map(|distance| {
                let MinDistance { path, duration } = distance;
                MinDistanceView { path, duration: duration.as_str() }
            }),
            finish_when_moved: content.finish_when_moved,
            webhook_ids: content.webhook_ids.iter().map(AsRef::as_ref).collect(),
            secrets_count,
            is_active: policy.is_active,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }

    /// Without references to what is gone.
    pub(super) fn new(policy: &'a RotationPolicy, secrets_count: usize, view: &View, owner: &Owner) -> Self {
        let (recipes, webhooks) = (view.secret_policies.of(owner), view.webhooks.of(owner));
        let mut shown = Self::fresh(policy, secrets_count);
        let named = policy.content.secret_policy.as_ref();
        shown.secret_policy_id = named.filter(|named| recipes.referred(named).is_some()).map(|named| named.id.as_str());
        shown.webhook_ids.retain(|id| WebhookId::parse(id).is_some_and(|id| webhooks.get(&id).is_some()));
        shown
    }
}

/// With its defaults filled in.
fn window(window: &TimeWindow) -> WindowView {
    let (start, end) = window.hours();
    WindowView {
        days: window.days().map(str::to_owned).collect(),
        start: start.to_owned(),
        end: end.to_owned(),
        timezone: window.timezone().to_owned(),
    }
}

impl<'a> PolicyRow<'a> {
    pub(super) fn new(policy: &'a RotationPolicy, secrets_count: usize) -> Self {
        let content = &policy.content;
        Self {
            id: policy.id.as_str(),
            name: &content.name,
            interval: content.interval.as_str(),
            interval_seconds: content.interval.seconds(),
            grace_period: content.grace_period.as_str(),
            auto_generate: content.auto_generate,
            is_active: policy.is_active,
            secrets_count,
        }
    }
}

impl<'a> AssignmentView<'a> {
    /// Of a secret that is attached to a policy that is there.
    pub(super) fn new(
        set: &RotationSet,
        catalogue: &Catalogue,
        secret: &'a Secret,
        now: Timestamp,
    ) -> Option<AssignmentView<'a>> {
        let attachment = secret.attachment.as_ref()?;
        let (status, next_rotation) = standing(set, catalogue, secret, now)?;
        Some(AssignmentView {
            rotation_policy_id: attachment.policy.id.as_str(),
            secret_path: &secret.path,
            assigned_at: attachment.at,
            assigned_by: &attachment.by,
            last_rotated_at: secret.rotated_at,
            next_rotation,
            status: status.as_str(),
        })
    }
}

/// How an attached secret stands, and when it is due; not while it is paused.
pub(crate) fn standing(
    set: &RotationSet,
    catalogue: &Catalogue,
    secret: &Secret,
    now: Timestamp,
) -> Option<(Status, Option<Timestamp>)> {
    let attached_to = set.attached_to(catalogue, secret)?;
    let agenda = attached_to.agenda(secret)?;
    Some(match scheduled::is_running(secret, &attached_to, &agenda) {
        true => (agenda.status(now), Some(agenda.due_at())),
        false => (Status::Paused, None),
    })
}
