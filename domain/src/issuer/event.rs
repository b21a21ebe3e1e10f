//! What happens to trusted issuers and to the rules of exchange. All of an owner's stand in one stream.

use serde::{Deserialize, Serialize};

use super::IssuerContent;
use crate::exchange::ExchangeContent;
use crate::id::{ExchangeRuleId, IssuerId};

/// A change of an issuer or of an exchange rule. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IssuerEvent {
    /// An issuer is trusted from now on.
    #[serde(rename = "issuer.created")]
    Created {
        /// Which.
        id: IssuerId,
        /// What it says.
        content: IssuerContent,
    },
    /// It says something else.
    #[serde(rename = "issuer.updated")]
    Updated {
        /// Which.
        id: IssuerId,
        /// What it says.
        content: IssuerContent,
    },
    /// It is trusted no more.
    #[serde(rename = "issuer.deleted")]
    Deleted {
        /// Which.
        id: IssuerId,
    },
    /// A rule of exchange came to be.
    #[serde(rename = "exchange_rule.created")]
    RuleCreated {
        /// Which.
        id: ExchangeRuleId,
        /// What it says.
        content: ExchangeContent,
    },
    /// It says something else.
    #[serde(rename = "exchange_rule.updated")]
    RuleUpdated {
        /// Which.
        id: ExchangeRuleId,
        /// What it says.
        content: ExchangeContent,
    },
    /// It is gone, and the tokens it gave are refused.
    #[serde(rename = "exchange_rule.deleted")]
    RuleDeleted {
        /// Which.
        id: ExchangeRuleId,
    },
}

impl IssuerEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 6] = [
        "issuer.created",
        "issuer.updated",
        "issuer.deleted",
        "exchange_rule.created",
        "exchange_rule.updated",
        "exchange_rule.deleted",
    ];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "issuer.created",
            Self::Updated { .. } => "issuer.updated",
            Self::Deleted { .. } => "issuer.deleted",
            Self::RuleCreated { .. } => "exchange_rule.created",
            Self::RuleUpdated { .. } => "exchange_rule.updated",
            Self::RuleDeleted { .. } => "exchange_rule.deleted",
        }
    }
}
