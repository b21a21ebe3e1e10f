//! Issuers as answers show them.

use scaivault_commands::issuer::Shown;
use scaivault_domain::issuer::{Algorithm, ClaimMapping, SubjectPattern};
use scaivault_domain::{Scopes, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// An issuer.
#[derive(Serialize)]
pub struct IssuerView<'a> {
    id: &'a str,
    name: &'a str,
    issuer: &'a str,
    tenant_id: Option<&'a str>,
    builtin: bool,
    jwks_url: Option<&'a str>,
    jwks: Option<&'a Value>,
    ca_pem: Option<&'a str>,
    audiences: Vec<&'a str>,
    algorithms: &'a [Algorithm],
    claim_mapping: &'a ClaimMapping,
    identity_type: &'static str,
    bound_subjects: &'a [SubjectPattern],
    default_scopes: Scopes,
    allowed_roles: Vec<&'static str>,
    is_active: bool,
    keys_refreshed_at: Option<Timestamp>,
    last_error: Option<&'a str>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> IssuerView<'a> {
    /// Of a record and its keys.
    pub fn new(shown: &'a Shown<'_>) -> Self {
        let Shown { issuer, keys } = shown;
        let content = &issuer.content;
        Self {
            id: issuer.id.as_str(),
            name: &content.name,
            issuer: &content.issuer,
            tenant_id: issuer.tenant.as_ref().map(|tenant| tenant.as_str()),
            builtin: issuer.is_builtin,
            jwks_url: content.jwks_url.as_deref(),
            jwks: content.jwks.as_ref(),
            ca_pem: content.ca_pem.as_deref(),
            audiences: content.audiences.iter().map(AsRef::as_ref).collect(),
            algorithms: &content.algorithms,
            claim_mapping: &content.claim_mapping,
            identity_type: content.identity_type.as_str(),
            bound_subjects: &content.bound_subjects,
            default_scopes: content.default_scopes,
            allowed_roles: content.allowed_roles.iter().map(|role| role.as_str()).collect(),
            is_active: content.is_active,
            keys_refreshed_at: keys.refreshed_at,
            last_error: keys.last_error.as_deref(),
            created_at: issuer.created_at,
            updated_at: issuer.updated_at,
        }
    }
}
