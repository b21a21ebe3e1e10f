//! Metadata, options and values as requests give them.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_commands::secret::Value;
use scaivault_domain::secret::MAX_DATA;
use scaivault_domain::secret::metadata::{
    MAX_DESCRIPTION, MAX_OWN_KEYS, MAX_OWN_TEXT, MAX_OWNER, MAX_TAG, MAX_TAGS, MetadataPatch, OwnValue,
};
use scaivault_domain::secret::options::{NoticeTimes, OptionsChange};
use scaivault_domain::{ErrorCode, Rejection, Timestamp};
use serde_json::value::RawValue;

use crate::fields::{Faults, Fields, not_null};
use crate::json::{self, Members};
use crate::operation::Place;

/// A value: an object, compact. `Ok(None)` if absent, which is a fault where it is required.
pub fn value(fields: &mut Fields<'_>, field: &str, faults: &mut Faults) -> Result<Option<Value>, Rejection> {
    let Some(raw) = fields.raw(field) else { return Ok(None) };
    if Members::of(raw).is_none() {
        faults.field(field, "must be an object");
        return Ok(None);
    }
    let compact = json::compact(raw);
    if compact.len() > MAX_DATA {
        let rejection = Rejection::new(ErrorCode::PayloadTooLarge, format!("{field} is larger than 512 KiB"));
        return Err(rejection.detail("limit", MAX_DATA));
    }
    Ok(Some(compact))
}

/// A value that is required.
pub fn required_value(fields: &mut Fields<'_>, field: &str, faults: &mut Faults) -> Result<Value, Rejection> {
    let given = fields.has(field);
    let value = value(fields, field, faults)?;
    if !given {
        faults.field(field, "is required");
    }
    Ok(value.unwrap_or_default())
}

/// `metadata`, as a merge: absent is `None`, `null` is `Some(None)`.
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub fn metadata(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<MetadataPatch>> {
    let mut object = match fields.object("metadata", faults)? {
        Some(object) => object,
        None => return Some(None),
    };
    let mut patch = MetadataPatch {
        description: object.text("description", faults).map(|text| text.map(Arc::from)),
        owner: object.text("owner", faults).map(|text| text.map(Arc::from)),
        tags: object.texts("tags", faults).map(|tags| tags.map(without_duplicates)),
        own: BTreeMap::new(),
    };
    longest(patch.description.as_ref(), MAX_DESCRIPTION, "metadata.description", faults);
    longest(patch.owner.as_ref(), MAX_OWNER, "metadata.owner", faults);
    if let Some(Some(tags)) = &patch.tags {
        if tags.len() > MAX_TAGS {
            faults.field("metadata.tags", "may hold at most 50 tags");
        }
        for (index, _) in tags.iter().enumerate().filter(|(_, tag)| !(1..=MAX_TAG).contains(&tag.chars().count())) {
            faults.field(format!("metadata.tags[{index}]"), "must have 1 to 64 characters");
        }
    }
    for (key, raw) in object.rest() {
        let shaped = (1..=64).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if !shaped {
            faults.field("metadata", "own keys must have 1 to 64 characters of A-Z, a-z, 0-9, '_', '.' and '-'");
            continue;
        }
        if let Some(value) = own_value(&key, raw, faults) {
            patch.own.insert(key.as_ref().into(), value);
        }
    }
    if patch.own.values().flatten().count() > MAX_OWN_KEYS {
        faults.field("metadata", "may have at most 50 own keys");
    }
    Some(Some(patch))
}

fn without_duplicates(tags: Vec<String>) -> Arc<[Arc<str>]> {
    let mut kept: Vec<Arc<str>> = Vec::with_capacity(tags.len());
    for tag in tags {
        if !kept.iter().any(|other| other.as_ref() == tag) {
            kept.push(tag.into());
        }
    }
    kept.into()
}

fn longest(text: Option<&Option<Arc<str>>>, most: usize, field: &str, faults: &mut Faults) {
    if let Some(Some(text)) = text
        && text.chars().count() > most
    {
        faults.field(field, format!("may have at most {most} characters"));
    }
}

#[allow(clippy::option_option, reason = "null removes a key, a fault gives none")]
fn own_value(key: &str, raw: &RawValue, faults: &mut Faults) -> Option<Option<OwnValue>> {
    let text = raw.get();
    let parsed = match text.as_bytes().first() {
        Some(b'n') => return Some(None),
        Some(b'"') => serde_json::from_str::<String>(text).ok().map(|text| OwnValue::Text(text.into())),
        Some(b't' | b'f') => Some(OwnValue::Boolean(text == "true")),
        Some(b'-' | b'0'..=b'9') => serde_json::from_str::<serde_json::Number>(text).ok().map(OwnValue::Number),
        Some(_) | None => None,
    };
    match parsed {
        Some(OwnValue::Text(text)) if text.chars().count() > MAX_OWN_TEXT => {
            faults.field(format!("metadata.{key}"), "may have at most 1024 characters");
            None
        }
        Some(value) => Some(Some(value)),
        None => {
            faults.field(format!("metadata.{key}"), "must be a string, a number or a boolean");
            None
        }
    }
}

/// `options`. In a PUT only those that can be absent may be `null`.
pub fn options(
    fields: &mut Fields<'_>,
    place: Place,
    patching: bool,
    now: Timestamp,
    faults: &mut Faults,
) -> OptionsChange {
    let object = fields.object("options", faults);
    let Some(mut object) = not_null(object, "options", faults) else { return OptionsChange::default() };
    let max_versions = object.integer("max_versions", (1, 100), faults);
    if max_versions == Some(None) && !patching {
        faults.field("options.max_versions", "must not be null");
    }
    let change = OptionsChange {
        max_versions: max_versions.map(|value| value.and_then(|value| u32::try_from(value).ok())),
        expires_in: object.duration("expires_in", faults),
        expires_at: object.timestamp("expires_at", faults),
        notify_before: notices(&mut object, faults),
        rotation_policy_id: object.text("rotation_policy_id", faults).map(|id| id.map(Arc::from)),
        secret_policy_id: object.text("secret_policy_id", faults).map(|id| id.map(Arc::from)),
    };
    if matches!((&change.expires_in, change.expires_at), (Some(Some(_)), Some(Some(_)))) {
        faults.field("options.expires_at", "excludes options.expires_in");
    }
    // Decided once more with the change; here it is told together with all other faults.
    if matches!(change.expires_at, Some(Some(at)) if at <= now) {
        faults.field("options.expires_at", "must be in the future");
    }
    if place == Place::Partner {
        for (given, name) in [
            (change.rotation_policy_id.is_some(), "options.rotation_policy_id"),
            (change.secret_policy_id.is_some(), "options.secret_policy_id"),
        ] {
            if given {
                faults.field(name, "is not offered for partner secrets: rotate them by hand");
            }
        }
    }
    object.finish(faults);
    change
}

#[allow(clippy::option_option, reason = "absent and null are different things")]
fn notices(object: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<NoticeTimes>> {
    match object.text("notify_before", faults)? {
        None => Some(None),
        Some(text) => {
            if text.split(',').count() > scaivault_domain::secret::options::MAX_NOTICES {
                faults.field("options.notify_before", "may hold at most 10 durations");
                return None;
            }
            let refused = || {
                Rejection::new(ErrorCode::InvalidDuration, "options.notify_before: not durations such as 30d,7d,1d")
                    .detail("field", "options.notify_before")
            };
            Some(Some(faults.take(NoticeTimes::parse(&text).ok_or_else(refused))?))
        }
    }
}

/// `secret_type`.
pub fn secret_type(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<scaivault_domain::secret::SecretType> {
    let text = fields.text("secret_type", faults);
    let text = not_null(text, "secret_type", faults)?;
    faults.take(scaivault_domain::secret::SecretType::parse(&text))
}
