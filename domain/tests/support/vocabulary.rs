//! Short names for the commands and events of stories.
#![allow(dead_code)]

use scaivault_domain::DurationText;
use scaivault_domain::Timestamp;
use scaivault_domain::secret::condition::Tag;
use scaivault_domain::secret::delete::DeleteSecret;
use scaivault_domain::secret::event::{DestroyReason, Rotation};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::restore::RestoreSecret;
use scaivault_domain::secret::rotate::{NewValue, RotateSecret};
use scaivault_domain::secret::update::UpdateSecret;
use scaivault_domain::secret::write::WriteSecret;
use scaivault_domain::secret::{Condition, Metadata, NoticeTimes, Options, SecretEvent, SecretType};

use super::story::path;

// === commands ===

pub fn write() -> WriteSecret {
    WriteSecret {
        path: path(),
        secret_type: None,
        metadata: None,
        options: OptionsChange::default(),
        condition: Condition::default(),
    }
}

pub fn write_with(options: OptionsChange) -> WriteSecret {
    WriteSecret { options, ..write() }
}

pub fn update() -> UpdateSecret {
    UpdateSecret { path: path(), metadata: None, options: OptionsChange::default(), condition: Condition::default() }
}

pub fn update_with(options: OptionsChange) -> UpdateSecret {
    UpdateSecret { options, ..update() }
}

/// A rotation with a grace period of so many hours.
pub fn rotate(hours: i64) -> RotateSecret {
    RotateSecret {
        path: path(),
        value: NewValue::Given,
        reason: None,
        grace_seconds: Some(hours * 3_600),
        condition: Condition::default(),
    }
}

pub fn delete() -> DeleteSecret {
    DeleteSecret { path: path(), version: None, permanent: false, condition: Condition::default() }
}

pub fn delete_version(version: u32) -> DeleteSecret {
    DeleteSecret { version: Some(version), ..delete() }
}

pub fn destroy() -> DeleteSecret {
    DeleteSecret { permanent: true, ..delete() }
}

pub fn destroy_version(version: u32) -> DeleteSecret {
    DeleteSecret { permanent: true, ..delete_version(version) }
}

pub fn restore() -> RestoreSecret {
    RestoreSecret { path: path(), version: None }
}

pub fn restore_version(version: u32) -> RestoreSecret {
    RestoreSecret { version: Some(version), ..restore() }
}

pub fn if_match(version: u32) -> Condition {
    Condition { if_match: Some(Tag::Version(version)), if_none_match: None }
}

pub fn if_none() -> Condition {
    Condition { if_match: None, if_none_match: Some(Tag::Any) }
}

// === options ===

pub fn duration(text: &str) -> DurationText {
    DurationText::parse(text).unwrap()
}

pub fn options() -> Options {
    Options { max_versions: 10, expires_in: None, notify_before: NoticeTimes::parse("30d,7d,1d"), secret_policy: None }
}

pub fn keep(max_versions: u32) -> OptionsChange {
    OptionsChange { max_versions: Some(Some(max_versions)), ..OptionsChange::default() }
}

pub fn expire_in(text: &str) -> OptionsChange {
    OptionsChange { expires_in: Some(Some(duration(text))), ..OptionsChange::default() }
}

pub fn expire_at(at: Timestamp) -> OptionsChange {
    OptionsChange { expires_at: Some(Some(at)), ..OptionsChange::default() }
}

// === events ===

pub fn created() -> SecretEvent {
    created_with(options(), None)
}

/// The first version of a secret that keeps so many.
pub fn created_keeping(max_versions: u32) -> SecretEvent {
    created_with(Options { max_versions, ..options() }, None)
}

/// The first version of a secret that ends, with these notices.
pub fn created_ending(at: Timestamp, notices: &str) -> SecretEvent {
    created_with(Options { notify_before: NoticeTimes::parse(notices), ..options() }, Some(at))
}

pub fn created_with(options: Options, expires_at: Option<Timestamp>) -> SecretEvent {
    SecretEvent::Created { secret_type: SecretType::Kv, metadata: Metadata::default(), options, expires_at }
}

/// A further version after `version - 1`.
pub fn added(version: u32) -> SecretEvent {
    SecretEvent::VersionAdded {
        version,
        previous_version: Some(version - 1),
        secret_type: SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: None,
        rotation: None,
    }
}

/// A further version after `version - 1`, which stays readable until `grace_ends_at`.
pub fn rotated(version: u32, grace_ends_at: Timestamp) -> SecretEvent {
    SecretEvent::VersionAdded {
        version,
        previous_version: Some(version - 1),
        secret_type: SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: None,
        rotation: Some(Rotation { grace_ends_at, reason: None, under: None }),
    }
}

pub fn version_deleted(version: u32, recoverable_until: Timestamp) -> SecretEvent {
    SecretEvent::VersionDeleted { version, recoverable_until }
}

pub fn destroyed(version: u32, reason: DestroyReason) -> SecretEvent {
    SecretEvent::VersionDestroyed { version, reason }
}

pub fn aged_out(version: u32) -> SecretEvent {
    destroyed(version, DestroyReason::AgedOut)
}

pub fn deleted(recoverable_until: Timestamp, version_count: u32) -> SecretEvent {
    SecretEvent::Deleted { recoverable_until, version_count }
}

pub fn gone(reason: DestroyReason, version_count: u32) -> SecretEvent {
    SecretEvent::Destroyed { reason, version_count }
}

pub fn current_changed(old_version: u32, new_version: u32) -> SecretEvent {
    SecretEvent::CurrentVersionChanged { old_version, new_version }
}

pub fn announced(threshold: &str, expires_at: Timestamp, days_remaining: i64) -> SecretEvent {
    SecretEvent::ExpiryAnnounced { threshold: duration(threshold), expires_at, days_remaining }
}

pub fn expired(expires_at: Timestamp) -> SecretEvent {
    SecretEvent::Expired { expires_at }
}
