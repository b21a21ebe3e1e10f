//! Names of published events: what there is, and how several are named at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Rejection;

/// Every type that is published, also by capabilities that this build does not have.
pub const TYPES: &[&str] = &[
    "secret.created",
    "secret.updated",
    "secret.metadata_updated",
    "secret.deleted",
    "secret.restored",
    "secret.version_destroyed",
    "secret.rotated",
    "secret.expiring",
    "secret.expired",
    ACCESSED,
    "policy.created",
    "policy.updated",
    "policy.deleted",
    "policy.binding.created",
    "policy.binding.deleted",
    VIOLATION,
    "rotation.due",
    "rotation.overdue",
    "rotation.completed",
    "rotation.failed",
    "rotation.stragglers",
    "certificate.issued",
    "certificate.renewed",
    "certificate.revoked",
    "certificate.expiring",
    "certificate.renewal_failed",
    "ca.created",
    "ca.revoked",
    "dynamic.lease.created",
    "dynamic.lease.renewed",
    "dynamic.lease.revoked",
    "dynamic.lease.revocation_failed",
    "federation.sync.completed",
    "federation.sync.failed",
    "federation.conflict.detected",
    "webhook.disabled",
    "key.rotated",
    "token.created",
    "token.revoked",
    "identity.synced",
];

/// Of a value that was read: so frequent that only its own name means it.
pub const ACCESSED: &str = "secret.accessed";
/// Of a request that was denied on a path.
pub const VIOLATION: &str = "policy.violation";
/// Of a test delivery. No name means it: it is sent to whom it tests.
pub const TEST: &str = "webhook.test";

/// Most names in a list.
pub const MAX_NAMES: usize = 100;

/// Which events are wanted: a list of exact types, `*`, and leading parts followed by `.*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Arc<[Arc<str>]>", into = "Arc<[Arc<str>]>")]
pub struct EventNames {
    names: Arc<[Arc<str>]>,
    /// What they mean, so that it need not be found out for each event.
    types: EventTypes,
}

/// A set of types of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(u64);

// A bit for each.
const _: () = assert!(TYPES.len() <= 64);

impl EventTypes {
    /// These types; others than those that are published are in no set.
    pub fn of(event_types: &[&str]) -> Self {
        let bit = |wanted: &&str| TYPES.iter().position(|event_type| event_type == wanted).map(|index| 1 << index);
        Self(event_types.iter().filter_map(bit).fold(0, |set, bit: u64| set | bit))
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl From<Arc<[Arc<str>]>> for EventNames {
    fn from(names: Arc<[Arc<str>]>) -> Self {
        let is_meant = |event_type: &&&str| names.iter().any(|name| means(name, event_type));
        let types: Vec<&str> = TYPES.iter().filter(is_meant).copied().collect();
        Self { types: EventTypes::of(&types), names }
    }
}

impl From<EventNames> for Arc<[Arc<str>]> {
    fn from(events: EventNames) -> Self {
        events.names
    }
}

impl EventNames {
    /// Checks 1 to [`MAX_NAMES`] names; `validation_error` on `field` otherwise.
    pub fn parse(names: &[String], field: &str) -> Result<Self, Rejection> {
        let refuse = |message: String| Err(Rejection::field(field, message));
        if names.is_empty() || names.len() > MAX_NAMES {
            return refuse(format!("must be a list of 1 to {MAX_NAMES} names of events"));
        }
        if let Some(unknown) = names.iter().find(|name| !is_name(name)) {
            let unknown: String = unknown.chars().take(64).collect();
            return refuse(format!(
                "names '{unknown}', which is no type of event, nor '*' or a leading part of some followed by '.*'"
            ));
        }
        let names: Arc<[Arc<str>]> = names.iter().map(|name| name.as_str().into()).collect();
        Ok(names.into())
    }

    /// Whether a type is among them.
    pub fn names(&self, event_type: &str) -> bool {
        self.name_any(EventTypes::of(&[event_type]))
    }

    /// Whether one of some types is.
    pub fn name_any(&self, types: EventTypes) -> bool {
        self.types.meets(types)
    }

    /// As written.
    pub fn as_slice(&self) -> &[Arc<str>] {
        &self.names
    }
}

fn is_name(name: &str) -> bool {
    TYPES.contains(&name) || TYPES.iter().any(|event_type| means(name, event_type))
}

fn means(name: &str, event_type: &str) -> bool {
    if name == event_type {
        return event_type != TEST;
    }
    let is_noisy = event_type == ACCESSED || event_type == TEST;
    let leads = |prefix: &str| event_type.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    !is_noisy && (name == "*" || name.strip_suffix(".*").is_some_and(leads))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ErrorCode;

    fn names(names: &[&str]) -> Result<EventNames, Rejection> {
        EventNames::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), "events")
    }

    #[test]
    fn wildcards_stand_for_whole_parts_and_leave_out_what_is_noisy() {
        let all = names(&["*"]).unwrap();
        assert!(TYPES.iter().all(|event_type| all.names(event_type) == (*event_type != ACCESSED)));
        assert!(!all.names(TEST));
        let some = names(&["secret.*", "policy.binding.*", "dynamic.*"]).unwrap();
        for (event_type, is_meant) in [
            ("secret.created", true),
            ("secret.accessed", false),
            ("policy.binding.deleted", true),
            ("policy.created", false),
            ("dynamic.lease.created", true),
            ("rotation.due", false),
        ] {
            assert_eq!(some.names(event_type), is_meant, "{event_type}");
        }
        assert!(names(&["secret.accessed"]).unwrap().names("secret.accessed"));
    }

    #[test]
    fn other_names_are_refused() {
        for wrong in
            ["", "secret", "secret.", "secret*", "sec.*", "secret.created.*", "*.created", "webhook.test", ".*"]
        {
            assert_eq!(names(&[wrong]).unwrap_err().code, ErrorCode::ValidationError, "{wrong}");
        }
        assert!(names(&[]).is_err() && names(&vec!["*"; 101]).is_err());
    }
}
