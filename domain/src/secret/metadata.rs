//! Metadata of a secret: not secret, searchable.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::OwnKeys;

/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2_048;
/// Longest owner, in characters.
pub const MAX_OWNER: usize = 256;
/// Most tags.
pub const MAX_TAGS: usize = 50;
/// Longest tag, in characters.
pub const MAX_TAG: usize = 64;
/// Most keys of the user's own.
pub const MAX_OWN_KEYS: usize = 50;
/// Longest own text value, in characters.
pub const MAX_OWN_TEXT: usize = 1_024;

/// Known keys and the user's own. Serialises with the known ones first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// Labels, in the order given, without duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Arc<[Arc<str>]>>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Arc<str>>,
    /// Own keys.
    #[serde(default, skip_serializing_if = "OwnKeys::is_empty")]
    pub own: OwnKeys,
}

/// Value of an own key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OwnValue {
    /// Text.
    Text(Arc<str>),
    /// Boolean.
    Boolean(bool),
    /// Number.
    Number(serde_json::Number),
}

impl<'de> Deserialize<'de> for OwnValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OwnValueVisitor)
    }
}

/// Tries nothing that does not fit, as a derived one would.
struct OwnValueVisitor;

impl Visitor<'_> for OwnValueVisitor {
    type Value = OwnValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a boolean or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OwnValue, E> {
        Ok(OwnValue::Text(text.into()))
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<OwnValue, E> {
        Ok(OwnValue::Boolean(boolean))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<OwnValue, E> {
        Ok(OwnValue::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<OwnValue, E> {
        Ok(OwnValue::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<OwnValue, E> {
        let number = serde_json::Number::from_f64(number).ok_or_else(|| E::custom("not a number"))?;
        Ok(OwnValue::Number(number))
    }
}

impl Metadata {
    /// The tags; empty when there are none.
    pub fn tags(&self) -> &[Arc<str>] {
        self.tags.as_deref().unwrap_or_default()
    }

    /// One flat object, as in answers.
    pub fn flat(&self) -> Flat<'_> {
        Flat(self)
    }
}

/// Metadata as answers show it: its own keys stand beside the known ones, after them.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a>(&'a Metadata);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Metadata { description, tags, owner, own } = self.0;
        let mut object = serializer.serialize_map(None)?;
        if let Some(description) = description {
            object.serialize_entry("description", description)?;
        }
        if let Some(tags) = tags {
            object.serialize_entry("tags", tags)?;
        }
        if let Some(owner) = owner {
            object.serialize_entry("owner", owner)?;
        }
        for (key, value) in own.iter() {
            object.serialize_entry(key, value)?;
        }
        object.end()
    }
}

/// A merge into metadata: absent keys stay, `None` removes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataPatch {
    /// New description.
    pub description: Option<Option<Arc<str>>>,
    /// New tags, replacing all.
    pub tags: Option<Option<Arc<[Arc<str>]>>>,
    /// New owner.
    pub owner: Option<Option<Arc<str>>>,
    /// New values of own keys.
    pub own: BTreeMap<Arc<str>, Option<OwnValue>>,
}

impl MetadataPatch {
    /// The metadata that results.
    pub fn apply(&self, metadata: &Metadata) -> Metadata {
        let mut merged = metadata.clone();
        if let Some(description) = &self.description {
            merged.description.clone_from(description);
        }
        if let Some(tags) = &self.tags {
            merged.tags.clone_from(tags);
        }
        if let Some(owner) = &self.owner {
            merged.owner.clone_from(owner);
        }
        if !self.own.is_empty() {
            let held = merged.own.iter().map(|(key, value)| (key.clone(), value.clone()));
            let mut own: BTreeMap<_, _> = held.collect();
            for (key, value) in &self.own {
                match value {
                    Some(value) => own.insert(key.clone(), value.clone()),
                    None => own.remove(key),
                };
            }
            merged.own = own.into();
        }
        merged
    }
}
