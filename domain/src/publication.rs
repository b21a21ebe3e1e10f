//! What the outside is told: envelopes of published events, derived from the log.
//!
//! A pure function of what is stored, so every channel and every repetition says the same.

pub mod access;
pub mod filter;
pub mod key;
pub mod names;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::directory::{Change, IdentityEvent};
use crate::id::BindingId;
use crate::policy::PolicyEvent;
use crate::secret::SecretEvent;
use crate::secret::event::{Rotation, Straggler, Stragglers};
use crate::webhook::WebhookEvent;
use crate::{Event, EventBody, IdentityId, PartnerId, PolicyId, Recorded, Timestamp};
use crate::{Owner, SecretPath};

pub use filter::{About, EventFilter};
pub use key::EventKey;
pub use names::{ACCESSED, EventNames, EventTypes, TEST, VIOLATION};

/// A published event, before it is put into a channel's form.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Where it comes from.
    pub key: EventKey,
    /// `evt_…`: sorts in log order.
    pub event_id: String,
    /// As in the catalogue.
    pub event_type: &'static str,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Whom it concerns.
    pub owner: Owner,
    /// Partner of that tenant, or that partner itself.
    pub partner: Option<PartnerId>,
    /// Who did it.
    pub actor: IdentityId,
    /// The secret concerned.
    pub path: Option<SecretPath>,
    /// By the catalogue.
    pub data: Value,
    /// Of the causing request or run.
    pub request_id: String,
}

impl Published {
    /// The envelope.
    pub fn envelope(&self) -> Value {
        let mut envelope = json!({
            "event_id": self.event_id,
            "event_type": self.event_type,
            "timestamp": self.timestamp,
            "tenant_id": self.owner.tenant(),
            "partner_id": self.partner,
            "identity_id": self.actor,
            "path": self.path,
            "data": self.data,
            "request_id": self.request_id,
        });
        if let (None, Some(object)) = (&self.path, envelope.as_object_mut()) {
            object.shift_remove("path");
        }
        envelope
    }

    /// What it is in order with: other events of its path or object. Two lanes may have the same number, which orders
    /// more than need be.
    pub fn lane(&self) -> u64 {
        let mut digest = Sha256::new();
        digest.update(match &self.owner {
            Owner::Platform => "platform",
            Owner::Partner(id) => id.as_str(),
            Owner::Tenant(id) => id.as_str(),
        });
        let object = || OBJECTS.iter().find_map(|name| self.data.get(name)?.as_str());
        let object = self.path.as_ref().map(SecretPath::as_str).or_else(object).unwrap_or(self.event_type);
        digest.update(b"\0");
        digest.update(object);
        digest.finalize().iter().take(8).fold(0, |lane, byte| (lane << 8) | u64::from(*byte))
    }
}

/// Fields of `data` that name the object an event without a path is about.
const OBJECTS: [&str; 8] =
    ["policy_id", "token_id", "webhook_id", "lease_id", "certificate_id", "ca_id", "backend_id", "id"];

/// What an audit entry publishes: the `index`-th entry of the record at `position`.
pub fn publish_entry(
    (json, detail): (&str, Option<&str>),
    key: EventKey,
    recorded_at: Timestamp,
    owner: &Owner,
    partner: Option<&PartnerId>,
) -> Option<Published> {
    let told = access::told(json, detail)?;
    let of_partner = partner.filter(|_| told.of_partner).map(|partner| Owner::Partner(partner.clone()));
    Some(Published {
        key,
        event_id: key.id(recorded_at),
        event_type: told.event_type,
        timestamp: told.at,
        owner: of_partner.unwrap_or_else(|| owner.clone()),
        partner: partner.cloned(),
        actor: told.actor,
        path: Some(told.path),
        data: told.data,
        request_id: told.request_id,
    })
}

/// Published events of one record, in order.
pub fn publish(recorded: &Recorded, owner: &Owner, partner: Option<&PartnerId>) -> Vec<Published> {
    let body = &recorded.body;
    (0..)
        .zip(described(body))
        .map(|(index, (event_type, data))| {
            let key = EventKey { position: recorded.position, index };
            Published {
                key,
                event_id: key.id(recorded.recorded_at),
                event_type,
                timestamp: body.at,
                owner: owner.clone(),
                partner: partner.cloned(),
                actor: body.actor.clone(),
                path: match &body.event {
                    Event::Secret(path, _) => Some(path.clone()),
                    Event::Policy(_)
                    | Event::Replay(_)
                    | Event::RotationPolicy(_)
                    | Event::Identity(_)
                    | Event::Issuer(_)
                    | Event::Export(_)
                    | Event::SecretPolicy(_)
                    | Event::Webhook(_)
                    | Event::Subscription(_)
                    | Event::Delivery(_)
                    | Event::TokenCreated(_)
                    | Event::TokenRevoked(_)
                    | Event::JwtRevoked(_)
                    | Event::PartnerCreated(_)
                    | Event::TenantCreated(_)
                    | Event::UserCreated(_)
                    | Event::ClockMoved(_)
                    | Event::OutcomeKept(_)
                    | Event::AuditErased(_) => None,
                },
                data,
                request_id: body.request_id.clone(),
            }
        })
        .collect()
}

fn described(body: &EventBody) -> Vec<(&'static str, Value)> {
    match &body.event {
        Event::Secret(_, event) => secret(event, &body.actor, body.at),
        Event::Policy(event) => policy(event, &body.actor),
        Event::Identity(event) => identity(event),
        Event::Webhook(event) => webhook(event),
        Event::TokenCreated(token) => vec![(
            "token.created",
            json!({"token_id": token.id, "kind": token.kind.published(), "name": token.name, "identity_id": token.identity,
                   "scopes": token.scopes, "expires_at": token.expires_at}),
        )],
        Event::TokenRevoked(token) => vec![(
            "token.revoked",
            json!({"token_id": token.id, "kind": token.kind.published(), "identity_id": token.identity, "revoked_by": body.actor}),
        )],
        Event::JwtRevoked(token) => vec![(
            "token.revoked",
            json!({"token_id": null, "kind": "jwt", "identity_id": token.identity, "revoked_by": body.actor}),
        )],
        // What bootstrap makes is there before anybody could be told; the contract has no event for issuers,
        // rules of exchange, rotation policies, replays, audit exports, secret policies, subscriptions and deliveries.
        Event::Issuer(_)
        | Event::Replay(_)
        | Event::RotationPolicy(_)
        | Event::Export(_)
        | Event::SecretPolicy(_)
        | Event::Subscription(_)
        | Event::Delivery(_)
        | Event::PartnerCreated(_)
        | Event::TenantCreated(_)
        | Event::UserCreated(_)
        | Event::ClockMoved(_)
        | Event::OutcomeKept(_)
        | Event::AuditErased(_) => Vec::new(),
    }
}

fn webhook(event: &WebhookEvent) -> Vec<(&'static str, Value)> {
    match event {
        WebhookEvent::Disabled { id, name, reason, last_error } => vec![(
            "webhook.disabled",
            json!({"webhook_id": id, "name": name, "reason": reason, "last_error": last_error}),
        )],
        // The contract has no event for what users do to webhooks.
        WebhookEvent::Created { .. } | WebhookEvent::Updated { .. } | WebhookEvent::Deleted { .. } => Vec::new(),
    }
}

fn identity(event: &IdentityEvent) -> Vec<(&'static str, Value)> {
    if let IdentityEvent::SyncEnded(ended) = event {
        let counts = &ended.counts;
        return vec![(
            "identity.synced",
            json!({"sync_id": ended.id, "status": if ended.error.is_none() { "completed" } else { "failed" },
                   "created": counts.created, "updated": counts.updated, "deleted": counts.deleted,
                   "unchanged": counts.unchanged, "error": ended.error}),
        )];
    }
    let Some(change) = event.single_change() else { return Vec::new() };
    let count = |of: Change| u64::from(change == of);
    vec![(
        "identity.synced",
        json!({"sync_id": null, "status": "completed", "created": count(Change::Created), "updated": count(Change::Updated),
               "deleted": count(Change::Deleted), "unchanged": 0, "error": null}),
    )]
}

fn policy(event: &PolicyEvent, actor: &IdentityId) -> Vec<(&'static str, Value)> {
    let changed = |id: &PolicyId, name: &str, revision: u64, rule_count: usize| json!({"policy_id": id, "name": name, "revision": revision, "rule_count": rule_count, "changed_by": actor});
    let of_binding = |policy: &PolicyId, binding: &BindingId, identity: &IdentityId| json!({"policy_id": policy, "binding_id": binding, "identity_type": identity.kind(), "identity_id": identity});
    let data = match event {
        PolicyEvent::Created { id, content } => changed(id, &content.name, 1, content.rules.len()),
        PolicyEvent::Updated { id, revision, content } => changed(id, &content.name, *revision, content.rules.len()),
        PolicyEvent::Deleted { id, revision, name, rule_count } => {
            changed(id, name, *revision, usize::try_from(*rule_count).unwrap_or(usize::MAX))
        }
        PolicyEvent::Bound(binding) => of_binding(&binding.policy_id, &binding.id, &binding.identity),
        PolicyEvent::Unbound { id, policy_id, identity, .. } => of_binding(policy_id, id, identity),
        // The contract has no event for another end of a binding.
        PolicyEvent::Renewed { .. } => return Vec::new(),
    };
    vec![(event.kind(), data)]
}

/// `secret.rotated`, and with a policy `rotation.completed`.
fn rotated(rotation: &Rotation, old: Option<u32>, new: u32, at: Timestamp) -> Vec<(&'static str, Value)> {
    let under = rotation.under.as_deref();
    let policy = under.map(|under| &under.policy);
    let (id, name) = (policy.map(|policy| &policy.reference.id), policy.map(|policy| &policy.name));
    let auto_generated = under.is_some_and(|under| under.auto_generated);
    let rotated = json!({"old_version": old, "new_version": new, "rotation_policy_id": id, "rotation_policy_name": name,
                         "grace_period_ends": rotation.grace_ends_at, "auto_generated": auto_generated});
    let completed = under.map(|under| {
        let duration_ms = (at.as_micros() - under.started_at.as_micros()).max(0) / 1_000;
        json!({"old_version": old, "new_version": new, "rotation_policy_id": id, "duration_ms": duration_ms,
               "auto_generated": auto_generated})
    });
    std::iter::once(("secret.rotated", rotated)).chain(completed.map(|data| ("rotation.completed", data))).collect()
}

fn stragglers(found: &Stragglers) -> Value {
    let of = |straggler: &Straggler| {
        json!({"identity_id": straggler.identity, "identity_type": straggler.identity.kind(),
               "last_read_at": straggler.last_read_at})
    };
    json!({"old_version": found.old_version, "new_version": found.new_version,
           "rotation_policy_id": found.policy.reference.id, "rotation_policy_name": found.policy.name,
           "grace_period_ends": found.grace_ends_at, "ended": found.ended, "moved_count": found.moved,
           "straggler_count": found.missing, "stragglers": found.stragglers.iter().map(of).collect::<Vec<_>>()})
}

fn secret(event: &SecretEvent, actor: &IdentityId, at: Timestamp) -> Vec<(&'static str, Value)> {
    let updated = |old: Value, new: u32, is_rotation: bool| json!({"old_version": old, "new_version": new, "updated_by": actor, "is_rotation": is_rotation});
    match event {
        SecretEvent::Created { secret_type, metadata, expires_at, .. } => vec![(
            "secret.created",
            json!({"version": 1, "secret_type": secret_type, "created_by": actor, "tags": metadata.tags(), "expires_at": expires_at}),
        )],
        SecretEvent::VersionAdded { version, previous_version, rotation, .. } => {
            let mut told = vec![("secret.updated", updated(json!(previous_version), *version, rotation.is_some()))];
            if let Some(rotation) = rotation {
                told.extend(rotated(rotation, *previous_version, *version, at));
            }
            told
        }
        SecretEvent::MetadataUpdated { version, metadata, options, .. } => {
            let parts = [("metadata", metadata.is_some()), ("options", options.is_some())];
            let changed: Vec<_> = parts.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
            vec![("secret.metadata_updated", json!({"version": version, "changed": changed, "updated_by": actor}))]
        }
        SecretEvent::VersionDeleted { version, .. } => {
            vec![("secret.metadata_updated", json!({"version": version, "changed": ["versions"], "updated_by": actor}))]
        }
        SecretEvent::VersionDestroyed { version, reason } => {
            vec![("secret.version_destroyed", json!({"version": version, "reason": reason, "destroyed_by": actor}))]
        }
        SecretEvent::VersionRestored { with_secret: true, .. } => Vec::new(),
        SecretEvent::VersionRestored { version, .. } => {
            vec![("secret.restored", json!({"version": version, "restored_by": actor}))]
        }
        SecretEvent::CurrentVersionChanged { old_version, new_version } => {
            vec![("secret.updated", updated(json!(old_version), *new_version, false))]
        }
        SecretEvent::Deleted { recoverable_until, version_count } => vec![(
            "secret.deleted",
            json!({"version_count": version_count, "deleted_by": actor, "permanent": false, "recoverable_until": recoverable_until}),
        )],
        SecretEvent::Restored { version } => {
            vec![("secret.restored", json!({"version": version, "restored_by": actor}))]
        }
        SecretEvent::Destroyed { version_count, .. } => {
            vec![("secret.deleted", json!({"version_count": version_count, "deleted_by": actor, "permanent": true}))]
        }
        SecretEvent::ExpiryAnnounced { threshold, expires_at, days_remaining } => vec![(
            "secret.expiring",
            json!({"expires_at": expires_at, "days_remaining": days_remaining, "threshold": threshold}),
        )],
        SecretEvent::Expired { expires_at } => vec![("secret.expired", json!({"expires_at": expires_at}))],
        // The contract has no event for attaching and detaching.
        SecretEvent::RotationAttached { .. } | SecretEvent::RotationDetached {} => Vec::new(),
        SecretEvent::RotationDue { policy, due_at, warning, .. } => vec![(
            "rotation.due",
            json!({"rotation_policy_id": policy.reference.id, "rotation_policy_name": policy.name, "due_at": due_at,
                   "threshold": warning, "warn_before": warning, "due_now": warning.is_none()}),
        )],
        SecretEvent::RotationOverdue { policy, due_at, overdue_since } => vec![(
            "rotation.overdue",
            json!({"rotation_policy_id": policy.reference.id, "rotation_policy_name": policy.name, "due_at": due_at,
                   "overdue_since": overdue_since}),
        )],
        SecretEvent::RotationFailed(failed) => vec![(
            "rotation.failed",
            json!({"rotation_policy_id": failed.policy.reference.id, "error": {"code": failed.code, "message": failed.message},
                   "attempt": failed.attempt, "next_attempt_at": failed.next_attempt_at}),
        )],
        SecretEvent::GraceFinished { version } => {
            vec![("secret.metadata_updated", json!({"version": version, "changed": ["versions"], "updated_by": actor}))]
        }
        // At the end it is noted also that nobody is missing.
        SecretEvent::StragglersFound(found) if found.missing == 0 => Vec::new(),
        SecretEvent::StragglersFound(found) => vec![("rotation.stragglers", stragglers(found))],
    }
}
