//! Which entries are exported.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::IdentityType;

/// What entries must be like; what is left out may be anything. As in the log's query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFilter {
    /// One of these actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Vec<Arc<str>>>,
    /// Of this identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<Arc<str>>,
    /// Of an identity of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<IdentityType>,
    /// About secrets whose paths begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<Arc<str>>,
    /// Whether they succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// From this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<Arc<str>>,
}

impl ExportFilter {
    /// Whether every entry fits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
