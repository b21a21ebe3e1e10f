//! From verified claims to an identity with tenant, groups, roles and scopes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Issuer, mapping};
use crate::directory::slug;
use crate::{IdentityId, IdentityType, PartnerId, Role, Scope, Scopes, TenantId, Timestamp};

/// Longest name of an identity or group, in bytes.
const MAX_NAME: usize = 256;
/// Most groups that are taken from one token.
const MAX_GROUPS: usize = 1_000;

/// The claims of a verified token.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(pub Map<String, Value>);

/// Whom a token speaks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Bearer {
    /// Who.
    pub identity: IdentityId,
    /// For people, if the token says it.
    pub display_name: Option<Arc<str>>,
    /// Of which tenant.
    pub tenant: Option<TenantId>,
    /// Of which partner; where there is a tenant, that tenant's record says it instead.
    pub partner: Option<PartnerId>,
    /// Groups it names, sorted.
    pub groups: Vec<IdentityId>,
    /// Roles it has through the token.
    pub roles: Vec<Role>,
    /// What it opens.
    pub scopes: Scopes,
    /// When a second factor was shown.
    pub mfa_verified_at: Option<Timestamp>,
}

/// Why verified claims speak for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmapped {
    /// The claim that names the identity is missing or no name.
    Identity,
    /// The claim that names the tenant cannot be the id of one.
    Tenant,
    /// The claim that names the partner cannot be the id of one.
    Partner,
    /// The issuer of one tenant speaks of another.
    OtherTenant,
}

impl Unmapped {
    /// In words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Identity => "The token names no identity",
            Self::Tenant => "The token names no tenant that could be one",
            Self::Partner => "The token names no partner that could be one",
            Self::OtherTenant => "The token's issuer and its tenant claim name different tenants",
        }
    }
}

impl Claims {
    /// The claim of that name; dots descend.
    pub fn find(&self, name: &str) -> Option<&Value> {
        mapping::find(&self.0, name)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(Value::as_str)
    }

    /// What people call the identity.
    pub(super) fn display_name(&self) -> Option<Arc<str>> {
        let name = self.text("name")?;
        let fits = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        fits.then(|| name.into())
    }

    /// `sub`; empty if there is none.
    pub fn subject(&self) -> &str {
        self.0.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether `aud`, a text or a list, holds `audience`.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(text)) => text == audience,
            Some(Value::Array(texts)) => texts.iter().any(|text| text.as_str() == Some(audience)),
            Some(_) | None => false,
        }
    }

    /// A claim that is a moment in Unix seconds: `None` if it is missing, `Some(None)` if it is anything else.
    #[allow(clippy::option_option, reason = "missing and malformed are different things")]
    pub fn moment(&self, name: &str) -> Option<Option<Timestamp>> {
        self.find(name).map(moment)
    }

    /// Words of a claim that is a text with spaces, or a list of texts.
    pub(super) fn words(&self, name: &str) -> Vec<&str> {
        match self.find(name) {
            Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    /// Known scopes of a claim; other words are ignored.
    pub(super) fn scopes(&self, name: &str) -> Scopes {
        self.words(name).into_iter().filter_map(Scope::parse).collect()
    }

    /// Groups of a claim that is a list of names, or one name.
    pub(super) fn groups(&self, name: &str) -> Vec<IdentityId> {
        let names: Vec<&str> = match self.find(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        };
        let mut groups: Vec<_> = names.into_iter().take(MAX_GROUPS).filter_map(group).collect();
        groups.sort();
        groups.dedup();
        groups
    }
}

fn moment(claim: &Value) -> Option<Timestamp> {
    let seconds = claim.as_i64().or_else(|| {
        let seconds = claim.as_f64().filter(|seconds| seconds.is_finite())?;
        #[allow(clippy::cast_possible_truncation, reason = "saturates, which is as far as any moment")]
        Some(seconds.floor() as i64)
    })?;
    // No clock comes so far; what lies beyond is as good as never.
    let bounded = seconds.clamp(0, 253_402_300_799);
    Some(Timestamp::from_micros(bounded * 1_000_000))
}

/// `group:<slug>`; `None` for a name without letter or digit.
fn group(name: &str) -> Option<IdentityId> {
    let slug = slug(name).filter(|slug| slug.len() <= MAX_NAME)?;
    Some(IdentityId::group(&slug))
}

/// An identity of a kind by its name in a token. What looks like an e-mail address is lower-cased.
pub(super) fn identity(kind: IdentityType, name: &str) -> Option<IdentityId> {
    let sound = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    match kind {
        _ if !sound => None,
        IdentityType::ServiceAccount => IdentityId::parse(&format!("sa:{name}")),
        IdentityType::User => IdentityId::parse(&format!("user:{name}")),
        IdentityType::Group | IdentityType::System => None,
    }
}

/// The tenant that claims name.
pub(super) fn tenant(issuer: &Issuer, claims: &Claims) -> Result<Option<TenantId>, Unmapped> {
    match issuer.content.claim_mapping.tenant.as_ref().and_then(|name| claims.find(name)) {
        None | Some(Value::Null) => Ok(None),
        Some(claim) => Ok(Some(claim.as_str().and_then(TenantId::parse).ok_or(Unmapped::Tenant)?)),
    }
}

/// The mapping of an issuer that was made here.
pub(super) fn map(issuer: &Issuer, claims: &Claims) -> Result<Bearer, Unmapped> {
    let content = &issuer.content;
    let mapping = &content.claim_mapping;
    let identity = claims.text(&mapping.identity).and_then(|name| identity(content.identity_type, name));
    // That of a tenant's issuer is its own, whatever they claim.
    let tenant = if issuer.tenant.is_none() { tenant(issuer, claims)? } else { None };
    let scopes = mapping.scopes.as_ref().map(|name| claims.scopes(name)).unwrap_or_default();
    let roles = mapping.roles.as_ref().map(|name| claims.words(name)).unwrap_or_default();
    let roles = Role::ALL.into_iter().filter(|role| roles.contains(&role.as_str()));
    Ok(Bearer {
        identity: identity.ok_or(Unmapped::Identity)?,
        display_name: claims.display_name(),
        tenant,
        partner: None,
        groups: mapping.groups.as_ref().map(|name| claims.groups(name)).unwrap_or_default(),
        roles: roles.filter(|role| content.allowed_roles.contains(role)).collect(),
        scopes: if scopes.is_empty() { content.default_scopes } else { scopes },
        mfa_verified_at: mapping.mfa_time.as_ref().and_then(|name| claims.moment(name)).flatten(),
    })
}
