//! Policies and bindings as answers show them.

use std::sync::Arc;

use scaivault_commands::policy::Bound;
use scaivault_domain::policy::Rule;
use scaivault_domain::{IdentityId, IdentityType, Owner, Timestamp};
use scaivault_projections::{HeldBinding, HeldPolicy};
use serde::Serialize;

/// A policy with everything in it.
#[derive(Serialize)]
pub struct PolicyView<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    scope: &'static str,
    revision: u64,
    rules: &'a [Rule],
    bindings: Vec<BindingView<'a>>,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A policy in a list.
#[derive(Serialize)]
pub struct PolicyRow<'a> {
    id: &'a str,
    name: &'a str,
    scope: &'static str,
    revision: u64,
    rule_count: usize,
    binding_count: usize,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A binding.
#[derive(Serialize)]
pub struct BindingView<'a> {
    id: &'a str,
    policy_id: &'a str,
    identity_type: IdentityType,
    identity_id: &'a IdentityId,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    created_by: &'a IdentityId,
}

/// `tenant` or `partner`, by whose it is.
pub fn scope(owner: &Owner) -> &'static str {
    match owner {
        Owner::Partner(_) => "partner",
        Owner::Tenant(_) | Owner::Platform => "tenant",
    }
}

impl<'a> PolicyView<'a> {
    /// Of a policy of `owner`.
    pub fn new(owner: &Owner, held: &'a HeldPolicy) -> Self {
        let policy = &held.policy;
        Self {
            id: policy.id.as_str(),
            name: &policy.content.name,
            description: policy.content.description.as_deref(),
            scope: scope(owner),
            revision: policy.revision,
            rules: &policy.content.rules,
            bindings: held.bindings.values().map(|held| BindingView::new(held)).collect(),
            is_active: policy.content.is_active,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

impl<'a> PolicyView<'a> {
    /// The same, with the bindings that counted at a moment.
    pub fn as_of(owner: &Owner, held: &'a HeldPolicy, at: Timestamp) -> Self {
        let counts = |held: &&Arc<HeldBinding>| held.binding.expires_at.is_none_or(|end| at < end);
        let bindings = held.bindings.values().filter(counts).map(|held| BindingView::new(held)).collect();
        Self { bindings, ..Self::new(owner, held) }
    }
}

impl<'a> PolicyRow<'a> {
    /// Of a policy of `owner`.
    pub fn new(owner: &Owner, held: &'a HeldPolicy) -> Self {
        let policy = &held.policy;
        Self {
            id: policy.id.as_str(),
            name: &policy.content.name,
            scope: scope(owner),
            revision: policy.revision,
            rule_count: policy.content.rules.len(),
            binding_count: held.bindings.len(),
            is_active: policy.content.is_active,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

impl<'a> BindingView<'a> {
    /// Of a binding that is there.
    pub fn new(held: &'a HeldBinding) -> Self {
        let HeldBinding { binding, created_at, created_by } = held;
        Self::of(&Bound { binding, created_at: *created_at, created_by, is_new: false })
    }

    /// Of what came of binding.
    pub fn of(bound: &Bound<'a>) -> Self {
        Self {
            id: bound.binding.id.as_str(),
            policy_id: bound.binding.policy_id.as_str(),
            identity_type: bound.binding.identity.kind(),
            identity_id: &bound.binding.identity,
            expires_at: bound.binding.expires_at,
            created_at: bound.created_at,
            created_by: bound.created_by,
        }
    }
}
