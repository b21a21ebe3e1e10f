//! Secret policies as answers show them.

use scaivault_domain::Timestamp;
use scaivault_domain::secret_policy::{Field, SecretPolicy};
use serde::Serialize;

/// A policy.
#[derive(Serialize)]
pub struct SecretPolicyView<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    policy_type: &'static str,
    fields: &'a [Field],
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> SecretPolicyView<'a> {
    /// Of a record.
    pub fn new(policy: &'a SecretPolicy) -> Self {
        let content = &policy.content;
        Self {
            id: policy.id.as_str(),
            name: &content.name,
            description: &content.description,
            policy_type: content.policy_type.as_str(),
            fields: &content.fields,
            is_active: content.is_active,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}
