//! Policies and questions to tell stories with.

use std::sync::Arc;

use scaivault_domain::access::Permission;
use scaivault_domain::policy::{Asked, Bound, Candidates, Conditions, Content, Policy, Rule, Subject};
use scaivault_domain::{Pattern, PolicyId, Timestamp};

/// A Thursday.
pub(crate) fn now() -> Timestamp {
    moment("2026-04-23T14:00:00Z")
}

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn rule(pattern: &str, permission: Permission, conditions: Conditions) -> Rule {
    Rule { path_pattern: Pattern::parse(pattern).unwrap(), permissions: vec![permission], conditions }
}

/// A policy; its id says which, and policies with later ids were made later.
pub(crate) fn policy(id: &str, rules: Vec<Rule>) -> Policy {
    Policy {
        id: PolicyId::parse(&format!("pol_{id}")).unwrap(),
        revision: 3,
        content: Content { name: id.into(), description: None, rules, is_active: true },
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn bound(policies: Vec<Policy>) -> Candidates {
    let bound = policies.into_iter().map(|policy| Bound { policy: Arc::new(policy), until: None });
    Candidates::new(vec![Arc::new(Subject::new(bound))])
}

pub(crate) fn asked(permission: Permission, path: &str) -> Asked<'_> {
    Asked { permission, path, address: Some([10, 1, 2, 3].into()), mfa_verified_at: None, at: now() }
}
