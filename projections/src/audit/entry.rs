//! What the index reads of an audit entry.

use std::borrow::Cow;

use scaivault_domain::{IdentityType, Timestamp};
use serde::Deserialize;

/// The fields that are searched.
#[derive(Debug, Deserialize)]
pub(super) struct IndexedEntry<'a> {
    #[serde(borrow)]
    pub(super) acting_tenant_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) error_code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) identity_id: Option<Cow<'a, str>>,
    pub(super) identity_type: Option<IdentityType>,
    #[serde(borrow)]
    pub(super) request_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) resource: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) secret_path: Option<Cow<'a, str>>,
    pub(super) secret_version: Option<u32>,
    #[serde(borrow)]
    pub(super) source_ip: Option<Cow<'a, str>>,
    pub(super) success: bool,
    pub(super) timestamp: Timestamp,
    #[serde(borrow)]
    pub(super) extra_data: IndexedExtra<'a>,
}

/// Those of `extra_data`.
#[derive(Debug, Deserialize)]
pub(super) struct IndexedExtra<'a> {
    #[serde(borrow, default)]
    pub(super) secret_scope: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) token_id: Option<Cow<'a, str>>,
}
