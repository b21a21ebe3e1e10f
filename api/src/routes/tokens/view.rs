//! Tokens as answers show them.

use ipnet::IpNet;
use scaivault_domain::token::TokenCreated;
use scaivault_domain::{Pattern, Scopes, Timestamp};
use serde::Serialize;

/// A token record; with its value in the one answer that shows it.
#[derive(Serialize)]
pub struct TokenView<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    prefix: &'a str,
    identity_id: &'a str,
    scopes: Scopes,
    allowed_paths: Option<&'a Vec<Pattern>>,
    allowed_ips: Option<&'a Vec<IpNet>>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl<'a> TokenView<'a> {
    /// Of a record.
    pub fn new(record: &'a TokenCreated, created_at: Timestamp) -> Self {
        // Its own narrowing is the last list; those before it are inherited.
        let (own_paths, own_ips) = record.own_narrowing;
        Self {
            id: record.id.as_str(),
            name: &record.name,
            token: None,
            prefix: &record.prefix,
            identity_id: record.identity.as_str(),
            scopes: record.scopes,
            allowed_paths: record.narrowing.allowed_paths.last().filter(|_| own_paths),
            allowed_ips: record.narrowing.allowed_ips.last().filter(|_| own_ips),
            created_at,
            expires_at: record.expires_at,
            last_used_at: None,
            revoked_at: None,
        }
    }

    /// With its value.
    #[must_use]
    pub fn with_value(mut self, value: &'a str) -> Self {
        self.token = Some(value);
        self
    }

    /// With what happened to it.
    #[must_use]
    pub fn with_history(mut self, last_used_at: Option<Timestamp>, revoked_at: Option<Timestamp>) -> Self {
        self.last_used_at = last_used_at;
        self.revoked_at = revoked_at;
        self
    }
}
