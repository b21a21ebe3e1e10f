//! Trusted issuers: whose JWTs are accepted, and whom they speak for.
//!
//! Pure: signatures and keys are checked elsewhere; what is here takes claims as verified.

pub mod claims;
pub mod event;
pub mod mapping;
mod scaikey;
pub mod subject;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::IssuerId;
use crate::{IdentityType, Owner, Role, Scopes, TenantId, Timestamp};

pub use claims::{Bearer, Claims, Unmapped};
pub use event::IssuerEvent;
pub use mapping::ClaimMapping;
pub use subject::SubjectPattern;

/// Longest name, in characters.
pub const MAX_NAME: usize = 128;
/// Most audiences.
pub const MAX_AUDIENCES: usize = 20;

/// A trusted issuer as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Issuer {
    /// `iss_…`; those made later sort later.
    pub id: IssuerId,
    /// For whose identities alone it speaks; `None` for an issuer of the platform.
    pub tenant: Option<TenantId>,
    /// What it says.
    pub content: IssuerContent,
    /// Whether it is ScaiKey, which is configured and cannot be changed here.
    pub is_builtin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What is said of an issuer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuerContent {
    /// Unique in its tenant, or among those of the platform.
    pub name: Arc<str>,
    /// Compared exactly with `iss`.
    pub issuer: Arc<str>,
    /// Where its keys are; found by discovery if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<Arc<str>>,
    /// Its keys themselves, instead of fetching them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Roots to trust besides the system's when fetching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<Arc<str>>,
    /// One of these must be in `aud`.
    pub audiences: Vec<Arc<str>>,
    /// One of these must be `alg`.
    pub algorithms: Vec<Algorithm>,
    /// Which claims mean what.
    pub claim_mapping: ClaimMapping,
    /// Kind of its identities.
    pub identity_type: IdentityType,
    /// One of these must match `sub`.
    pub bound_subjects: Vec<SubjectPattern>,
    /// Scopes of tokens that name none.
    pub default_scopes: Scopes,
    /// Roles that are taken from claims.
    pub allowed_roles: Vec<Role>,
    /// Tokens of an inactive one are refused.
    pub is_active: bool,
}

/// Algorithm of a signature (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All that are accepted.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// As in headers of tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// Where claims say that their holder belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// To this tenant.
    Tenant(TenantId),
    /// To a partner alone, or to what is no tenant.
    Elsewhere,
    /// They do not say.
    Unsaid,
}

impl Issuer {
    /// In whose keeping it is.
    pub fn owner(&self) -> Owner {
        self.tenant.clone().map_or(Owner::Platform, Owner::Tenant)
    }

    /// Whether a token with this `iss` is one of its own. ScaiKey also speaks as each of its tenants.
    pub fn is_named(&self, iss: &str) -> bool {
        let rest = iss.strip_prefix(self.content.issuer.as_ref());
        match rest {
            Some("") => true,
            Some(rest) => self.is_builtin && scaikey::tenant_of_path(rest).is_some(),
            None => false,
        }
    }

    /// Whether one of the bound subjects matches.
    pub fn binds(&self, subject: &str) -> bool {
        self.content.bound_subjects.iter().any(|pattern| pattern.matches(subject))
    }

    /// The highest role that anybody can have through it: whoever holds the keys of a tenant's issuer
    /// can be anybody in that tenant, and must be nobody beyond.
    pub fn highest_role(&self) -> Option<Role> {
        self.tenant.as_ref().map(|_| Role::TenantAdmin)
    }

    /// Where its claims say that their holder belongs.
    pub fn home(&self, claims: &Claims) -> Home {
        let tenant = if self.is_builtin { scaikey::tenant(self, claims) } else { claims::tenant(self, claims) };
        match tenant {
            Ok(Some(tenant)) => Home::Tenant(tenant),
            Ok(None) if self.is_builtin && scaikey::names_partner(claims) => Home::Elsewhere,
            Ok(None) => Home::Unsaid,
            Err(_) => Home::Elsewhere,
        }
    }

    /// Whom verified claims speak for.
    pub fn map(&self, claims: &Claims) -> Result<Bearer, Unmapped> {
        let bearer = if self.is_builtin { scaikey::map(self, claims)? } else { claims::map(self, claims)? };
        Ok(match &self.tenant {
            None => bearer,
            Some(tenant) => {
                let roles = bearer.roles.into_iter().filter(|role| *role >= Role::TenantAdmin).collect();
                Bearer { tenant: Some(tenant.clone()), partner: None, roles, ..bearer }
            }
        })
    }
}

/// ScaiKey as an issuer.
pub fn scaikey(url: &str, jwks_url: Option<&str>, audience: &str, since: Timestamp) -> Issuer {
    scaikey::issuer(url, jwks_url, audience, since)
}
