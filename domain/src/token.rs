//! Opaque tokens and their records. A token's value is never here, only its record.

use serde::{Deserialize, Serialize};

use crate::access::Narrowing;
use crate::id::ExchangeRuleId;
use crate::{IdentityId, PartnerId, Scopes, TenantId, Timestamp, TokenId};

/// A token came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCreated {
    /// Record id.
    pub id: TokenId,
    /// What kind.
    pub kind: TokenKind,
    /// For people.
    pub name: String,
    /// Keyed SHA-256 of the value, hexadecimal.
    pub hash: String,
    /// First characters of the value, to recognise it.
    pub prefix: String,
    /// Whom it acts as.
    pub identity: IdentityId,
    /// That identity's tenant.
    pub tenant_id: Option<TenantId>,
    /// That identity's partner.
    pub partner_id: Option<PartnerId>,
    /// What it opens.
    pub scopes: Scopes,
    /// What it is narrowed to, inherited narrowing included.
    #[serde(default)]
    pub narrowing: Narrowing,
    /// Which of the lists in `narrowing` are its own, as shown: paths, then addresses.
    #[serde(default)]
    pub own_narrowing: (bool, bool),
    /// The token it was made with: revoking that one revokes this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<TokenId>,
    /// Digest of the JWT it was made with: revoking that one revokes this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with_jwt: Option<String>,
    /// The rule of exchange that gave it: it counts as long as the rule stays active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_rule: Option<ExchangeRuleId>,
    /// When it ends; `None` never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Kind of an opaque token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// `skt_…`, made by an identity for itself.
    Personal,
    /// The administrator's first token, from bootstrap.
    Bootstrap,
    /// The root token of development mode.
    DevRoot,
    /// `sak_…`, a key of a service account.
    ServiceAccountKey,
    /// `sxt_…`, given in exchange for a JWT.
    Exchanged,
}

impl TokenKind {
    /// As others are told.
    pub fn published(self) -> &'static str {
        match self {
            Self::Personal | Self::Bootstrap | Self::DevRoot => "personal",
            Self::ServiceAccountKey => "service_account_key",
            Self::Exchanged => "exchanged",
        }
    }
}

/// A token ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Record id.
    pub id: TokenId,
    /// Kind, for those who are told.
    pub kind: TokenKind,
    /// Whose token.
    pub identity: IdentityId,
}

/// A JWT ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwtRevoked {
    /// Keyed SHA-256 of what its signature covers, hexadecimal. Not of the signature: some can be given another form.
    pub hash: String,
    /// Whose token.
    pub identity: IdentityId,
    /// When it would have ended by itself.
    pub expires_at: Timestamp,
}

/// State of one token record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As made.
    pub record: TokenCreated,
    /// When.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether its end has passed.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.record.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it can be used, as far as its own record says.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && !self.is_expired(now)
    }
}
