//! Audit entries: one per request that reaches authentication, one per piece of background work.

use serde::{Deserialize, Serialize};

use crate::{IdentityType, Timestamp};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What was asked for, whatever came of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// As stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    /// Value or object read.
    Read => "read",
    /// Creation or change without an action of its own.
    Write => "write",
    /// Deletion without an action of its own.
    Delete => "delete",
    /// Collection read.
    List => "list",
    /// Restore of a secret or version.
    Restore => "restore",
    /// PATCH of a secret.
    MetadataUpdate => "metadata_update",
    /// Rotation.
    Rotate => "rotate",
    /// Access policy made.
    PolicyCreate => "policy_create",
    /// Access policy changed.
    PolicyUpdate => "policy_update",
    /// Access policy deleted.
    PolicyDelete => "policy_delete",
    /// Access policy bound.
    PolicyBind => "policy_bind",
    /// Binding removed.
    PolicyUnbind => "policy_unbind",
    /// Secret policy made.
    SecretPolicyCreate => "secret_policy_create",
    /// Secret policy changed.
    SecretPolicyUpdate => "secret_policy_update",
    /// Secret policy deleted.
    SecretPolicyDelete => "secret_policy_delete",
    /// Values generated, and shown.
    SecretPolicyGenerate => "secret_policy_generate",
    /// Rotation policy made.
    RotationPolicyCreate => "rotation_policy_create",
    /// Rotation policy changed.
    RotationPolicyUpdate => "rotation_policy_update",
    /// Rotation policy deleted.
    RotationPolicyDelete => "rotation_policy_delete",
    /// Rotation policy that goes on.
    RotationPolicyEnable => "rotation_policy_enable",
    /// Rotation policy that pauses.
    RotationPolicyDisable => "rotation_policy_disable",
    /// Secret attached to a rotation policy.
    RotationPolicyAttach => "rotation_policy_attach",
    /// Secret detached from one.
    RotationPolicyDetach => "rotation_policy_detach",
    /// Webhook made.
    WebhookCreate => "webhook_create",
    /// Webhook changed.
    WebhookUpdate => "webhook_update",
    /// Webhook deleted.
    WebhookDelete => "webhook_delete",
    /// Event sent to a webhook, or asked to be sent again.
    WebhookDelivery => "webhook_delivery",
    /// Subscription made.
    SubscriptionCreate => "subscription_create",
    /// Subscription changed.
    SubscriptionUpdate => "subscription_update",
    /// Subscription deleted.
    SubscriptionDelete => "subscription_delete",
    /// Events of a subscription handed over or acknowledged.
    SubscriptionEvent => "subscription_event",
    /// Identities taken over from the identity provider.
    IdentitySync => "identity_sync",
    /// Token made.
    TokenCreate => "token_create",
    /// Token revoked.
    TokenRevoke => "token_revoke",
    /// Audit export asked for.
    ExportCreated => "export_created",
    /// Rejected token.
    AuthFailure => "auth_failure",
}

/// The content of an owner's audit entries was erased, since it had been kept long enough. Their leaves stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditErased {
    /// The last position whose entries are gone; those of the owner before it are too.
    pub up_to: u64,
}

/// Every action that may be asked for; some belong to capabilities that this build does not have.
pub const ACTIONS: &[&str] = &[
    "read",
    "write",
    "delete",
    "list",
    "restore",
    "metadata_update",
    "rotate",
    "policy_create",
    "policy_update",
    "policy_delete",
    "policy_bind",
    "policy_unbind",
    "secret_policy_create",
    "secret_policy_update",
    "secret_policy_delete",
    "secret_policy_generate",
    "rotation_policy_create",
    "rotation_policy_update",
    "rotation_policy_delete",
    "rotation_policy_enable",
    "rotation_policy_disable",
    "rotation_policy_attach",
    "rotation_policy_detach",
    "pki_issue",
    "pki_sign",
    "pki_revoke",
    "pki_ca_create",
    "dynamic_generate",
    "dynamic_renew",
    "dynamic_revoke",
    "webhook_create",
    "webhook_update",
    "webhook_delete",
    "webhook_delivery",
    "subscription_create",
    "subscription_update",
    "subscription_delete",
    "subscription_event",
    "federation_create",
    "federation_update",
    "federation_delete",
    "federation_resolve",
    "federation_sync",
    "identity_sync",
    "token_create",
    "token_revoke",
    "auth_failure",
    "export_created",
    "key_rotate",
    "seal",
    "unseal",
    "backup",
];

/// An entry is rarely longer.
const USUAL_BYTES: usize = 1_024;

/// One entry, without `position`, which the log gives.
///
/// Fields stand in the order of their names: serialised compactly this is RFC 8785 canonical JSON,
/// since all numbers are integers below 2^53 and all keys are ASCII.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    /// The caller's own tenant.
    pub acting_tenant_id: Option<&'a str>,
    /// What was asked for.
    pub action: Action,
    /// Whole milliseconds up to the recording.
    pub duration_ms: u64,
    /// Code of the error envelope.
    pub error_code: Option<&'a str>,
    /// More facts, by the table of keys.
    pub extra_data: Extra<'a>,
    /// `log_…`.
    pub id: &'a str,
    /// Who.
    pub identity_id: Option<&'a str>,
    /// Kind of identity.
    pub identity_type: Option<IdentityType>,
    /// The request, or the run of background work.
    pub request_id: &'a str,
    /// What else than one secret it concerned.
    pub resource: Option<&'a str>,
    /// The secret concerned.
    pub secret_path: Option<&'a str>,
    /// Version read, written, deleted or restored.
    pub secret_version: Option<u32>,
    /// Client address.
    pub source_ip: Option<&'a str>,
    /// True for 2xx and 304.
    pub success: bool,
    /// Tenant acted upon.
    pub tenant_id: Option<&'a str>,
    /// When the request arrived.
    pub timestamp: Timestamp,
    /// First 256 characters.
    pub user_agent: Option<&'a str>,
}

/// `extra_data`: keys left out while they have no value, in the order of their names.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Extra<'a> {
    /// Moment of a time-travel read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Number of the attempt at a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Part of a batch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub batch: bool,
    /// Folded failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The event of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<&'a str>,
    /// How many events were handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The rule that gave a token in exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rule_id: Option<&'a str>,
    /// Condition that denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_condition: Option<&'a str>,
    /// `iss` of the token that was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    /// Permission asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<&'a str>,
    /// The permitting policy: set, with null inside, for implicit ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<Option<&'a str>>,
    /// Its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_revision: Option<Option<u64>>,
    /// Reason given for a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// Idempotent replay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// Status that a receiver answered with: null if it did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_code: Option<Option<u16>>,
    /// Rotation policy of a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_policy_id: Option<Option<&'a str>>,
    /// The permitting rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_index: Option<Option<usize>>,
    /// `partner` for partner secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_scope: Option<&'a str>,
    /// `sub` of the token that was exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<&'a str>,
    /// The opaque token used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<&'a str>,
    /// The webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<&'a str>,
}

impl Entry<'_> {
    /// RFC 8785 canonical JSON.
    pub fn to_canonical_json(&self) -> String {
        let mut text = Vec::with_capacity(USUAL_BYTES);
        // A struct of strings, integers and booleans always serialises, as UTF-8.
        let _ = serde_json::to_writer(&mut text, self);
        String::from_utf8(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn facts_stand_in_the_order_of_their_names() {
        let all = Extra {
            as_of: Some(Timestamp::from_micros(0)),
            attempt: Some(1),
            batch: true,
            count: Some(1),
            event_id: Some("evt_1"),
            events: Some(2),
            exchange_rule_id: Some("xr_1"),
            failed_condition: Some("require_mfa"),
            issuer: Some("https://issuer.example"),
            permission: Some("read"),
            policy_id: Some(None),
            policy_revision: Some(Some(1)),
            reason: Some("leaked"),
            replayed: true,
            response_code: Some(None),
            rotation_policy_id: Some(None),
            rule_index: Some(Some(0)),
            secret_scope: Some("partner"),
            subject: Some("repo:acme"),
            subscription_id: Some("sub_1"),
            token_id: Some("tok_1"),
            webhook_id: Some("wh_1"),
        };
        let json = serde_json::to_string(&all).unwrap();
        let names: Vec<&str> = json.split('"').filter(|text| json.contains(&format!("\"{text}\":"))).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        assert_eq!(names.len(), 22);
    }
}
