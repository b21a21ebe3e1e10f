//! Rules of exchange as answers show them.

use std::collections::BTreeMap;

use scaivault_domain::exchange::{ClaimRule, ExchangeRule};
use scaivault_domain::{Scopes, Timestamp};
use serde::Serialize;

/// A rule.
#[derive(Serialize)]
pub struct ExchangeRuleView<'a> {
    id: &'a str,
    name: &'a str,
    issuer_id: &'a str,
    subject: &'a str,
    claims: &'a BTreeMap<String, ClaimRule>,
    identity_id: &'a str,
    scopes: Scopes,
    ttl: &'a str,
    is_active: bool,
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> ExchangeRuleView<'a> {
    /// Of a record.
    pub fn new(rule: &'a ExchangeRule) -> Self {
        let content = &rule.content;
        Self {
            id: rule.id.as_str(),
            name: &content.name,
            issuer_id: content.issuer_id.as_str(),
            subject: content.subject.as_str(),
            claims: &content.claims,
            identity_id: content.identity.as_str(),
            scopes: content.scopes,
            ttl: content.ttl.as_str(),
            is_active: content.is_active,
            last_used_at: rule.last_used_at,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}
