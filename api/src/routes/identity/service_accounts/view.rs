//! Service accounts and keys as answers show them.

use scaivault_commands::service_account_key::is_key_of;
use scaivault_domain::token::TokenCreated;
use scaivault_domain::{Owner, Role, Scopes, SecretPath, TenantId, Timestamp};
use scaivault_projections::{HeldAccount, Projections, View};
use serde::Serialize;

/// A service account.
#[derive(Serialize)]
pub struct AccountView<'a> {
    id: &'a str,
    identity_id: &'a str,
    tenant_id: Option<&'a str>,
    name: &'a str,
    description: Option<&'a str>,
    roles: &'a [Role],
    scopes: Scopes,
    is_active: bool,
    key_count: usize,
    created_at: Timestamp,
    created_by: &'a str,
    updated_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

/// What is known of the use of an account.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    key_count: usize,
    last_used_at: Option<Timestamp>,
}

impl Usage {
    /// Of an account of `owner`.
    pub fn of(view: &View, projections: &Projections, owner: &Owner, held: &HeldAccount, now: Timestamp) -> Self {
        let identity = &held.account.identity;
        let own = view.tokens.of(identity).filter(|token| token.token.record.tenant_id.as_ref() == owner.tenant());
        let own: Vec<_> = own.collect();
        let keys = own.iter().filter(|held| is_key_of(&held.token.record, owner, identity));
        let key_count = keys.filter(|held| held.token.is_active(now)).count();
        let used = projections
            .accesses(|accesses| own.iter().filter_map(|held| accesses.token_used(&held.token.record.id)).max());
        // A deleted account of that name is nobody's business.
        Self { key_count, last_used_at: used.filter(|at| *at >= held.created_at) }
    }
}

impl<'a> AccountView<'a> {
    /// Of an account of `tenant`.
    pub fn new(held: &'a HeldAccount, tenant: Option<&'a TenantId>, usage: Usage) -> Self {
        let account = &held.account;
        Self {
            id: account.id.as_str(),
            identity_id: account.identity.as_str(),
            tenant_id: tenant.map(TenantId::as_str),
            name: &account.name,
            description: account.content.description.as_deref(),
            roles: &account.content.roles,
            scopes: account.content.scopes,
            is_active: account.content.is_active,
            key_count: usage.key_count,
            created_at: held.created_at,
            created_by: held.created_by.as_str(),
            updated_at: held.updated_at,
            last_used_at: usage.last_used_at,
        }
    }
}

/// A key; with its value in the one answer that shows it.
#[derive(Serialize)]
pub struct KeyView<'a> {
    /// The key.
    pub id: &'a str,
    /// Whose.
    pub service_account_id: &'a str,
    /// For people.
    pub name: &'a str,
    /// First characters of the value.
    pub prefix: &'a str,
    /// The value; left out but at creation, where it is null if it was written to a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Option<&'a str>>,
    /// Where the value was written to.
    pub stored_in: Option<&'a str>,
    /// As which version.
    pub stored_version: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: &'a str,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

impl<'a> KeyView<'a> {
    /// Of a key's record, without value and history.
    pub fn new(record: &'a TokenCreated, account: &'a HeldAccount, created_at: Timestamp, created_by: &'a str) -> Self {
        Self {
            id: record.id.as_str(),
            service_account_id: account.account.id.as_str(),
            name: &record.name,
            prefix: &record.prefix,
            key: None,
            stored_in: None,
            stored_version: None,
            created_at,
            created_by,
            expires_at: record.expires_at,
            last_used_at: None,
        }
    }

    /// With where its value was written to.
    #[must_use]
    pub fn stored(mut self, stored: Option<(&'a str, u32)>) -> Self {
        self.stored_in = stored.map(|(path, _)| path);
        self.stored_version = stored.map(|(_, version)| version);
        self
    }

    /// As the answer that makes it.
    #[must_use]
    pub fn with_value(mut self, value: Option<&'a str>, stored: Option<(&'a SecretPath, u32)>) -> Self {
        self.key = Some(value);
        self.stored(stored.map(|(path, version)| (path.as_str(), version)))
    }
}
