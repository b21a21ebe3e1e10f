//! ScaiKey, the issuer that is built in: its record and its claims.

use serde_json::Value;
use ulid::Ulid;

use super::claims::identity;
use super::{Algorithm, Bearer, ClaimMapping, Claims, Issuer, IssuerContent, SubjectPattern, Unmapped};
use crate::id::IssuerId;
use crate::{IdentityType, PartnerId, Role, Scopes, TenantId, Timestamp};

/// The record as others see it.
pub(super) fn issuer(url: &str, jwks_url: Option<&str>, audience: &str, since: Timestamp) -> Issuer {
    let mapping = ClaimMapping {
        identity: "email".into(),
        tenant: Some("tenant_id".into()),
        groups: Some("groups".into()),
        roles: Some("roles".into()),
        scopes: Some("scope".into()),
        mfa_time: Some("auth_time".into()),
    };
    let content = IssuerContent {
        name: "ScaiKey".into(),
        issuer: url.trim_end_matches('/').into(),
        jwks_url: jwks_url.map(Into::into),
        jwks: None,
        ca_pem: None,
        audiences: vec![audience.into()],
        algorithms: Algorithm::ALL.to_vec(),
        claim_mapping: mapping,
        identity_type: IdentityType::User,
        bound_subjects: vec![SubjectPattern::any()],
        default_scopes: Scopes::default(),
        allowed_roles: Role::ALL.to_vec(),
        is_active: true,
    };
    // The same on every node and after every start.
    let id = IssuerId::from_ulid(Ulid::nil());
    Issuer { id, tenant: None, content, is_builtin: true, created_at: since, updated_at: since }
}

/// The tenant in `/tenants/{id}`, what may follow the URL in `iss`.
pub(super) fn tenant_of_path(path: &str) -> Option<TenantId> {
    path.strip_prefix("/tenants/").and_then(|id| prefixed(TenantId::PREFIX, id)).and_then(|id| TenantId::parse(&id))
}

/// An id with the prefix of its kind, which ScaiKey may leave out.
fn prefixed(prefix: &str, id: &str) -> Option<String> {
    let id = id.strip_prefix(prefix).unwrap_or(id);
    (!id.is_empty()).then(|| format!("{prefix}{id}"))
}

/// The tenant that claims name, by `iss` or by a claim of its own.
pub(super) fn tenant(issuer: &Issuer, claims: &Claims) -> Result<Option<TenantId>, Unmapped> {
    let claimed = match claims.find("tenant_id") {
        None | Some(Value::Null) => None,
        Some(claim) => {
            let id = claim.as_str().and_then(|id| prefixed(TenantId::PREFIX, id));
            Some(id.and_then(|id| TenantId::parse(&id)).ok_or(Unmapped::Tenant)?)
        }
    };
    let own = claims.text("iss").and_then(|iss| iss.strip_prefix(issuer.content.issuer.as_ref()));
    match (own.and_then(tenant_of_path), claimed) {
        (Some(own), Some(claimed)) if own != claimed => Err(Unmapped::OtherTenant),
        (Some(tenant), _) | (None, Some(tenant)) => Ok(Some(tenant)),
        (None, None) => Ok(None),
    }
}

/// Whether claims name a partner.
pub(super) fn names_partner(claims: &Claims) -> bool {
    claims.find("partner_id").is_some_and(|claim| !claim.is_null())
}

pub(super) fn map(issuer: &Issuer, claims: &Claims) -> Result<Bearer, Unmapped> {
    let is_program = claims.text("token_type") == Some("client_credentials");
    let email = claims.text("email").filter(|email| !email.is_empty());
    let identity = match (is_program, email) {
        (true, _) => claims.text("client_id").and_then(|id| identity(IdentityType::ServiceAccount, id)),
        (false, Some(email)) => identity(IdentityType::User, email),
        (false, None) => identity(IdentityType::User, claims.subject()),
    };
    let tenant = tenant(issuer, claims)?;
    let partner = match claims.find("partner_id") {
        None | Some(Value::Null) => None,
        Some(claim) => Some(claim.as_str().and_then(partner).ok_or(Unmapped::Partner)?),
    };
    let named: Vec<&str> = claims.words("roles").into_iter().chain(claims.text("role")).collect();
    let with_factor = claims.words("amr").contains(&"mfa");
    Ok(Bearer {
        identity: identity.ok_or(Unmapped::Identity)?,
        display_name: claims.display_name(),
        tenant,
        partner,
        groups: claims.groups("groups"),
        roles: Role::ALL.into_iter().filter(|role| named.contains(&role.as_str())).collect(),
        scopes: claims.scopes("scope"),
        mfa_verified_at: claims.moment("auth_time").flatten().filter(|_| with_factor),
    })
}

/// `prt_x` is read as `ptn_x`.
fn partner(id: &str) -> Option<PartnerId> {
    let id = id.strip_prefix("prt_").unwrap_or(id);
    PartnerId::parse(&prefixed(PartnerId::PREFIX, id)?)
}
