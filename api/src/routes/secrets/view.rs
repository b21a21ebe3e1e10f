//! Secrets as answers show them.

use std::sync::Arc;

use scaivault_domain::Owner;
use scaivault_domain::secret::Secret;
use scaivault_domain::secret::metadata::Flat;
use scaivault_domain::{SecretPath, Timestamp};
use scaivault_projections::secrets::Catalogue;
use scaivault_projections::{RotationSet, SecretPolicySet, View};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::routes::rotation::view::standing;

/// The policies that secrets of an owner may name.
#[derive(Clone, Copy)]
pub struct Policies<'v> {
    recipes: &'v SecretPolicySet,
    rotations: &'v RotationSet,
    catalogue: &'v Catalogue,
}

impl<'v> Policies<'v> {
    /// Those that are there.
    pub fn of(view: &'v View, owner: &Owner) -> Self {
        let (recipes, rotations) = (view.secret_policies.of(owner), view.rotations.of(owner));
        Self { recipes, rotations, catalogue: view.secrets(owner) }
    }

    fn rotation_of<'s>(&self, secret: &'s Secret, now: Timestamp) -> Option<RotationView<'s>> {
        let (_, next_rotation) = standing(self.rotations, self.catalogue, secret, now)?;
        let id = secret.attachment.as_ref()?.policy.id.as_str();
        Some(RotationView { id, next_rotation })
    }
}

/// To what a secret is attached.
#[derive(Serialize)]
struct RotationView<'a> {
    id: &'a str,
    next_rotation: Option<Timestamp>,
}

/// A value with its secret.
#[derive(Serialize)]
pub struct SecretView<'a> {
    path: &'a SecretPath,
    secret_type: &'static str,
    version: u32,
    data: &'a RawValue,
    metadata: Flat<'a>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_policy_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_policy_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<Timestamp>,
}

impl<'a> SecretView<'a> {
    /// Of a value read as of now, or of `as_of`.
    pub fn new(
        secret: &'a Secret,
        version: u32,
        data: &'a RawValue,
        policies: Policies<'_>,
        as_of: Option<Timestamp>,
    ) -> Self {
        Self {
            path: &secret.path,
            secret_type: secret_type(secret, version),
            version,
            data,
            metadata: secret.metadata.flat(),
            created_at: secret.created_at,
            updated_at: secret.updated_at,
            expires_at: secret.expires_at(),
            rotation_policy_id: policies.rotations.named_by(secret, as_of),
            secret_policy_id: policies.recipes.named_by(secret, as_of),
            as_of,
        }
    }
}

/// Type of a version.
pub fn secret_type(secret: &Secret, version: u32) -> &'static str {
    secret.version(version).map(|version| version.secret_type).unwrap_or_default().as_str()
}

/// Type of the current version, or of the last one if none is live.
pub fn current_type(secret: &Secret) -> &'static str {
    secret.current().or(secret.versions.last()).map(|version| version.secret_type).unwrap_or_default().as_str()
}

/// The metadata view.
#[derive(Serialize)]
pub struct MetadataView<'a> {
    path: &'a SecretPath,
    secret_type: &'static str,
    current_version: Option<u32>,
    version_count: usize,
    metadata: Flat<'a>,
    options: OptionsView<'a>,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Option<Timestamp>,
    rotation_policy: Option<RotationView<'a>>,
    secret_policy_id: Option<&'a str>,
    #[serde(flatten)]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct OptionsView<'a> {
    max_versions: u32,
    expires_in: Option<&'a str>,
    notify_before: Option<&'a str>,
}

/// How often a secret is read.
#[derive(Clone, Copy, Serialize)]
pub struct Usage {
    /// Last value read.
    pub last_accessed_at: Option<Timestamp>,
    /// Value reads in the last 30 days.
    pub access_count_30d: u64,
}

impl<'a> MetadataView<'a> {
    /// Of a secret with the policies that it names, and with its usage where that is shown.
    pub fn new(secret: &'a Secret, policies: Policies<'_>, now: Timestamp, usage: Option<Usage>) -> Self {
        Self {
            path: &secret.path,
            secret_type: current_type(secret),
            current_version: secret.current_number(),
            version_count: secret.valued().count(),
            metadata: secret.metadata.flat(),
            options: OptionsView {
                max_versions: secret.options.max_versions,
                expires_in: secret.options.expires_in.as_ref().map(|duration| duration.as_str()),
                notify_before: secret.options.notify_before.as_ref().map(|notices| notices.as_str()),
            },
            created_at: secret.created_at,
            updated_at: secret.updated_at,
            expires_at: secret.expires_at(),
            rotation_policy: policies.rotation_of(secret, now),
            secret_policy_id: policies.recipes.named_by(secret, None),
            usage,
        }
    }
}

/// A row of a list.
#[derive(Serialize)]
pub struct Row<'a> {
    path: &'a SecretPath,
    secret_type: &'static str,
    version: Option<u32>,
    updated_at: Timestamp,
    expires_at: Option<Timestamp>,
    tags: &'a [Arc<str>],
    #[serde(flatten)]
    more: Option<More<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recoverable_until: Option<Timestamp>,
}

#[derive(Serialize)]
struct More<'a> {
    metadata: Flat<'a>,
    created_at: Timestamp,
    rotation_policy_id: Option<&'a str>,
    secret_policy_id: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// Of a secret; with its metadata and what it is attached to if there are policies to look that up in.
    pub fn new(secret: &'a Secret, policies: Option<Policies<'_>>) -> Self {
        let more = policies.map(|policies| More {
            metadata: secret.metadata.flat(),
            created_at: secret.created_at,
            rotation_policy_id: policies.rotations.named_by(secret, None),
            secret_policy_id: policies.recipes.named_by(secret, None),
        });
        Self {
            path: &secret.path,
            secret_type: current_type(secret),
            version: secret.current_number(),
            updated_at: secret.updated_at,
            expires_at: secret.expires_at(),
            tags: secret.metadata.tags(),
            more,
            deleted_at: secret.deleted.map(|deletion| deletion.deleted_at),
            recoverable_until: secret.deleted.map(|deletion| deletion.recoverable_until),
        }
    }
}
